"""What people and companies lend to imports: contact methods, addresses, names in one cell."""

import json
import re
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.records.services.values import ADDRESS_PARTS
from crm.transfer.adapters import Adapter, Child, Draft, Target, register
from crm.transfer.engine.values import address_parts
from customers.models import CustomerAddress, CustomerContact

_PLACE = r"(?P<label>home|work|business|other|private|mobile|secondary|main|office|assistant|personal)"
_ADDRESS_OF = r"(?P<label>home|work|business|other|billing|shipping|mailing|physical|office|postal)"
_PARTS = {
    "line1": r"(street|address|address 1|address line 1|street address|line 1)", "line2": r"(address 2|address line 2|street 2|line 2)",
    "city": r"(city|town|locality)", "region": r"(state|region|province|county|state province)",
    "postal_code": r"(zip|zip ?code|postal code|post ?code|zip postal code)", "country": r"(country|country region)",
}
_KINDS = {"billing": "BILLING", "shipping": "SHIPPING"}
_EMAIL, _PHONE = CustomerContact.Kind.EMAIL, CustomerContact.Kind.PHONE


def _address_patterns(labelled: bool) -> tuple[tuple[str, dict[str, str]], ...]:
    found = []
    for part, pattern in _PARTS.items():
        if labelled:
            found.append((rf"{_ADDRESS_OF} {pattern}", {"part": part}))
        else:
            found.append((pattern, {"part": part, "sure": "0.9"}))
    return tuple(found)


class CompanyTransfer(Adapter):
    """A company is known by its name."""

    entity = "company"
    nouns = ("organization", "organisation", "account")
    title_is_key = True
    targets = (
        Target("main_address", _("Part of the address"), (
            *((f"(?:billing|mailing|office|head ?office)? ?{p}", {"part": part, "sure": "0.9"}) for part, p in _PARTS.items()),
            ("zipcode", {"part": "postal_code"}), ("state abbr", {"part": "region"}), ("office location", {"part": "country", "sure": "0.99"}),
        )),
    )

    def take(self, draft: Draft, target: str, parameters: dict[str, str], text: str) -> None:
        """Put a part of the address where it belongs."""
        _part_of_address(draft, parameters, text)


class CustomerTransfer(Adapter):
    """People have several e-mail addresses, phones and postal addresses, and names in one cell."""

    entity = "customer"
    nouns = ("person", "contact", "lead")
    keys = ("email",)
    natural = ("phone", "company")
    children = (
        Child("contact_methods", CustomerContact, "customer", ("kind", "value")),
        Child("addresses", CustomerAddress, "customer", ("kind", *ADDRESS_PARTS)),
    )
    targets = (
        Target("full_name", _("Full name (split)"), (
            (r"(full|display|contact|client|customer|lead|person|kontakt)? ?name", {"sure": "0.96"}),
            (r"(nombre|nom|nome|nmae)", {"sure": "0.8"}),
        ), several=False),
        Target("contact_methods", _("Contact method"), (
            (rf"e ?mail(?: address)? {_PLACE}", {"kind": _EMAIL}),
            (rf"{_PLACE} e ?mail(?: address)?", {"kind": _EMAIL}),
            (r"e ?mail (?P<label>\d+)(?: address| value)?", {"kind": _EMAIL}),
            (r"e ?mails?", {"kind": _EMAIL, "sure": "0.6"}),
            (r"(?P<label>home|business|work|other) fax", {"kind": CustomerContact.Kind.FAX}),
            (r"fax(?: number)?", {"kind": CustomerContact.Kind.FAX, "label": "fax"}),
            (r"(?:mobile|cell)(?: ?phone)?(?: number)?(?: \d+)?", {"kind": CustomerContact.Kind.MOBILE, "label": "mobile", "sure": "0.9"}),
            (r"pager(?: number)?", {"kind": _PHONE, "label": "pager"}),
            (rf"{_PLACE} (?:phone|number|telephone)(?: \d+)?(?: number)?", {"kind": _PHONE}),
            (r"phone (?P<label>home|work|other|mobile|main)", {"kind": _PHONE}),
            (r"phones?", {"kind": _PHONE, "sure": "0.6"}),
            (r"phone (?P<label>\d+)(?: value| number)?", {"kind": _PHONE}),
            (r"(?:web ?page|website)(?: (?P<label>\d+|home|work|blog|profile|other|ftp))?(?: page)?", {"kind": CustomerContact.Kind.WEBSITE, "sure": "0.85"}),
            (r"websites", {"kind": CustomerContact.Kind.WEBSITE}),
            (r"(?P<label>linkedin|twitter|facebook|instagram|xing|github)(?: url| profile| handle)?", {"kind": CustomerContact.Kind.SOCIAL}),
            (r"(?P<label>im|screen name|skype|jabber|icq|messenger|whatsapp|telegram)s?|messengers", {"kind": CustomerContact.Kind.MESSENGER}),
        )),
        Target("addresses", _("Further address"), (
            *_address_patterns(True), (rf"{_ADDRESS_OF} address", {}), (r"addresses", {}),
        )),
        Target("main_address", _("Part of the address"), _address_patterns(False)),
        Target("birthday_part", _("Part of the birthday"), (
            (r"birth (?P<part>year|month|day)", {}),
        )),
        Target("name_part", _("Part of the name"), (
            (r"(middle|additional|second) names?", {"part": "middle"}), (r"(suffix|name suffix)", {"part": "suffix"}),
        )),
    )

    def take(self, draft: Draft, target: str, parameters: dict[str, str], text: str) -> None:
        """Put a cell among the names, contact methods or addresses."""
        label = parameters.get("label", "")[:60]
        if target == "full_name":
            draft.parts.setdefault("name", {}).setdefault("full", text)
        elif target == "name_part":
            draft.parts.setdefault("name", {})[parameters.get("part", "middle")] = text
        elif target == "birthday_part":
            draft.parts.setdefault("birthday", {})[parameters["part"]] = text
        elif target == "contact_methods":
            for one in _several(text):
                self._method(draft, one.get("kind") or parameters.get("kind", _EMAIL), one["value"], one.get("label") or label)
        elif target == "main_address":
            _part_of_address(draft, parameters, text)
        elif target == "addresses":
            if parameters.get("part"):
                draft.parts.setdefault(f"further:{label}", {}).setdefault(parameters["part"], " ".join(text.split()))
            elif text.startswith("["):
                for one in _several(text):
                    draft.parts.setdefault(f"further:{one.get('label', '')}:{len(draft.parts)}", {}).update(
                        {k: str(v) for k, v in one.items() if k in ADDRESS_PARTS}
                    )
            else:
                parts = draft.parts.setdefault(f"further:{label}", {})
                for part, value in address_parts(text).items():
                    parts.setdefault(part, value)

    def _method(self, draft: Draft, kind: str, value: str, label: str) -> None:
        value = " ".join(value.split())
        if not value:
            return
        if kind == _PHONE and re.search(r"fax", label, re.I):
            kind = CustomerContact.Kind.FAX
        elif kind == _PHONE and re.search(r"mobile|cell", label, re.I):
            kind = CustomerContact.Kind.MOBILE
        if len(value) > 500:
            draft.notes.append(f"{label or kind}: {value}")
            return
        draft.collect("contact_methods", {"kind": str(kind), "label": label, "value": value, "is_primary": False})

    def complete(self, draft: Draft, planner: Any) -> None:
        """Split names, promote the first address and phone to the person, put addresses in order."""
        self._names(draft)
        self._birthday(draft, planner)
        methods = draft.children.get("contact_methods", [])
        self._promote(draft, planner, methods, "email", (_EMAIL,))
        self._promote(draft, planner, methods, "phone", (_PHONE, CustomerContact.Kind.MOBILE))
        self._promote(draft, planner, methods, "website", (CustomerContact.Kind.WEBSITE,))
        seen: set[tuple[str, str]] = set()
        kept = []
        for row in methods:
            mark = (row["kind"], row["value"].casefold())
            if mark not in seen:
                seen.add(mark)
                kept.append(row)
        draft.children["contact_methods"] = kept
        self._addresses(draft)

    def _names(self, draft: Draft) -> None:
        parts = draft.parts.pop("name", {})
        values = draft.values
        if parts.get("middle") and values.get("first_name"):
            values["first_name"] = f"{values['first_name']} {parts['middle']}"[:150]
        if parts.get("suffix") and values.get("last_name"):
            values["last_name"] = f"{values['last_name']} {parts['suffix']}"[:150]
        full = " ".join(parts.get("full", "").split())
        if not full:
            return
        if not values.get("first_name") and not values.get("last_name"):
            first, last = split_name(full)
            values["first_name"], values["last_name"] = first[:150], last[:150]
        elif full.casefold() != f"{values.get('first_name') or ''} {values.get('last_name') or ''}".strip().casefold():
            draft.notes.append(str(_("Name in the file: %(name)s")) % {"name": full})

    @staticmethod
    def _birthday(draft: Draft, planner: Any) -> None:
        parts = draft.parts.pop("birthday", {})
        if not parts:
            return
        text = "-".join((parts.get("year", "").zfill(4), parts.get("month", "").zfill(2), parts.get("day", "").zfill(2)))
        if all(parts.get(p, "").isdigit() for p in ("year", "month", "day")) and not draft.values.get("birthday"):
            planner.put(draft, "birthday", text)
        else:
            draft.notes.append(str(_("Birthday in the file: %(text)s")) % {"text": text})

    @staticmethod
    def _promote(draft: Draft, planner: Any, methods: list[dict[str, Any]], field: str, kinds: tuple[str, ...]) -> None:
        """Make the first usable method the person's own; an unusable one stays as text, and nothing is lost."""
        for row in list(methods):
            if row["kind"] not in kinds:
                continue
            if not _usable(row["kind"], row["value"]):
                row["label"], row["kind"] = (row["label"] or row["kind"].lower())[:60], str(CustomerContact.Kind.OTHER)
            elif not draft.values.get(field):
                planner.put(draft, field, row["value"])
                if not row["label"]:
                    methods.remove(row)
                else:
                    row["is_primary"] = not any(m["is_primary"] and m["kind"] == row["kind"] for m in methods)
            elif row["value"].casefold() == str(draft.values[field]).casefold() and not row["label"]:
                methods.remove(row)

    @staticmethod
    def _addresses(draft: Draft) -> None:
        for name in [n for n in draft.parts if n.startswith("further:")]:
            parts = {k: v[:255 if k.startswith("line") else 120 if k != "postal_code" else 30] for k, v in draft.parts.pop(name).items() if v}
            label = name.split(":")[1].lower()
            if not parts:
                continue
            if not draft.values.get("address"):
                draft.values["address"] = dict(parts)
            kind = next((k for word, k in _KINDS.items() if word in label), "PHYSICAL")
            rows = draft.children.setdefault("addresses", [])
            row = {**dict.fromkeys(ADDRESS_PARTS, ""), **parts, "kind": kind}
            if all({k: r[k] for k in (*ADDRESS_PARTS, "kind")} != row for r in rows):
                rows.append({**row, "is_primary": not any(r["kind"] == kind for r in rows)})


def split_name(full: str) -> tuple[str, str]:
    """Return given and family name: “Doe, John” is turned, particles stay with the family name."""
    if full.count(",") == 1:
        last, first = (p.strip() for p in full.split(","))
        if first and last:
            return first, last
    words = full.split(" ")
    if len(words) == 1:
        return "", full
    cut = len(words) - 1
    while cut > 1 and words[cut - 1].casefold() in {"von", "van", "de", "der", "den", "da", "di", "del", "della", "la", "le", "bin", "ibn", "al"}:
        cut -= 1
    return " ".join(words[:cut]), " ".join(words[cut:])


def _part_of_address(draft: Draft, parameters: dict[str, str], text: str) -> None:
    address = draft.values.setdefault("address", {})
    if not isinstance(address, dict):
        return
    part = parameters.get("part", "line1")
    if part == "line1" or text.startswith("{"):
        for name, value in address_parts(text).items():
            address.setdefault(name, value[:255])
    else:
        address.setdefault(part, " ".join(text.split())[:255])


def _several(text: str) -> list[dict[str, Any]]:
    """Return the entries of a cell: a JSON list of texts or objects, or the text itself."""
    if text.startswith("["):
        try:
            given = json.loads(text)
        except ValueError:
            given = None
        if isinstance(given, list):
            found = []
            for one in given:
                if isinstance(one, dict):
                    value = next((str(one[k]) for k in ("value", "email", "number", "phone", "url", "address") if one.get(k)), "")
                    found.append({**one, "value": value, "label": str(one.get("label") or one.get("type") or "").lower()})
                elif isinstance(one, str | int):
                    found.append({"value": str(one)})
            return found
    return [{"value": text}]


def _usable(kind: str, value: str) -> bool:
    if kind == _EMAIL:
        return re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) is not None
    if kind == CustomerContact.Kind.WEBSITE:
        return " " not in value and "." in value
    return sum(c.isdigit() for c in value) >= 3 and len(value) <= 40


register(CompanyTransfer())
register(CustomerTransfer())
