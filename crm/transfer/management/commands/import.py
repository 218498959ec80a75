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
from crm.transfer.management.said import Teller, said_of
from crm.transfer.mapping.model import CHOICES, DATE_ORDERS, RESTS, TRASH
from crm.transfer.services import answered, carry_out, check, discard, failed_rows, receive, settle, suggest


class Command(BaseCommand):
    """Import a file, or with ``--dry-run`` tell what would become of it."""

    help = (
        "Import a CSV, XLSX, XLS, ODS, JSON or vCard file. Prints the counts, the errors and the change set (for `undo`). "
        "Ends with 0, with 1 when rows failed, with 2 when the file or the mapping was refused, with 3 when questions are open."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("file")
        parser.add_argument("--entity", default="", help="what the rows are: customer, company, deal, product, user, task, … (default: told by the columns)")
        parser.add_argument("--mapping", help="a JSON file that says how the columns are read (see crm/transfer/README.md and docs/examples)")
        parser.add_argument("--dry-run", action="store_true", help="check only; nothing is written")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--as", dest="actor", metavar="EMAIL", help="who imports (default: the first administrator)")
        parser.add_argument("--show-mapping", action="store_true", help="print the mapping, with the likeliest answers to all questions, and stop")
        parser.add_argument("--unresolved", choices=[c for c in CHOICES if c != "ask"], help="one answer for all names that stand for nothing")
        parser.add_argument("--dates", choices=DATE_ORDERS, help="how dates like 03/04/2024 are meant, in all columns")
        parser.add_argument("--rest", choices=[r for r in RESTS if r != "ask"], help="what happens to columns that nobody recognises (default: note)")
        parser.add_argument("--trash", choices=[t for t in TRASH if t != "ask"], help="what happens to rows whose record is in the trash")
        parser.add_argument("--system", help="what the other program is called; ids of its files find each other's records")
        parser.add_argument("--errors", metavar="FILE", help="write the failed rows here, to mend and import again")

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
        if options["json"] or options["show_mapping"]:
            self.stdout.write(json.dumps(said, ensure_ascii=False, indent=2, default=str))
        else:
            Teller(self.stdout.write).tell(said, options["file"])
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
            run = receive(
                file=file, name=path.name, of=options["entity"] or str(mapping.get("entity") or ""), actor=actor, options=mapping.get("source")
            )
        keep, began = False, time.monotonic()
        try:
            settle(run, self._with_options(mapping or suggest(run, actor).as_dict(), options), actor, remember=False)
            check(run, actor)
            if options["show_mapping"]:
                return 0, answered(run)
            said = {**said_of(run), "seconds": round(time.monotonic() - began, 2)}
            if run.report["blocked"]:
                return 3, said
            if not options["dry_run"]:
                keep = True
                carry_out(run, actor)
                said = {**said_of(run), "seconds": round(time.monotonic() - began, 2)}
            if options["errors"] and said["counts"]["error"]:
                with Path(options["errors"]).open("w", encoding="utf-8", newline="") as out:
                    out.writelines(failed_rows(run))
                said["errors_file"] = options["errors"]
            return (1 if said["counts"]["error"] and not options["dry_run"] else 0), said
        finally:
            if not keep:
                discard(run)

    @staticmethod
    def _with_options(mapping: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Return the mapping with what the command line says besides."""
        made = dict(mapping)
        if not options["mapping"]:
            made.setdefault("rest", "note")
        made.update({name: options[name] for name in ("unresolved", "rest", "trash", "system") if options[name]})
        if options["dates"]:
            made["dates"] = options["dates"]
        return made

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

    def _refused(self, refusal: Refusal, as_json: bool) -> None:
        details = [d.as_dict() for d in refusal.details]
        if as_json:
            self.stdout.write(json.dumps({"state": "refused", "message": refusal.message, "details": details}, ensure_ascii=False))
        self.stderr.write(self.style.ERROR(refusal.message))
        for detail in details:
            if detail["message"] != refusal.message:
                self.stderr.write(f"  {detail['field']}: {detail['message']}")


