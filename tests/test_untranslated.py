"""No page says a word that a translator never sees.

Every message is put in brackets by a made-up language; what has letters outside of brackets, and is no data, is a finding.
The addresses come from the URL conf, so that a new page is read too.
"""

import re
from collections.abc import Iterator
from gettext import NullTranslations
from html.parser import HTMLParser
from typing import Any
from zoneinfo import available_timezones

import pytest
from babel import Locale
from django.conf import settings
from django.template.autoreload import reset_loaders
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation
from django.utils.translation import trans_real

from crm.accounts.models import Role, User
from crm.records.entity import all_entities
from crm.records.services import create_record
from crm.transfer.views import ENCODINGS
from crm.ui.templatetags import ui
from sales.models import Stage
from tests.security.addresses import LISTED, dumped, filled

pytestmark = pytest.mark.django_db

GERMAN = Locale("de")
OPEN, CLOSE = "⟦", "⟧"
NAMES = ("customer", "company", "deal", "task", "interaction", "product")  # of what is LISTED
EXTRA = (
    "/customers?facets=1", "/customers?q=0", "/customers?group=status", "/customers?archived=1", "/customers/new?quick=1",
    "/customers/{customer}?tab=contacts", "/customers/{customer}?tab=documents", "/customers/{customer}?tab=comments",
    "/customers/{customer}?peek=1", "/deals?layout=table", "/deals?layout=forecast", "/deals/{deal}?tab=lines", "/deals/{deal}?peek=1",
    "/deals/{deal}/move?stage={stage}", "/tasks?layout=board", "/tasks?layout=calendar", "/tasks/new?quick=1", "/search?q=000",
    "/customers/filter?field=status", "/customers/filter?field=created_at", "/deals/filter?field=value", "/settings/users/{user}",
    "/settings/roles/{role}", "/reports/sales?period=all",
)
SPOKEN = ("title", "aria-label", "placeholder", "alt", "aria-description", "aria-roledescription", "aria-valuetext")
SILENT = {"script", "style", "time", "svg", "kbd", "code", "pre", "template"}
WITHIN = {"a", "b", "em", "i", "strong", "span", "code", "kbd", "mark", "del", "ins"}  # a sentence goes on behind these
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# Months and weekdays are Babel's: “Nov.”, “Freitag”.
MONTH = "|".join(re.escape(n) for w in ("wide", "abbreviated") for p in ("months", "days") for form in ("format", "stand-alone")
                 for n in getattr(GERMAN, p)[form][w].values())
LETTERS = re.compile(r"[A-Za-zÄÖÜäöüß]{2,}")
# Not pages of ours: the administration of Django, the documents of the API, what is no page at all.
SKIPPED = re.compile(r"^/(api/|admin/|static/|media/|health|metrics|styleguide|jsi18n|account/sign-out)")


class Bracketed(NullTranslations):
    """A language in which every message reads ⟦message⟧."""

    def __init__(self) -> None:
        super().__init__()
        self.domain = "django"

    def gettext(self, message: str) -> str:
        """Put a message in brackets, without its context."""
        return f"{OPEN}{message.rpartition(trans_real.CONTEXT_SEPARATOR)[2]}{CLOSE}" if message else ""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Put the form that fits in brackets."""
        return self.gettext(msgid1 if n == 1 else msgid2)

    def to_language(self) -> str:
        """Return the language that is spoken by nobody here."""
        return "de"

    def language(self) -> str:
        """Return the same, as gettext asks for it."""
        return "de"


def outside(text: str, depth: int = 0) -> tuple[str, int]:
    """Return what of a text stands outside of the brackets, and how many are open at its end."""
    kept = []
    for letter in text:
        depth += (letter == OPEN) - (letter == CLOSE and depth > 0)
        kept.append(" " if depth or letter == CLOSE else letter)
    return "".join(kept), depth


class Words(HTMLParser):
    """Collects what a page says: its text, and the attributes that are read out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self.depth = 0
        self.silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the attributes that are words, and skip what is none."""
        found = dict(attrs)
        if tag not in SILENT or tag == "svg":
            self.said += [outside(found[name] or "")[0] for name in SPOKEN if name in found]
        if tag not in VOID and (self.silent or tag in SILENT or found.get("translate") == "no"):
            self.silent.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave an element that is skipped."""
        if self.silent and tag not in VOID:
            self.silent.pop()
        if tag not in WITHIN:
            self.depth = 0

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        if not self.silent:
            text, self.depth = outside(data, self.depth)
            self.said.append(text)


def forget() -> None:
    """Drop what this process keeps of each language: the words of compiled templates, and the drawn parts of the shell."""
    reset_loaders()
    ui._kept.clear()


@pytest.fixture
def bracketed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let German be the bracketed language, whatever spoke it before, and the real one afterwards."""
    monkeypatch.setitem(trans_real._translations, "de", Bracketed())  # type: ignore[attr-defined]
    forget()
    yield
    forget()


@pytest.fixture
def base(bracketed: None, cast: Any) -> dict[str, Any]:
    """Return a record of every kind without a Latin letter, and the administrator who sees them."""
    admin = cast("admin")
    User.objects.update(language="de")
    admin.refresh_from_db()
    made: dict[str, Any] = {"user": admin}
    translation.activate("de")
    made["company"] = create_record(of="company", data={"name": "Ώμέγα"}, actor=admin)
    made["customer"] = create_record(of="customer", data={"last_name": "Λάμδα", "email": "7@1.example", "company": made["company"].pk}, actor=admin)
    made["product"] = create_record(of="product", data={"name": "Σίγμα", "price": "12", "currency": "EUR"}, actor=admin)
    made["deal"] = create_record(of="deal", data={"title": "Δέλτα", "value": "7919.00", "customer": made["customer"].pk}, actor=admin)
    made["task"] = create_record(of="task", data={"title": "Ταυ", "deal": made["deal"].pk}, actor=admin)
    made["interaction"] = create_record(of="interaction", data={"subject": "Ιώτα", "type": "CALL", "customer": made["customer"].pk}, actor=admin)
    made["note"] = create_record(of="note", data={"content": "Νυ", "entity": "customer", "record_id": str(made["customer"].pk)}, actor=admin)
    made["stage"], made["role"] = Stage.objects.first(), Role.objects.exclude(code="ADMIN").first()
    translation.activate("en")
    return made


def data_of(base: dict[str, Any]) -> re.Pattern[str]:
    """Return a pattern of all that is data in Latin letters: reference data, people, codes."""
    names = {"Rapport", "CSV", "XLSX", "JSON", "vCard", "fx", "English", "Deutsch", "Reference data", *settings.CURRENCIES, *ENCODINGS}
    names |= {part for zone in available_timezones() for part in (zone, zone.replace("_", " "))}
    names |= {str(r.description) for r in Role.objects.all()}
    for of in all_entities().values():
        if of.name not in LISTED:
            names |= {str(o) for o in of.model._base_manager.all()[:200]}
    for user in User.objects.select_related("role", "team"):
        names |= {user.email, user.first_name, user.last_name, str(user), user.first_name[:1] + user.last_name[:1]}
    found = sorted((n for n in names if n), key=len, reverse=True)
    names_only = "|".join(map(re.escape, found))
    return re.compile(rf"(?<!\w)(?:{names_only}|{MONTH})(?!\w)|" r"\S+@\S+|\b[A-Z2-7]{32}\b|worker:\w+|beat|relay|Ctrl [A-Z]")


def findings(body: str, data: re.Pattern[str]) -> Iterator[str]:
    """Yield what a page says outside of the brackets that is no data."""
    words = Words()
    words.feed(body)
    for text in words.said:
        if LETTERS.search(data.sub(" ", text)):
            yield " ".join(text.split())[:160]


def test_every_word_of_a_mail_can_be_translated(base: dict[str, Any]) -> None:
    found = {}
    person = base["user"]
    with translation.override("de"):
        context = {"user": person, "name": "", "new": "", "link": "", "site": "", "what": "", "at": "", "ip": "", "device": ""}
        for path in sorted((settings.BASE_DIR / "templates" / "account" / "mail").glob("*.txt")):
            for text in findings(render_to_string(f"account/mail/{path.name}", context), data_of(base)):
                found[text] = path.name
    assert not found


def addresses(base: dict[str, Any]) -> Iterator[list[str]]:
    """Yield every address, each with the records that may go there; the first that answers is enough for a kind."""
    for text in dumped():
        if any(part in text for part in ("<listed:entity>", "<slug:entity>", "<slug:name>")):
            yield from ([filled(text, base[name].pk, listed)] for listed, name in zip(LISTED, NAMES, strict=True))
        else:
            yield list(dict.fromkeys(filled(text, record.pk) for record in base.values()))
    for extra in EXTRA:
        yield [extra.format(**{name: record.pk for name, record in base.items()})]


def read(client: Client, found: dict[str, str], data: re.Pattern[str], tried: list[str]) -> int:
    """Note the findings of the first address that answers; return how many pages were read."""
    count = 0
    for address in tried:
        if SKIPPED.match(address):
            continue
        answers = [client.get(address, headers={"accept-language": "de"} | more) for more in ({}, {"hx-request": "true"})]
        pages = [a for a in answers if not a.streaming and a["Content-Type"].startswith("text/html")]
        for answer in pages:
            count += 1
            for text in findings(answer.content.decode(), data):
                found.setdefault(text, address)
        if any(a.status_code == 200 for a in pages):
            break
    return count


def test_every_word_of_every_page_can_be_translated(base: dict[str, Any]) -> None:
    found: dict[str, str] = {}
    data = data_of(base)
    client = Client(raise_request_exception=False)
    client.force_login(base["user"])
    assert sum(read(client, found, data, tried) for tried in addresses(base)) > 150
    assert not found, "\n".join(f"{address}: {text}" for text, address in sorted(found.items(), key=lambda f: f[1]))


def test_every_word_before_signing_in_can_be_translated(base: dict[str, Any]) -> None:
    found: dict[str, str] = {}
    for address in ("/account/sign-in", "/account/password/reset", "/account/password/reset/sent", "/account/invitation/x", "/nope",
                    "/account/password/reset/x-y", "/account/password/reset/done", "/account/inactive", "/account/link/x"):
        assert read(Client(), found, data_of(base), [address])
    wrong = Client().post("/account/sign-in", {"login": "nobody", "password": ""}, headers={"accept-language": "de"})
    assert not found, found
    assert not list(findings(wrong.content.decode(), data_of(base)))
