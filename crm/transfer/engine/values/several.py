"""Cells that hold more than one thing: lists, several addresses or numbers, the parts of a postal address."""

import csv
import json
import re
from typing import Any

from django.utils.translation import gettext as _

from crm.records.fields import Kind
from crm.records.services.values import ADDRESS_PARTS, Bad

_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"'|]+@[^\s<>()\[\],;:\"'|]+")
_NUMBERS = re.compile(r"\s*(?:;|\||\n| / |,(?=\s*(?:\+|\(?0))|:::)\s*")
_SHORTENED = re.compile(r"^(\d)(?:[.,](\d+))?E\+?(\d{1,2})$", re.I)
_NAMES = {
    "street": "line1", "street1": "line1", "street2": "line2", "address": "line1", "address1": "line1", "address2": "line2", "state": "region",
    "postalcode": "postal_code", "zip": "postal_code", "zipcode": "postal_code", "statecode": "region", "province": "region", "town": "city",
    "countryname": "country", "countrycode": "country",
}


def list_text(text: str) -> list[str]:
    """Return the items of a cell that holds several: JSON, or separated by semicolons, bars or commas."""
    if text.startswith("["):
        try:
            given = json.loads(text)
        except ValueError:
            given = None
        if isinstance(given, list):
            return [str(i).strip() for i in given if isinstance(i, str | int) and str(i).strip()]
    mark = next((m for m in (":::", ";", "|", "\n", ",") if m in text), None)
    if mark is None:
        parts = [text]
    elif '"' in text and len(mark) == 1:
        parts = next(csv.reader([text.replace("\n", " ")], delimiter=mark if mark != "\n" else ",", skipinitialspace=True), [])
    else:
        parts = text.split(mark)
    return [found for p in parts if (found := p.strip().removeprefix("* ").strip())]


def values_in(kind: Kind, text: str) -> tuple[list[str], str]:
    """Return the e-mail addresses, numbers or links in a cell, and what stands around them (a name)."""
    if kind == Kind.EMAIL:
        found = [a.removeprefix("mailto:").rstrip(".") for a in _ADDRESS.findall(re.sub(r"\bmailto:", "", text, flags=re.I))]
        if not found:
            return [text], ""
        around = _ADDRESS.sub("", re.sub(r"\bmailto:", "", text, flags=re.I))
        return list(dict.fromkeys(found)), " ".join(re.sub(r"[<>()\[\],;:\"'|/]|:::", " ", around).split())
    if kind == Kind.PHONE:
        parts = [p for p in _NUMBERS.split(text) if p]
        if len(parts) > 1 and all(sum(c.isdigit() for c in p) >= 5 for p in parts):
            return parts, ""
        return [text.removeprefix("tel:")], ""
    if kind == Kind.URL:
        parts = [p for p in re.split(r"[\s;,|]+|:::", text) if p]
        if len(parts) > 1 and all("." in p or "://" in p for p in parts):
            return parts, ""
    return [text], ""


def whole_phone(text: str) -> str:
    """Return a number that a spreadsheet wrote as 1.23E+10, if no digit of it is lost."""
    match = _SHORTENED.match(text)
    if match is None:
        return text
    digits = (match[2] or "").rstrip("0")
    if len(digits) < int(match[3]) - 3:
        raise Bad(_("A spreadsheet has shortened this number (“%(value)s”). Format the column as text and enter it again.") % {"value": text})
    return (match[1] + digits).ljust(int(match[3]) + 1, "0")


def address_parts(text: str) -> tuple[dict[str, str], str]:
    """Return the parts of an address in one cell (JSON of another program, or lines), and what is no part of it."""
    text = text.strip()
    if text.startswith("{"):
        try:
            given = json.loads(text)
        except ValueError:
            given = None
        if isinstance(given, dict):
            return _from_json(given)
    lines = [" ".join(x.split()) for x in text.splitlines() if x.strip()]
    made = {"line1": lines[0]} if lines else {}
    if len(lines) > 1:
        made["line2"] = ", ".join(lines[1:])
    return made, ""


def _from_json(given: dict[str, Any]) -> tuple[dict[str, str], str]:
    made: dict[str, str] = {}
    rest = []
    for name, value in given.items():
        if value is None or value in ("", [], {}):
            continue
        part = _NAMES.get(name.lower().replace("_", ""), name)
        text = " ".join(str(value).split()) if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)
        if part in ADDRESS_PARTS and part not in made and isinstance(value, str | int):
            made[part] = text
        elif text not in made.values():
            rest.append(f"{name}: {text}")
    return made, ", ".join(rest)
