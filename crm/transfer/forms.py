"""The wizard's forms: a row a column, and a choice for each question that the check asked."""

import json
import re
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from crm.lib.errors import Invalid
from crm.records.entity import all_entities, entity
from crm.records.fields import TEMPORAL
from crm.transfer.adapters import adapter_for
from crm.transfer.mapping.model import key_of
from crm.transfer.models import ImportRun
from crm.transfer.services.mappings import statistics_of, suggest
from crm.transfer.services.mending import cells_of

SHOWN_CELLS = 40
SPECIAL = ("", "note", "custom", "external_id")


def options_for(run: ImportRun, user: Any) -> list[tuple[str, list[tuple[str, Any]]]]:
    """Return where a column can go: fields by their group, and what the entity takes besides."""
    declared = entity(run.entity)
    groups: dict[str, list[tuple[str, Any]]] = {}
    for key, f in declared.writable_fields(user).items():
        groups.setdefault(str(f.group or declared.label), []).append((key, f.label))
    more: dict[str, Any] = {}
    for target in adapter_for(run.entity).targets:
        for _pattern, given in target.patterns:
            chosen = {k: v for k, v in given.items() if k in ("kind", "part")}
            words = " ".join(str(v).replace("_", " ").lower() for v in chosen.values())
            more[_value(target.key, chosen)] = f"{target.label}: {words}" if words else target.label
    return [*groups.items(), *([(_("Besides"), list(more.items()))] if more else [])]


def mapping_rows(run: ImportRun, mapping: dict[str, Any], user: Any) -> list[dict[str, Any]]:
    """Return what the page shows of each column."""
    statistics = statistics_of(run)
    guessed = {c.header: c.confidence for c in suggest(run, user).columns}
    options = options_for(run, user)
    known = {value for _group, choices in options for value, _label in choices}
    fields = entity(run.entity).writable_fields(user)
    rows = []
    for index, header in enumerate(run.source["headers"]):
        given = mapping.get("columns", {}).get(header, "")
        column = {"to": given} if isinstance(given, str) else dict(given or {})
        named = header in mapping.get("columns", {})
        to = column.get("to", "")
        value = "custom" if column.get("custom") else _value(to, {k: column[k] for k in ("kind", "part") if column.get(k)}) if to else ""
        if not named:
            value = {"note": "note", "custom": "custom"}.get(mapping.get("rest", "note"), "")
        if value and value not in known and value not in SPECIAL:
            value_label = " ".join(filter(None, [to, column.get("label", ""), column.get("part", "")]))
        else:
            value_label = ""
        f = fields.get(to)
        rows.append({
            "kind": (column.get("custom") or {}).get("kind", "") if isinstance(column.get("custom"), dict) else "",
            "index": index, "header": header, "value": value, "value_label": value_label, "options": options,
            "samples": list(dict.fromkeys(statistics[header].samples))[:3], "filled": statistics[header].filled, "rule": column.get("rule", "overwrite"),
            "confidence": int(100 * guessed.get(header, 1 if named and to else 0)), "dates": column.get("dates", ""),
            "is_date": f is not None and f.kind in TEMPORAL,
        })
    return rows


def _value(to: str, parameters: dict[str, str]) -> str:
    return to + "".join(f"|{k}={v}" for k, v in sorted(parameters.items()))


def mapping_from(run: ImportRun, data: QueryDict) -> dict[str, Any]:
    """Return the mapping that the form says; a JSON mapping, where one was pasted, wins."""
    if data.get("use_json"):
        try:
            found = json.loads(data.get("json", ""))
        except ValueError as error:
            raise Invalid.field("json", _("This is not JSON: %(error)s") % {"error": error}) from None
        return found if isinstance(found, dict) else {}
    before = run.mapping or {}
    mapping: dict[str, Any] = {**{k: v for k, v in before.items() if k not in ("columns", "rest")}, "columns": {}}
    guessed = run.mapping.get("columns") if run.mapping else suggest(run, run.user).as_dict()["columns"]
    for index, header in enumerate(run.source["headers"]):
        chosen = data.get(f"to-{index}", "")
        to, *given = chosen.split("|")
        old = (guessed or {}).get(header)
        column = {"to": old} if isinstance(old, str) else dict(old or {})
        if column.get("to") != to or to == "custom":
            column = {}
        column.update(dict(g.split("=", 1) for g in given if "=" in g))
        if not to:
            mapping["columns"][header] = None
            continue
        if to == "custom":
            column["custom"] = {"label": header[:120], "key": key_of(header), **({"kind": data[f"kind-{index}"]} if data.get(f"kind-{index}") else {})}
        else:
            column["to"] = to
        if to == "note":
            column["label"] = header
        for name in ("rule", "dates"):
            if data.get(f"{name}-{index}"):
                column[name] = data[f"{name}-{index}"]
        mapping["columns"][header] = column
    return mapping


def _column_of(columns: dict[str, Any], header: str, to: str = "") -> dict[str, Any]:
    """Return how a column is mapped as an object that can be added to."""
    column = columns.get(header)
    columns[header] = {"to": column} if isinstance(column, str) else column or {"to": to}
    found: dict[str, Any] = columns[header]
    return found


def rows_to_mend(run: ImportRun) -> list[dict[str, Any]]:
    """Return the rows that failed, each with its errors and with the cells that can be mended.

    An error in a cell brings that cell; one of the whole row (its marks, its width) brings them all.
    """
    headers = run.source["headers"]
    at = {header: index for index, header in enumerate(headers)}
    rows: dict[int, list[dict[str, Any]]] = {}
    for error in run.report.get("errors", []):
        if error.get("waits"):
            continue  # a question, told as such
        rows.setdefault(error["row"], []).append({**error, "index": at.get(error["column"])})
    cells = cells_of(run, list(rows))
    made = []
    for number, errors in rows.items():
        said = cells.get(number, [])
        for error in errors:
            if error["index"] is not None and error["index"] < len(said):
                error["value"] = said[error["index"]]
            error["long"] = _is_long(error["value"])
        row: dict[str, Any] = {"number": number, "errors": errors, "cells": []}
        if any(e["index"] is None for e in errors):
            blamed = {e["index"] for e in errors}
            chosen = [i for i, text in enumerate(said) if (text or len(headers) <= SHOWN_CELLS) and i not in blamed]
            row["cells"] = [
                {"index": i, "header": headers[i] if i < len(headers) else _("Column %(number)d") % {"number": i + 1}, "value": said[i],
                 "long": _is_long(said[i])}
                for i in chosen[:SHOWN_CELLS]
            ]
        made.append(row)
    return made


def _is_long(text: str) -> bool:
    return len(text) > 80 or "\n" in text


def questions_of(run: ImportRun) -> list[dict[str, Any]]:
    """Return the open questions, each with the values it is about and the pipeline that its stages could make."""
    found = []
    references = list(enumerate(run.report.get("references", [])))
    for index, asked in enumerate(run.report.get("questions", [])):
        mine = [{"n": n, **r} for n, r in references if r["column"] == asked["column"]]
        declared = all_entities().get(asked["entity"])
        found.append({
            **asked, "index": index, "values": mine, "what": declared.label if declared else "", "people": asked["entity"] == "user",
            "pipeline": file_title(run.file_name) if asked["entity"] in ("stage", "pipeline") else "",
            "creatable": bool(asked["entity"]) and asked["entity"] not in ("user", "stage", "pipeline"),
        })
    return found


def file_title(name: str) -> str:
    """Return a file's name as the words it is made of."""
    words = " ".join(re.sub(r"[^\w]|_", " ", name.rpartition(".")[0] or name).split())
    return (words[:1].upper() + words[1:])[:120]


def reading_from(data: QueryDict) -> dict[str, Any]:
    """Return how a file is to be opened, as far as a form says it."""
    options: dict[str, Any] = {n: data[n] for n in ("delimiter", "encoding", "sheet", "part") if data.get(n)}
    if data.get("header") in ("yes", "no"):
        options["header"] = data["header"] == "yes"
    return options


def choices_from(run: ImportRun, data: QueryDict) -> dict[str, Any]:
    """Return the mapping with the answers to the check's questions in it."""
    mapping: dict[str, Any] = json.loads(json.dumps(run.mapping))
    columns = mapping.setdefault("columns", {})
    for index, question in enumerate(run.report.get("questions", [])):
        choice = data.get(f"others-{index}", "")
        if choice:
            _column_of(columns, question["column"])["unresolved"] = choice
        if choice == "create" and question["entity"] == "stage" and data.get(f"pipeline-{index}", "").strip():
            mapping["pipeline"] = {"name": data[f"pipeline-{index}"].strip()}
    for index, reference in enumerate(run.report.get("references", [])):
        choice = data.get(f"choice-{index}", "") or ("other" if data.get(f"other-{index}", "").strip() else "")
        if not choice and data.get("accept") and reference["suggestions"] and reference["entity"]:
            choice = f"to:{reference['suggestions'][0]}"
        if not choice:
            continue
        value: Any = {choice: True}
        if choice.startswith("to:"):
            value = choice[3:]
        elif choice == "other":
            value = data.get(f"other-{index}", "").strip() or {"leave": True}
        _column_of(columns, reference["column"], reference["field"]).setdefault("values", {})[reference["value"]] = value
    for index, dated in enumerate(run.report.get("dates", [])):
        if data.get(f"dates-{index}"):
            _column_of(columns, dated["column"])["dates"] = data[f"dates-{index}"]
    if data.get("trash"):
        mapping["trash"] = data["trash"]
    if data.get("rest"):
        mapping["rest"] = data["rest"]
    return mapping


