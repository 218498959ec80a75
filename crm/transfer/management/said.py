"""What ``manage.py import`` says: as one JSON object, and in lines for people."""

from collections.abc import Callable
from typing import Any

from crm.activity.models import ChangeSet
from crm.transfer.models import ImportRun

WORDS = {
    "note": "kept in a note", "custom": "as custom fields", "ignore": "ignored", "empty": "empty", "ask": "NOT MAPPED, settle them",
}
DONE = {"leave": "left empty, kept in a note", "skip": "skipped", "error": "in the error file", "create": "made"}
ORDERS = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}
SOME = 8


def said_of(run: ImportRun) -> dict[str, Any]:
    """Return everything about a checked or finished run."""
    report = run.report
    done = run.state == ImportRun.State.DONE
    wrote = done and ChangeSet.objects.filter(pk=run.change_set).exists()
    return {
        "file": run.file_name, "entity": run.entity, "state": "done" if done else "open questions" if report["blocked"] else "checked",
        "source": {k: v for k, v in run.source.items() if k not in ("headers", "header", "chosen")}, "rows": report["rows"],
        "counts": {k: report["result"][k] for k in ("create", "update", "skip", "error")} if done else report["counts"],
        "also_created": report["result"]["also"] if done else report["also"],
        "skipped": report["skipped"], "questions": report["questions"], "unresolved": report["references"], "settled": report["settled"],
        "empty_links": report["blank"], "in_trash": report["trash"], "ambiguous_dates": report["dates"], "read_as": report["readings"],
        "taken_for": report["meant"], "read_as_nothing": report["nothing"], "shared_addresses": report["shared"], "waiting": report["waiting"],
        "columns_left": report["left"], "custom_fields": report["custom_fields"], "errors_by_column": report["by_column"],
        "errors": [*report["errors"], *report.get("run_errors", [])][:100],
        "change_set": str(run.change_set) if wrote else None, "import": str(run.pk) if done else None,
        "mapping": run.mapping,
    }


class Teller:
    """Tells people, line by line."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self.write = write

    def tell(self, said: dict[str, Any], file: str) -> None:
        """Say the whole."""
        self._counts(said)
        self._reading(said)
        self._questions(said)
        self._errors(said)
        self._end(said, file)

    def _counts(self, said: dict[str, Any]) -> None:
        source = ", ".join(
            f"{k} {v!r}" if k == "delimiter" else f"{k} {v}" for k, v in said["source"].items() if v and k not in ("delimiter_name", "warnings")
        )
        self.write(f"{said['file']} as {said['entity']}: {said['rows']} rows ({source})")
        for warning in said["source"].get("warnings", []):
            self.write(f"  {warning}")
        counts = said["counts"]
        tense = ("created", "updated", "skipped", "failed") if said["state"] == "done" else ("to create", "to update", "to skip", "with errors")
        line = ", ".join(f"{counts[k]} {word}" for k, word in zip(("create", "update", "skip", "error"), tense, strict=True))
        self.write(f"  {line}" + (f" ({said['waiting']} of them wait for an answer)" if said["waiting"] else ""))
        self.write(f"  {said['seconds']:.1f} s, {said['rows'] / max(said['seconds'], 0.01):,.0f} rows/s")
        for name, count in said["also_created"].items():
            self.write(f"  also {count} × {name}")
        for reason, count in said["skipped"].items():
            self.write(f"  skipped {count}: {reason}")

    def _reading(self, said: dict[str, Any]) -> None:
        for one in said["custom_fields"]:
            self.write(f"  custom field “{one['label']}” ({one['kind']})")
        for place, columns in said["columns_left"].items():
            self.write(f"  columns {WORDS[place]}: {', '.join(columns)}")
        for one in said["read_as"]:
            how = {"dates": f"dates are read as {ORDERS.get(one['value'], '')}", "decimal": f"“{one['value']}” stands before decimals",
                   "scale": "parts of one are read as per cent"}[one["what"]]
            self.write(f"  {one['column']}: {how} ({one['count']} cells could be read otherwise)")
        for one in said["taken_for"][:SOME]:
            self.write(f"  {one['column']}: “{one['value']}” is taken for {one['as']}, {one['count']} rows (kept in a note)")
        for one in said["read_as_nothing"][:SOME]:
            self.write(f"  {one['column']}: “{one['value']}” is read as nothing, {one['count']} rows")
        if said["shared_addresses"]:
            self.write(f"  {said['shared_addresses']} rows share an address with somebody of another name; it is kept as a further one")
        for one in said["empty_links"]:
            self.write(f"  {one['column']}: empty in {one['count']} rows (left empty; the mapping can settle it)")
        for one in said["settled"]:
            self.write(f"  {one['column']}: {one['names']} names that stand for nothing in {one['rows']} rows, "
                       f"{DONE[one['choice']]} ({', '.join(one['some'])})")

    def _questions(self, said: dict[str, Any]) -> None:
        for asked in said["questions"]:
            mine = [r for r in said["unresolved"] if r["column"] == asked["column"]]
            what = (asked["entity"] or "allowed value").replace("_", " ")
            some = "; ".join(
                f"“{r['value']}” ({r['count']})" + (f", did you mean {' or '.join(r['suggestions'][:3])}?" if r["suggestions"] and asked["entity"] else "")
                for r in mine[:SOME]
            )
            more = f"; … {asked['names'] - SOME} more" if asked["names"] > SOME else ""
            self.write(f"  ? {asked['column']}: {asked['names']} names stand for no {what}, {asked['rows']} rows: {some}{more}")
            if not asked["entity"] and mine:
                self.write(f"    allowed: {', '.join(mine[0]['suggestions'])}")
            if asked["entity"] == "user":
                self.write("    import these people first (--entity user), or leave the owner to yourself (--unresolved leave)")
            elif asked["entity"] == "stage":
                self.write("    “create” makes a pipeline of the stages that the file names")
        for one in said["ambiguous_dates"]:
            self.write(f"  ? {one['column']}: {one['count']} dates could be day first or month first; say which with --dates dmy or mdy")
        if said["in_trash"] and said["in_trash"]["choice"] == "ask":
            self.write(f"  ? {said['in_trash']['count']} rows are about records in the trash: --trash restore, create or skip")
        elif said["in_trash"]:
            self.write(f"  {said['in_trash']['count']} rows are about records in the trash ({said['in_trash']['choice']})")

    def _errors(self, said: dict[str, Any]) -> None:
        own = [e for e in said["errors_by_column"] if e["count"] > 1]
        for one in own[:SOME]:
            self.write(f"  {one['count']} rows fail{' in ' + one['column'] if one['column'] else ''}, the first is row {one['row']}: {one['message']}")
        told = {(e["row"], e["column"]) for e in own[:SOME]}
        listed = [e for e in said["errors"] if (e["row"], e.get("column", "")) not in told][: 20 if said["state"] != "open questions" else 0]
        for error in listed:
            value = f" “{error['value']}”" if error.get("value") else ""
            self.write(f"  row {error['row']}{', ' + error['column'] if error.get('column') else ''}{value}: {error['message']}")
        if said.get("errors_file"):
            self.write(f"  the failed rows stand in {said['errors_file']}: mend them and import that file")
        elif said["counts"]["error"] and said["state"] != "open questions":
            self.write("  --errors FILE writes the failed rows to a file to mend and import again")

    def _end(self, said: dict[str, Any], file: str) -> None:
        if said["state"] == "open questions":
            self.write("Nothing was written. Answer the questions in a mapping:")
            self.write(f"  manage.py import {file} --entity {said['entity']} --show-mapping > mapping.json   (the likeliest answers are filled in)")
            self.write(f"  manage.py import {file} --entity {said['entity']} --mapping mapping.json")
            self.write("or give one answer to all of them: --unresolved create, leave (keep in a note), skip or error.")
        elif said["state"] == "done" and not said["change_set"]:
            self.write("Nothing was written: everything is already there." if not said["counts"]["error"] else "Nothing was written.")
        elif said["change_set"]:
            self.write(f"change set {said['change_set']} (manage.py undo {said['change_set']} takes it back)")
