"""``manage.py import FILE --entity NAME``: the wizard's steps in one command."""

import json
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from crm.accounts.models import User
from crm.activity.intention import Origin, acting_from
from crm.activity.models import ChangeSet
from crm.lib.errors import Refusal
from crm.transfer.models import ImportRun
from crm.transfer.services import carry_out, check, discard, receive, settle, suggest


class Command(BaseCommand):
    """Import a file, or with ``--dry-run`` tell what would become of it."""

    help = "Import a CSV, XLSX, JSON or vCard file. Prints the counts, the errors and the change set (for `undo`)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("file")
        parser.add_argument("--entity", required=True, help="what the rows are: customer, company, deal, product, user, task, …")
        parser.add_argument("--mapping", help="a JSON file that says how the columns are read (see crm/transfer/README.md)")
        parser.add_argument("--dry-run", action="store_true", help="check only; nothing is written")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--as", dest="actor", metavar="EMAIL", help="who imports (default: the first administrator)")
        parser.add_argument("--show-mapping", action="store_true", help="print the mapping that would be used, and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        """Receive, map, check, run; refusals end with code 2, open questions with 3, failed rows with 1."""
        actor = self._actor(options["actor"])
        path = Path(options["file"])
        if not path.is_file():
            raise CommandError(_("There is no file %(path)s.") % {"path": path}, returncode=2)
        with acting_from(Origin(user_id=actor.pk, source=ChangeSet.Source.IMPORT)):
            try:
                code, said = self._import(path, actor, options)
            except Refusal as refusal:
                self._refused(refusal, options["json"])
                raise SystemExit(2) from None
        if options["json"]:
            self.stdout.write(json.dumps(said, ensure_ascii=False, indent=2, default=str))
        else:
            self._tell(said)
        if code:
            raise SystemExit(code)

    def _actor(self, email: str | None) -> User:
        people = User.objects.active()
        found = (
            people.filter(email__iexact=email).first() if email
            else people.filter(role__is_admin=True).order_by("created_at").first()
        )
        if found is None:
            raise CommandError(_("There is no such active user; name one with --as."), returncode=2)
        return found

    def _import(self, path: Path, actor: User, options: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        mapping = self._mapping(options["mapping"])
        with path.open("rb") as file:
            run = receive(file=file, name=path.name, of=options["entity"], actor=actor, options=mapping.get("source"))
        keep, began = False, time.monotonic()
        try:
            if not options["mapping"]:
                mapping = suggest(run, actor).as_dict()
                mapping.setdefault("rest", "note")
            if options["show_mapping"]:
                return 0, {"mapping": mapping}
            settle(run, mapping, actor)
            check(run, actor)
            said = {**self._said(run), "seconds": round(time.monotonic() - began, 2)}
            if run.report["blocked"]:
                return 3, said
            if options["dry_run"]:
                return 0, said
            keep = True
            carry_out(run, actor)
            said = {**self._said(run), "seconds": round(time.monotonic() - began, 2)}
            return (1 if said["counts"]["error"] else 0), said
        finally:
            if not keep:
                discard(run)

    def _mapping(self, name: str | None) -> dict[str, Any]:
        if not name:
            return {}
        try:
            found = json.loads(Path(name).read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise CommandError(_("The mapping cannot be read: %(error)s") % {"error": error}, returncode=2) from None
        if not isinstance(found, dict):
            raise CommandError(_("A mapping is a JSON object."), returncode=2)
        return found

    def _said(self, run: ImportRun) -> dict[str, Any]:
        report = run.report
        done = run.state == ImportRun.State.DONE
        wrote = done and ChangeSet.objects.filter(pk=run.change_set).exists()
        said = {
            "file": run.file_name, "entity": run.entity, "state": "done" if done else "open questions" if report["blocked"] else "checked",
            "source": {k: v for k, v in run.source.items() if k not in ("headers", "header")}, "rows": report["rows"],
            "counts": {k: report["result"][k] for k in ("create", "update", "skip", "error")} if done else report["counts"],
            "also_created": report["result"]["also"] if done else report["also"],
            "skipped": report["skipped"], "unresolved": report["references"], "settled": report["settled"], "empty_links": report["blank"],
            "in_trash": report["trash"], "ambiguous_dates": report["dates"], "columns_left": report["left"], "custom_fields": report["custom_fields"],
            "errors": [*report["errors"], *report.get("run_errors", [])][:100],
            "change_set": str(run.change_set) if wrote else None, "import": str(run.pk) if done else None,
            "mapping": run.mapping,
        }
        return said

    def _refused(self, refusal: Refusal, as_json: bool) -> None:
        details = [d.as_dict() for d in refusal.details]
        if as_json:
            self.stdout.write(json.dumps({"state": "refused", "message": refusal.message, "details": details}, ensure_ascii=False))
        self.stderr.write(self.style.ERROR(refusal.message))
        for detail in details:
            if detail["message"] != refusal.message:
                self.stderr.write(f"  {detail['field']}: {detail['message']}")

    def _tell(self, said: dict[str, Any]) -> None:
        write = self.stdout.write
        if "counts" not in said:
            write(json.dumps(said["mapping"], ensure_ascii=False, indent=2))
            return
        source = ", ".join(f"{k} {v!r}" if k == "delimiter" else f"{k} {v}" for k, v in said["source"].items() if v and k != "delimiter_name")
        write(f"{said['file']} as {said['entity']}: {said['rows']} rows ({source})")
        counts = said["counts"]
        tense = ("created", "updated", "skipped", "failed") if said["state"] == "done" else ("to create", "to update", "to skip", "with errors")
        write("  " + ", ".join(f"{counts[k]} {word}" for k, word in zip(("create", "update", "skip", "error"), tense, strict=True)))
        rate = said["rows"] / max(said["seconds"], 0.01)
        write(f"  {said['seconds']:.1f} s, {rate:,.0f} rows/s")
        for name, count in said["also_created"].items():
            write(f"  also {count} × {name}")
        for reason, count in said["skipped"].items():
            write(f"  skipped {count}: {reason}")
        for one in said["custom_fields"]:
            write(f"  custom field “{one['label']}” ({one['kind']})")
        words = {"note": "kept in a note", "custom": "as custom fields", "ignore": "ignored", "empty": "empty", "ask": "NOT MAPPED, settle them"}
        for place, columns in said["columns_left"].items():
            write(f"  columns {words[place]}: {', '.join(columns)}")
        for one in said["empty_links"]:
            write(f"  {one['column']}: empty in {one['count']} rows (left empty; the mapping can settle it)")
        for one in said["unresolved"]:
            hint = f" – did you mean {', '.join(one['suggestions'])}?" if one["suggestions"] else ""
            write(f"  {one['column']}: “{one['value']}” stands for nothing, {one['count']} rows{hint}")
        for one in said["settled"]:
            done = {"leave": "left empty, kept in a note", "skip": "skipped", "error": "in the error file", "create": "made"}[one["choice"]]
            write(f"  {one['column']}: {one['names']} names that stand for nothing in {one['rows']} rows, {done} ({', '.join(one['some'])})")
        if said["in_trash"]:
            write(f"  {said['in_trash']['count']} rows are about records in the trash ({said['in_trash']['choice']}); "
                  'the mapping says "trash": "restore", "create" or "skip"')
        for one in said["ambiguous_dates"]:
            write(f"  {one['column']}: {one['count']} dates could be day first or month first; say which with \"dates\"")
        for error in said["errors"][:20]:
            value = f" “{error['value']}”" if error.get("value") else ""
            write(f"  row {error['row']}{', ' + error['column'] if error.get('column') else ''}{value}: {error['message']}")
        if len(said["errors"]) > 20:
            write("  … (the failed rows come as a file: /imports)")
        if said["state"] == "open questions":
            write("Nothing was written: settle the open questions in the mapping.")
        elif said["state"] == "done" and not said["change_set"]:
            write("Nothing was written: everything is already there.")
        elif said["change_set"]:
            write(f"change set {said['change_set']} (manage.py undo {said['change_set']} takes it back)")
