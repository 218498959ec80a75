"""Settling how a file is read: remembered, guessed, completed so that no column is lost in silence."""

import hashlib
import json
from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, allows
from crm.lib.errors import Invalid
from crm.records.customfields import as_field
from crm.records.entity import Entity, entity
from crm.records.fields import Field
from crm.records.models import CustomField
from crm.transfer.adapters import adapter_for
from crm.transfer.engine.evidence import kinds_of_columns
from crm.transfer.mapping.guess import Statistics, custom_column, guess
from crm.transfer.mapping.model import Column, Mapping, key_of, parse
from crm.transfer.models import ImportRun, RememberedMapping
from crm.transfer.services.receiving import reopen, seen_in

OURS = ("_row", "_errors")
"""Columns that our own file of failed rows adds."""


def shape_of(headers: list[str]) -> str:
    """Return the hash by which a set of headers is remembered; a file of failed rows has the shape of the first one."""
    return hashlib.sha256("\x1f".join(sorted(h for h in headers if h not in OURS)).encode()).hexdigest()


def fields_of(of: Entity, actor: Any) -> dict[str, Field]:
    """Return the fields that an import by this actor may fill."""
    return of.writable_fields(actor)


def statistics_of(run: ImportRun) -> dict[str, Statistics]:
    """Return what is known of each column: from the staged rows, or from the first thousand."""
    headers = run.source["headers"]
    known = run.report.get("columns")
    if known is None:
        return seen_in(reopen(run))
    return {h: Statistics(known[i]["filled"], known[i]["samples"]) for i, h in enumerate(headers)}


def suggest(run: ImportRun, actor: Any) -> Mapping:
    """Return the mapping to begin with: the remembered one of these headers, or a guess."""
    declared = entity(run.entity)
    fields = fields_of(declared, actor)
    guessed = guess(declared, run.source["headers"], statistics_of(run), fields)
    remembered = RememberedMapping.objects.filter(
        entity=run.entity, shape=shape_of(run.source["headers"]), user=run.user
    ).first()
    if remembered is None:
        return guessed
    try:
        mapping = parse(remembered.mapping, declared, writable=fields)
    except Invalid:
        remembered.delete()
        return guessed
    # Columns that were empty the last time were not settled then.
    several = {t.key for t in adapter_for(run.entity).targets if t.several} | {"external_id", "note", "tags"}
    headers, taken = {c.header for c in mapping.columns}, {c.to for c in mapping.columns} - several
    mapping.columns += [c for c in guessed.columns if c.header not in headers and c.to not in taken]
    return mapping


def settle(run: ImportRun, data: dict[str, Any], actor: Any, *, remember: bool = True) -> Mapping:
    """Take a mapping as the one to use, and remember it for files of these headers."""
    declared = entity(run.entity)
    mapping = parse(data, declared, writable=fields_of(declared, actor))
    unknown = [c.header for c in mapping.columns if c.header not in run.source["headers"] and (c.to or c.custom)]
    if unknown and len(unknown) == len([c for c in mapping.columns if c.to]):
        raise Invalid.field("columns", _("The file has none of the columns that the mapping names (%(names)s).") % {"names": ", ".join(unknown[:5])})
    run.mapping = mapping.as_dict()
    run.report = {k: v for k, v in run.report.items() if k in ("columns", "rows", "widest")}
    run.planned_at = None
    run.state = ImportRun.State.UPLOADED
    run.save(update_fields=["mapping", "report", "planned_at", "state", "updated_at"])
    if remember:
        keep_mapping(run)
    return mapping


def keep_mapping(run: ImportRun, *, done: bool = False) -> None:
    """Remember how files of these headers are read.

    Answers for names that stand for nothing are not: the next file may name others, which are asked about anew. Of
    an import that was not carried out, its pipeline is not either.
    """
    kept = {k: v for k, v in run.mapping.items() if k not in ("unresolved", "trash") and (done or k != "pipeline")}
    kept["columns"] = {header: _without_answers(given) for header, given in run.mapping.get("columns", {}).items()}
    RememberedMapping.objects.update_or_create(
        entity=run.entity, shape=shape_of(run.source["headers"]), user=run.user, defaults={"mapping": kept}
    )


def _without_answers(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    kept = {k: v for k, v in given.items() if k not in ("unresolved", "values")}
    values = {k: v for k, v in given.get("values", {}).items() if isinstance(v, str)}
    return {**kept, **({"values": values} if values else {})}


def is_remembered(run: ImportRun) -> bool:
    """Tell whether files of these headers were read before."""
    return RememberedMapping.objects.filter(entity=run.entity, shape=shape_of(run.source["headers"]), user=run.user).exists()


def answered(run: ImportRun) -> dict[str, Any]:
    """Return the mapping of a checked run with the likeliest answer to each question in it, to be read and changed."""
    mapping: dict[str, Any] = json.loads(json.dumps(run.mapping))
    columns = mapping.setdefault("columns", {})

    def column(header: str, to: str = "") -> dict[str, Any]:
        found = columns.get(header) or {"to": to}
        columns[header] = {"to": found} if isinstance(found, str) else found
        made: dict[str, Any] = columns[header]
        return made

    for one in run.report["references"]:
        if one["suggestions"] and one["entity"] not in ("", "stage"):
            column(one["column"], one["field"]).setdefault("values", {})[one["value"]] = one["suggestions"][0]
    for asked in run.report["questions"]:
        answers = column(asked["column"])
        mine = [r for r in run.report["references"] if r["column"] == asked["column"]]
        if not asked["entity"]:
            answers.setdefault("values", {}).update({r["value"]: r["suggestions"][0] for r in mine if r["suggestions"]})
        elif len(answers.get("values", {})) < asked["names"]:
            answers["unresolved"] = "leave" if asked["entity"] == "user" else "create"
    for dated in run.report["dates"]:
        column(dated["column"])["dates"] = "dmy"
    if run.report["trash"] and run.report["trash"]["choice"] == "ask":
        mapping["trash"] = "restore"
    return mapping


def effective_mapping(run: ImportRun, actor: Any) -> tuple[Mapping, dict[str, list[str]]]:
    """Return the mapping with every filled column in it, and where those went that it did not name."""
    declared = entity(run.entity)
    mapping = parse(run.mapping, declared, writable=fields_of(declared, actor))
    statistics = statistics_of(run)
    named = {c.header for c in mapping.columns} | {c.parameters[p] for c in mapping.columns for p in ("of", "id") if p in c.parameters}
    composed = "".join(mapping.compose.values())
    left: dict[str, list[str]] = {"ask": [], "note": [], "custom": [], "ignore": [], "empty": []}
    for header in run.source["headers"]:
        if header in named or header in OURS or f"{{{header}}}" in composed:
            if (column := mapping.column(header)) is not None and not column.to:
                left["ignore"].append(header)
            continue
        if not statistics[header].filled:
            left["empty"].append(header)
            continue
        rest = mapping.rest
        if rest == "note" and "notes" not in declared.abilities:
            rest = "ask"
        left[rest].append(header)
        if rest == "note":
            mapping.columns.append(Column(header, "note", parameters={"label": header}))
        elif rest == "custom":
            mapping.columns.append(custom_column(header))
    # Stored JSON forgets the order; where two columns go to one place, the one further left comes first.
    place = {h: i for i, h in enumerate(run.source["headers"])}
    mapping.columns.sort(key=lambda c: place.get(c.header, len(place)))
    return mapping, left


def fields_with_planned(of: Entity, mapping: Mapping, run: ImportRun, actor: Any) -> tuple[dict[str, Field], list[dict[str, Any]]]:
    """Return the writable fields with those that the mapping makes, and the custom fields to be made."""
    fields = fields_of(of, actor)
    planned: dict[str, dict[str, Any]] = {}
    for column in mapping.columns:
        if column.custom and column.to not in fields:
            planned.setdefault(column.custom["key"], column.custom)
    may_make = actor is SYSTEM or allows(actor, "create", CustomField)
    if planned and not may_make:
        names = ", ".join(p["label"] for p in planned.values())
        raise Invalid.field("columns", _("You may not make custom fields (%(names)s). Map these columns to a note, or ignore them.") % {"names": names[:200]})
    # Whoever may not make fields keeps what such a pair says in a note.
    for column in mapping.columns if may_make else []:
        for name in _distinct(run, column.header) if column.to == "pair" else []:
            if f"custom.{key_of(name)}" not in fields:
                planned.setdefault(key_of(name), {"label": name[:120], "kind": "text", "key": key_of(name)})
    headers = {c.custom["key"]: c.header for c in mapping.columns if c.custom}
    open_kinds = [key for key, spec in planned.items() if not spec["kind"]]
    kinds = kinds_of_columns(run, [headers[key] for key in open_kinds]) if open_kinds else {}
    planned.update({key: {**planned[key], "kind": str(kinds[headers[key]])} for key in open_kinds})
    for spec in planned.values():
        fields[f"custom.{spec['key']}"] = as_field(custom_field(of.name, spec))
    return fields, list(planned.values())


def custom_field(of: str, spec: dict[str, Any]) -> CustomField:
    """Return the definition of a custom field that a mapping asks for (not saved)."""
    return CustomField(
        entity=of, key=spec["key"], label=spec["label"], kind=spec["kind"], link_entity=spec.get("link", ""),
        group=spec.get("group", ""), choices=[{"value": str(c), "label": str(c)} for c in spec.get("choices", [])],
    )


def _distinct(run: ImportRun, header: str) -> list[str]:
    index = run.source["headers"].index(header)
    found: dict[str, None] = {}
    for row in reopen(run).rows():
        if row.cells[index].strip():
            found[row.cells[index].strip()] = None
        if len(found) > 200:
            break
    return list(found)
