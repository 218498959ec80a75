"""Our own exports, brought back: every column goes where it came from, and what we calculate is left alone."""

import re

from crm.records.entity import Entity
from crm.records.fields import LINKS, Field, Kind
from crm.records.representation import BASE
from crm.records.services.values import ADDRESS_PARTS
from crm.transfer.mapping.model import Column, Mapping

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.I)
ENOUGH = 0.9


def mapping_of_ours(entity: Entity, headers: list[str], ids: list[str], writable: dict[str, Field]) -> Mapping | None:
    """Return the mapping of a file that we exported; None when it is somebody else's."""
    if "id" not in headers or not ids or not all(_UUID.fullmatch(i.strip()) for i in ids):
        return None
    fields = {f.key: f for f in (*entity.fields, *(f for f in writable.values() if f.custom))}
    columns = [column for h in headers if (column := _column(h, headers, fields, writable)) is not None]
    if len(columns) < ENOUGH * len(headers):
        return None
    return Mapping(entity=entity.name, columns=columns)


def _column(header: str, headers: list[str], fields: dict[str, Field], writable: dict[str, Field]) -> Column | None:
    """Return where a column of ours goes: nowhere for what is calculated, and for the ids beside names."""
    if header == "id":
        return Column(header, "own_id")
    name, dot, part = header.rpartition(".")
    # CSV and workbooks write company and company_id, JSON company.name and company.id.
    for link, beside in ((header.removesuffix("_id"), header.removesuffix("_id")), (name, f"{name}.name")):
        if header in (f"{link}_id", f"{link}.id") and link in fields and fields[link].kind in LINKS:
            return Column(header, "") if beside in headers else Column(header, link if link in writable else "")
    if dot and part == "name" and name in fields and fields[name].kind in LINKS:
        return _link(header, name, f"{name}.id", headers, writable)
    if dot and name in fields and fields[name].kind in LINKS:
        return Column(header, "")  # what else is told of a related record: its code
    if dot and part in ADDRESS_PARTS and name in fields and fields[name].kind == Kind.ADDRESS:
        return Column(header, name if name in writable else "", parameters={"part": part} if name in writable else {})
    if header in fields:
        if fields[header].kind in LINKS:
            return _link(header, header, f"{header}_id", headers, writable)
        return Column(header, header if header in writable else "")
    return Column(header, "") if header in BASE else None


def _link(header: str, name: str, beside: str, headers: list[str], writable: dict[str, Field]) -> Column:
    if name not in writable:
        return Column(header, "")
    return Column(header, name, parameters={"id": beside} if beside in headers else {})
