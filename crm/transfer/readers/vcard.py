"""vCard 2.1, 3.0 and 4.0 as real programs write them: folded lines, quoted-printable, bare parameters, groups."""

import json
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from django.utils.translation import gettext as _

from crm.transfer.readers.base import MAX_CELL, Row, Source, Unreadable, storable
from crm.transfer.readers.encoding import MIXED, detect, open_text

HEADERS = [
    "UID", "Full name", "First name", "Last name", "Middle name", "Prefix", "Suffix", "Nickname", "Birthday",
    "Company", "Department", "Title", "Role", "Note", "Categories", "Gender", "Emails", "Phones", "Addresses",
    "Websites", "Messengers", "Other",
]
_BINARY = {"PHOTO", "LOGO", "SOUND", "KEY"}
_QUIET = {"VERSION", "PRODID", "REV", "BEGIN", "END", "LABEL", "N", "FN", "MAILER", "CLASS"}
_MESSENGERS = {"IMPP", "X-AIM", "X-ICQ", "X-MSN", "X-YAHOO", "X-JABBER", "X-SKYPE", "X-GTALK", "X-QQ",
               "X-GOOGLE-TALK", "X-SKYPE-USERNAME", "X-MS-IMADDRESS"}
_ENCODINGS = {"QUOTED-PRINTABLE", "BASE64", "B", "8BIT", "7BIT"}
_ANDROID = re.compile(r"^vnd\.android\.cursor\.item/(\w+)$")


@dataclass
class Property:
    """One line of a card: its name, its parameters, and its value still escaped."""

    name: str
    value: str
    group: str = ""
    types: list[str] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)


class CardFile(Source):
    """Cards as rows; what a person has several of (e-mails, phones, addresses) is JSON in its cell."""

    def __init__(self, path: Path, options: dict[str, Any]) -> None:
        super().__init__(path, "vcard")
        self.encoding = str(options.get("encoding") or detect(path))
        self.headers = list(HEADERS)
        if next(self._cards(), None) is None:
            raise Unreadable(_("The file holds no vCard (no BEGIN:VCARD … END:VCARD)."))
        self.details = {"encoding": self.encoding}

    def rows(self) -> Iterator[Row]:
        """Yield one row a card; the first card is row 1."""
        for number, properties in enumerate(self._cards(), 1):
            found = as_row(properties)
            cells, problem = storable([found.get(h, "") for h in HEADERS])
            yield Row(number, cells, problem)

    def _cards(self) -> Iterator[list[Property]]:
        with open_text(self.path, self.encoding, strict=False, newline=None) as file:
            current: list[Property] | None = None
            around: list[list[Property]] = []
            count = 0
            for line in unfold(file):
                mark = line.strip().upper()
                if mark == "BEGIN:VCARD":
                    if current is not None:
                        # Version 2.1 puts the card of somebody's agent into the card; it is another person's.
                        if not current or current[-1].name != "AGENT" or current[-1].value.strip():
                            raise _unfinished(count + 1)
                        around.append(current)
                    current = []
                elif mark == "END:VCARD":
                    if around and current is not None:
                        agent = "; ".join(f"{p.name}: {p.value}" for p in current if p.name not in _BINARY | {"VERSION"})
                        current = around.pop()
                        current[-1].value = agent
                        continue
                    if current is not None:
                        count += 1
                        yield current
                    current = None
                elif current is not None and (found := parse(line, self.encoding)) is not None:
                    current.append(found)
            if current is not None:
                raise _unfinished(count + 1)


def _unfinished(number: int) -> Unreadable:
    return Unreadable(_("Card %(number)d of the file is not finished (END:VCARD is missing).") % {"number": number})


def unfold(file: TextIO) -> Iterator[str]:
    """Join folded lines, and lines that quoted-printable or base64 continues."""
    held = ""
    for raw in file:
        line = raw.rstrip("\r\n")
        if len(held) > 20 * MAX_CELL:
            raise Unreadable(_("A line of a card is too long."))
        if held.endswith("=") and "QUOTED-PRINTABLE" in held.partition(":")[0].upper():
            held = held[:-1] + line
        elif line[:1] in (" ", "\t") and held:
            held += line[1:]
        else:
            if held:
                yield held
            held = line
    if held:
        # Some programs write END:VCARDBEGIN:VCARD without a line end between.
        yield held


def parse(line: str, encoding: str) -> Property | None:
    """Return the property that a line holds; None when it holds none."""
    head, colon, value = _split_head(line)
    if not colon:
        return None
    parts = re.findall(r'(?:"[^"]*"|[^;"])+', head)
    if not parts:
        return None
    group, _dot, name = parts[0].strip().rpartition(".")
    found = Property(name.upper(), value, group)
    for part in parts[1:]:
        key, equals, text = part.partition("=")
        key, text = key.strip().upper(), text.strip().strip('"')
        if not equals:
            if key in _ENCODINGS:
                found.params["ENCODING"] = key
            else:
                found.types.append(key.lower())
        elif key == "TYPE":
            found.types.extend(t.strip().lower() for t in text.split(",") if t.strip())
        else:
            found.params[key] = text
    if found.params.get("ENCODING", "").upper() == "QUOTED-PRINTABLE":
        data = quopri.decodestring(value.encode("utf-8" if encoding == MIXED else encoding, "replace"))
        try:
            found.value = data.decode(found.params.get("CHARSET") or "utf-8")
        except (UnicodeDecodeError, LookupError):
            found.value = data.decode("cp1252", "replace")
    return found


def _split_head(line: str) -> tuple[str, str, str]:
    quoted = False
    for index, letter in enumerate(line):
        if letter == '"':
            quoted = not quoted
        elif letter == ":" and not quoted:
            return line[:index], ":", line[index + 1 :]
    return line, "", ""


def pieces(value: str, mark: str = ";") -> list[str]:
    """Split at unescaped marks and take the escapes away."""
    return [unescape(p) for p in re.split(rf"(?<!\\){re.escape(mark)}", value)]


def unescape(value: str) -> str:
    """Return a value as it was meant: backslash n is a new line, an escaped mark the mark."""
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] in "nN" else m[1], value).strip()


def as_row(properties: list[Property]) -> dict[str, str]:
    """Return a card as cells by header."""
    row: dict[str, str] = {}
    lists: dict[str, list[dict[str, str]]] = {"Emails": [], "Phones": [], "Addresses": [], "Websites": [], "Messengers": []}
    other: dict[str, list[str]] = {}
    labels = {p.group: _label(p.value) for p in properties if p.name == "X-ABLABEL" and p.group}
    for p in sorted(properties, key=_rank):
        label = labels.get(p.group) or ", ".join(t for t in p.types if t not in ("pref", "internet", "voice", "msg"))
        if p.name in _BINARY:
            if p.params.get("ENCODING") or p.value.startswith("data:"):
                other.setdefault(p.name, []).append(_("(embedded %(size)d bytes, not kept)") % {"size": len(p.value) * 3 // 4})
            else:
                other.setdefault(p.name, []).append(unescape(p.value))
            continue
        _take(p, label, row, lists, other)
    if "COMPANY" in other.get("X-ABSHOWAS", []) or (row.get("Company") and row.get("Company") == row.get("Full name")):
        row["Last name"] = row.pop("Full name", "") or row.get("Company", "")  # a company, not somebody of that name
    row.update({k: json.dumps(v, ensure_ascii=False) for k, v in lists.items() if v})
    if other:
        row["Other"] = "\n".join(f"{k}: {', '.join(v)}" for k, v in other.items())
    return {k: v[:MAX_CELL] for k, v in row.items()}


def _take(
    p: Property, label: str, row: dict[str, str], lists: dict[str, list[dict[str, str]]], other: dict[str, list[str]]
) -> None:
    """Put one property where it belongs."""
    value = unescape(p.value)
    if not value.strip(";, "):
        return
    single = {"FN": "Full name", "NICKNAME": "Nickname", "TITLE": "Title", "ROLE": "Role", "UID": "UID"}
    if p.name == "N":
        for header, part in zip(("Last name", "First name", "Middle name", "Prefix", "Suffix"), pieces(p.value), strict=False):
            row.setdefault(header, " ".join(part.replace(",", " ").split()) if header != "Last name" else part)
    elif p.name == "ORG":
        names = [n for n in pieces(p.value) if n]
        if names:
            row.setdefault("Company", names[0])
            row.setdefault("Department", ", ".join(names[1:]))
    elif p.name in ("NOTE", "CATEGORIES"):
        header = p.name.capitalize()
        row[header] = "\n".join(filter(None, [row.get(header, ""), value])) if p.name == "NOTE" else value
    elif p.name == "BDAY" and (day := _day(value)):
        # Address books write a birthday without its year into 1604.
        row["Birthday"] = day if day[:4] not in (p.params.get("X-APPLE-OMIT-YEAR"), "1604") else f"--{day[5:]}"
    elif p.name == "BDAY" and re.match(r"--\d\d-?\d\d$", value):
        row["Birthday"] = value
    elif p.name in ("GENDER", "X-GENDER"):
        row["Gender"] = value.rstrip(";")
    elif p.name == "EMAIL":
        lists["Emails"].append({"value": value, "label": label, **_preferred(p)})
    elif p.name == "TEL":
        lists["Phones"].append({"value": value.removeprefix("tel:"), "label": label, **_preferred(p)})
    elif p.name == "URL":
        lists["Websites"].append({"value": value, "label": label})
    elif p.name in _MESSENGERS:
        lists["Messengers"].append({"value": value, "label": p.name.removeprefix("X-").lower() if p.name != "IMPP" else label})
    elif p.name == "ADR":
        lists["Addresses"].append(_address(p, label))
    elif p.name in single and single[p.name] not in row:
        row[single[p.name]] = value
    elif p.name == "X-ANDROID-CUSTOM":
        kind, *rest = pieces(p.value)
        match = _ANDROID.match(kind)
        other.setdefault(match[1] if match else kind, []).append(" ".join(r for r in rest if r and not r.isdigit()))
    elif p.name not in _QUIET and p.name != "X-ABLABEL":
        other.setdefault(p.name, []).append(value)


def _rank(p: Property) -> int:
    """Return how much a property is preferred among those of its name: 1 the most, as version 4 counts."""
    given = p.params.get("PREF", "")
    return 1 if "pref" in p.types else int(given) if given.isascii() and given.isdigit() and len(given) < 4 else 101


def _preferred(p: Property) -> dict[str, str]:
    return {"primary": "1"} if "pref" in p.types or p.params.get("PREF") == "1" else {}


def _address(p: Property, label: str) -> dict[str, str]:
    parts = [*pieces(p.value), *[""] * 7][:7]
    box, extended, street, city, region, code, country = (" ".join(filter(None, map(str.strip, x.splitlines()))) for x in parts)
    lines = [x for x in (street, extended, box) if x]
    made = {
        "line1": lines[0] if lines else "", "line2": ", ".join(lines[1:]), "city": city, "region": region,
        "postal_code": code, "country": country, "label": label,
    }
    return {k: v for k, v in made.items() if v}


def _day(value: str) -> str:
    match = re.match(r"^(\d{4})-?(\d\d)-?(\d\d)(T.*)?$", value)
    return f"{match[1]}-{match[2]}-{match[3]}" if match else ""


def _label(value: str) -> str:
    return re.sub(r"^_\$!<(.*)>!\$_$", r"\1", value).lower()
