"""What people and companies lend to imports: contact methods, addresses, names in one cell."""

import json
import re
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from rapidfuzz import fuzz

from crm.lib.text import clean_line, fold, without_unseen
from crm.records.fields import Kind
from crm.records.services.values import ADDRESS_PARTS
from crm.transfer.adapters import Adapter, Child, Draft, register
from crm.transfer.engine.values import address_parts, values_in
from crm.transfer.mapping.guess import Statistics
from crm.transfer.mapping.languages import plain as words
from crm.transfer.mapping.model import Mapping
from customers.headers import COMPANY_TARGETS, CUSTOMER_TARGETS, EMAIL, PHONE, STATUS_WORDS
from customers.models import CustomerAddress, CustomerContact
from customers.names import take_apart

_ADDRESS_KINDS = {"billing": "BILLING", "shipping": "SHIPPING", "delivery": "SHIPPING"}


class CompanyTransfer(Adapter):
    """A company is known by its name."""

    entity = "company"
    nouns = ("organization", "organisation", "account")
    files = ("firm", "client companies", "branch")
    title_is_key = True
    targets = COMPANY_TARGETS

    def take(self, draft: Draft, target: str, parameters: dict[str, str], text: str) -> None:
        """Put a part of the address where it belongs."""
        _part_of_address(draft, parameters, text)


class CustomerTransfer(Adapter):
    """People have several e-mail addresses, phones and postal addresses, and names in one cell."""

    entity = "customer"
    origins = {
        "first_name": ("full_name", "name_part"), "last_name": ("full_name", "name_part"), "email": ("contact_methods",),
        "phone": ("contact_methods",), "website": ("contact_methods",), "address": ("main_address", "addresses"), "birthday": ("birthday_part",),
    }
    nouns = ("person", "contact", "lead")
    called = ("kunden", "client", "cliente", "klient", "customer", "member", "kunde")
    files = ("people", "connections", "address book", "addressbook", "kontakte", "persons", "subscribers", "members", "clients", "leads")
    essential = ("first_name", "last_name", "full_name", "email", "contact_methods")
    keys = ("email",)
    natural = ("phone", "company", "birthday", "address")
    children = (
        Child("contact_methods", CustomerContact, "customer", ("kind", "value")),
        Child("addresses", CustomerAddress, "customer", ("kind", *ADDRESS_PARTS)),
    )
    targets = CUSTOMER_TARGETS
    meanings = {"status": STATUS_WORDS}

    def reconsider(self, mapping: Mapping, statistics: dict[str, Statistics]) -> None:
        """Tell a whole name from half of one: “Name” beside a first name is the family's, “Nombre” beside “Apellidos” the first."""
        by_place = {c.to: c for c in mapping.columns if c.to in ("first_name", "last_name", "full_name")}
        whole = by_place.get("full_name")
        if whole is None or len(by_place) != 2 or words(whole.header) in ("full name", "display name"):
            return
        known = statistics.get(whole.header)
        blanks = known.share(lambda text: " " in text) if known is not None else 0.0
        if "last_name" in by_place:
            if words(whole.header) != "name" or blanks < 0.5:
                whole.to, whole.parameters = "first_name", {}
        elif blanks < 0.5:
            whole.to, whole.parameters = "last_name", {}

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
                self._method(draft, one.get("kind") or parameters.get("kind", EMAIL), one["value"], one.get("label") or label)
        elif target == "method_label":
            draft.parts.setdefault("labels", {})[f"{parameters.get('kind')}:{label}"] = text.removeprefix("* ").strip().lower()[:60]
        elif target == "main_address":
            _part_of_address(draft, parameters, text)
        elif target == "addresses":
            if parameters.get("part") == "formatted":
                draft.parts.setdefault(f"further:{label}", {})["formatted"] = text
            elif parameters.get("part"):
                draft.parts.setdefault(f"further:{label}", {}).setdefault(parameters["part"], " ".join(text.split()))
            elif text.startswith("["):
                for one in _several(text):
                    draft.parts.setdefault(f"further:{one.get('label', '')}:{len(draft.parts)}", {}).update(
                        {k: str(v) for k, v in one.items() if k in ADDRESS_PARTS}
                    )
            else:
                parts = draft.parts.setdefault(f"further:{label}", {})
                found, rest = address_parts(text)
                if rest:
                    draft.notes.append(rest)
                for part, value in found.items():
                    parts.setdefault(part, value)

    def is_somebody_else(self, record: Any, draft: Draft) -> bool:
        """Two people share an address (info@…) when neither of their names is like the other's: the second keeps it besides."""
        names = [(getattr(record, n), draft.values.get(n)) for n in ("first_name", "last_name")]
        if any(not a or not b or fuzz.ratio(fold(str(a)), fold(str(b))) >= 60 for a, b in names):
            return False
        if fuzz.token_sort_ratio(*(fold(" ".join(str(p) for p in pair)) for pair in zip(*names, strict=True))) >= 70:
            return False  # the names are only the other way round
        email = draft.values.pop("email", None)
        if email:
            draft.collect("contact_methods", {"kind": str(EMAIL), "label": "shared", "value": email, "is_primary": False})
        return True

    def minimal(self, declared: Any, text: str) -> dict[str, Any]:
        """Return a person's names and address out of what a cell calls them."""
        found, around = values_in(Kind.EMAIL, text) if "@" in text else ([""], text)
        name = take_apart(around or found[0].partition("@")[0])
        values = {"salutation": name.salutation, "first_name": name.first, "last_name": name.last, "email": found[0] or None}
        return {k: v[:150] for k, v in values.items() if v}

    def surplus(self, draft: Draft, header: str, kind: str, values: Sequence[str], around: str) -> None:
        """Keep further addresses and numbers as ways to reach the person, and a name around an address as the name."""
        for value in values:
            self._method(draft, {"email": EMAIL, "phone": PHONE}.get(kind, CustomerContact.Kind.WEBSITE), value, "")
        if around:
            draft.parts.setdefault("around", {})[around] = header

    def _method(self, draft: Draft, kind: str, value: str, label: str) -> None:
        value = " ".join(clean_line(value).split())
        kind = _kind_by_label(kind, label)
        value = without_unseen(value) if kind == EMAIL else value
        if not value:
            return
        if len(value) > 500:
            draft.notes.append(f"{label or kind}: {value}")
            return
        draft.collect("contact_methods", {"kind": str(kind), "label": label, "value": value, "is_primary": False})

    def complete(self, draft: Draft, planner: Any) -> None:
        """Split names, promote the first address and phone to the person, put addresses in order."""
        self._names(draft)
        self._birthday(draft, planner)
        methods = draft.children.get("contact_methods", [])
        labels = draft.parts.pop("labels", {})
        for row in methods if labels else ():
            row["label"] = labels.get(f"{row['kind']}:{row['label']}", row["label"])
            row["kind"] = _kind_by_label(row["kind"], row["label"])
        self._promote(draft, planner, methods, "email", (EMAIL,))
        self._promote(draft, planner, methods, "phone", (PHONE, CustomerContact.Kind.MOBILE))
        self._promote(draft, planner, methods, "website", (CustomerContact.Kind.WEBSITE,))
        company = draft.values.get("company")
        if company and not any(draft.values.get(n) for n in ("first_name", "last_name", "email")):
            # An address book knows companies that nobody is known of: the entry is called like them.
            draft.values["last_name"] = str(company[1] if isinstance(company, tuple) else company)[:150]
            draft.derived.add("last_name")
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
        around = draft.parts.pop("around", {})
        if around and not parts.get("full") and not values.get("first_name") and not values.get("last_name"):
            parts["full"] = next(iter(around))
            del around[parts["full"]]
        known = fold(" ".join([parts.get("full", ""), values.get("first_name") or "", values.get("last_name") or ""])).split()
        draft.notes += [f"{header}: {words}" for words, header in around.items() if not set(fold(words).split()) <= set(known)]
        if parts.get("middle") and values.get("first_name"):
            values["first_name"] = f"{values['first_name']} {parts['middle']}"[:150]
        if parts.get("suffix") and values.get("last_name"):
            values["last_name"] = f"{values['last_name']} {parts['suffix']}"[:150]
        full = " ".join(parts.get("full", "").split())
        if not full:
            return
        if not values.get("first_name") and not values.get("last_name"):
            found = take_apart(full)
            values["first_name"], values["last_name"] = found.first[:150], found.last[:150]
            if found.salutation and not values.get("salutation") and len(found.salutation) <= 60:
                values["salutation"] = found.salutation
            elif found.salutation and found.salutation != values.get("salutation"):
                draft.notes.append(str(_("Name in the file: %(name)s")) % {"name": full})
            if found.rest:
                draft.notes.append(str(_("Name in the file: %(name)s")) % {"name": full})
            if len(found.first) > 150 or len(found.last) > 150:
                draft.problems.append(("full_name", full, str(_("At most %(limit)d characters; this has %(count)d.")) % {"limit": 150, "count": len(full)}))
            return
        known = [values.get(n) or "" for n in ("salutation", "first_name", "last_name")]
        if full.casefold() not in (" ".join(filter(None, known)).casefold(), " ".join(filter(None, known[1:])).casefold()):
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
            given = draft.parts.pop(name)
            label = (given.pop("label", "") or name.split(":")[1]).removeprefix("* ").lower()
            formatted = given.pop("formatted", "")
            if formatted and not given:
                given = address_parts(formatted)[0]
            elif formatted and not _says_the_same(formatted, given):
                draft.notes.append(formatted)
            parts = {k: v[: 255 if k.startswith("line") else 120 if k != "postal_code" else 30] for k, v in given.items() if v}
            if long := [v for k, v in given.items() if v and v != parts[k]]:
                draft.notes.append("\n".join(long))
            if not parts:
                continue
            if not draft.values.get("address"):
                draft.values["address"] = dict(parts)
            kind = next((k for word, k in _ADDRESS_KINDS.items() if word in label), "PHYSICAL")
            rows = draft.children.setdefault("addresses", [])
            row = {**dict.fromkeys(ADDRESS_PARTS, ""), **parts, "kind": kind}
            if all({k: r[k] for k in (*ADDRESS_PARTS, "kind")} != row for r in rows):
                rows.append({**row, "is_primary": not any(r["kind"] == kind for r in rows)})


def _says_the_same(text: str, parts: dict[str, str]) -> bool:
    """Tell whether every word of an address as it is printed stands in its parts."""
    known = " ".join(parts.values()).casefold()
    return all(word in known for word in re.findall(r"\w+", text.casefold()))


def _kind_by_label(kind: str, label: str) -> str:
    if kind == PHONE and re.search(r"fax", label, re.I):
        return CustomerContact.Kind.FAX
    if kind == PHONE and re.search(r"mobile|cell|iphone", label, re.I):
        return CustomerContact.Kind.MOBILE
    return kind


def _part_of_address(draft: Draft, parameters: dict[str, str], text: str) -> None:
    address = draft.values.setdefault("address", {})
    if not isinstance(address, dict):
        return
    part = parameters.get("part", "line1")
    if part == "line1" or text.startswith("{"):
        found, rest = address_parts(text)
        if rest:
            draft.notes.append(rest)
        for name, value in found.items():
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
    if ":::" in text:
        return [{"value": part} for p in text.split(":::") if (part := p.strip())]
    if text.count("@") > 1:
        return [{"value": value} for value in values_in(Kind.EMAIL, text)[0]]
    return [{"value": text}]


def _usable(kind: str, value: str) -> bool:
    if kind == EMAIL:
        return re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) is not None
    if kind == CustomerContact.Kind.WEBSITE:
        return " " not in value and "." in value
    return sum(c.isdigit() for c in value) >= 3 and len(value) <= 40


register(CompanyTransfer())
register(CustomerTransfer())
