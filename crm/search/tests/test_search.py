"""Search: what is found, in which order, and what never is."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.access.rights import forget_rights, rights_of
from crm.accounts.models import FieldRight
from crm.records.models import Document, Note
from crm.search.recent import recent_searches, recent_visits, remember_search, remember_visit
from crm.search.service import find, recent_hits, search
from crm.search.words import MAX_WORDS, words_of
from customers.tests.factories import CompanyFactory, CustomerFactory
from sales.tests.factories import DealFactory
from tasks.tests.factories import TaskFactory

pytestmark = pytest.mark.django_db


def titles(user: Any, q: str, **kwargs: Any) -> list[str]:
    """Return the titles of the hits."""
    return [hit.title for hit in search(user, q, **kwargs)]


def test_all_words_must_fit_whatever_case_and_accents(admin: Any) -> None:
    CustomerFactory(first_name="Jürgen", last_name="Müller", email="jm@one.example")
    CustomerFactory(first_name="Jürgen", last_name="Weber", email="jw@two.example")
    assert titles(admin, "jurgen MULLER") == ["Jürgen Müller"]
    assert titles(admin, "one.example") == ["Jürgen Müller"]


def test_every_kind_is_found_and_titles_that_begin_so_come_first(admin: Any) -> None:
    CompanyFactory(name="Old Northgate Works")
    CompanyFactory(name="Northgate Robotics")
    DealFactory(title="Renewal for Northgate")
    TaskFactory(title="Call Northgate")
    found = search(admin, "northgate")
    assert found[0].title == "Northgate Robotics"
    assert {hit.entity for hit in found} == {"company", "deal", "task"}
    assert titles(admin, "northgate", entities=["deal"]) == ["Renewal for Northgate"]


@pytest.mark.parametrize("typed", [
    "kristna andersson", "kristina anderson", "krsitina", "andersom", "Kristyna Andersson", "andersson kristnia", "krestina ander",
])
def test_typing_errors_are_forgiven_when_nothing_is_found(admin: Any, typed: str) -> None:
    CustomerFactory(first_name="Kristina", last_name="Andersson")
    CustomerFactory(first_name="Christine", last_name="Anders")
    assert "Kristina Andersson" in titles(admin, typed)
    assert all(hit.rank < 1 for hit in search(admin, typed))


def test_what_is_no_slip_is_not_forgiven(admin: Any) -> None:
    CustomerFactory(first_name="Kristina", last_name="Andersson")
    assert titles(admin, "krstn") == titles(admin, "andromeda") == titles(admin, "kri5tin9 andersson") == []


def test_the_page_says_what_was_looked_for_instead(client_for: Any, rep: Any) -> None:
    CustomerFactory(first_name="Kristina", last_name="Andersson", assigned_user=rep)
    text = client_for(rep).get("/search?q=kristinna").content.decode()
    assert "“kristinna”" in text
    assert "“kristina”" in text
    assert "“" not in client_for(rep).get("/search?q=kristina").content.decode().split('id="results"')[1]


def test_notes_and_documents_are_found_where_their_record_is_seen(rep: Any, rep2: Any, admin: Any, client_for: Any) -> None:
    customer = CustomerFactory(assigned_user=rep)
    where = {"entity": "customer", "record_id": customer.pk}
    note = Note.objects.create(content="They asked for zirconium bearings", author=rep, **where)
    Note.objects.create(content="Zirconium is mine alone", author=rep, is_private=True, **where)
    document = Document.objects.create(name="Zirconium offer.pdf", uploaded_by=rep, **where)
    assert {hit.id for hit in search(rep, "zirconium", entities=["note", "document"])} > {note.pk, document.pk}
    assert titles(admin, "zirconium") == ["Zirconium offer.pdf", "They asked for zirconium bearings"]
    assert titles(rep2, "zirconium") == []
    page = client_for(rep)
    assert page.get(f"/notes/{note.pk}")["Location"].startswith(f"/customers/{customer.pk}")
    assert page.get(f"/documents/{document.pk}")["Location"] == f"/customers/{customer.pk}?tab=documents"
    assert client_for(rep2).get(f"/notes/{note.pk}").status_code == 404


def test_one_letter_and_signs_are_harmless(admin: Any) -> None:
    CustomerFactory(first_name="Ada", last_name="Byron")
    assert titles(admin, "b") == ["Ada Byron"]
    assert titles(admin, "%") == titles(admin, "_") == titles(admin, "\\ '") == titles(admin, "") == []
    assert titles(admin, "a%da") == []


def test_many_words_are_cut(admin: Any) -> None:
    CustomerFactory(first_name="Ada", last_name="Byron")
    assert len(words_of(" ".join(f"w{n}" for n in range(1000)))) == MAX_WORDS
    assert titles(admin, "a " * 1000) == ["Ada Byron"]
    assert all(len(word) <= 60 for word in words_of("x" * 5000))


def test_nobody_finds_what_they_may_not_see(rep: Any, rep2: Any) -> None:
    CustomerFactory(first_name="Canary", last_name="Quill", assigned_user=rep2)
    DealFactory(title="Canary deal", assigned_user=rep2, customer=None)
    mine = CustomerFactory(first_name="Canary", last_name="Mine", assigned_user=rep)
    assert [hit.id for hit in search(rep, "canary")] == [mine.pk]
    assert [hit.id for hit in search(rep, "cannary")] == [mine.pk]
    found = find(rep, "canary")
    assert (found.counts["customer"], found.counts["deal"], found.more) == (1, 0, frozenset())
    assert titles(rep, "quill") == []


def test_a_hidden_column_is_not_searched(rep: Any) -> None:
    CustomerFactory(first_name="Ada", last_name="Byron", email="secret@hidden.example", assigned_user=rep)
    assert titles(rep, "hidden.example") == ["Ada Byron"]
    FieldRight.objects.create(role=rep.role, entity="customer", field="email", level="hidden")
    forget_rights(rep)
    assert titles(rep, "hidden.example") == []
    assert titles(rep, "byron") == ["Ada Byron"]


def test_one_statement_whatever_the_number_of_kinds(admin: Any) -> None:
    for n in range(4):
        CompanyFactory(name=f"Bramble {n}")
    rights_of(admin)
    with CaptureQueriesContext(connection) as asked:
        assert len(search(admin, "bramble")) == 4
    # And one that says how it is to be planned.
    assert [q["sql"].split()[0] for q in asked] == ["SELECT", "WITH"]


def test_history_is_kept_once_and_visits_are_asked_again(rep: Any, rep2: Any) -> None:
    for words in ("one", "two", "one"):
        remember_search(rep, words)
    assert [s.words for s in recent_searches(rep)] == ["one", "two"]
    record = CustomerFactory(assigned_user=rep)
    remember_visit(rep, "customer", record.pk)
    assert [hit.id for hit in recent_hits(rep, recent_visits(rep))] == [record.pk]
    record.assigned_user = rep2
    record.save()
    assert recent_hits(rep, recent_visits(rep)) == []


def test_the_api_searches(rep: Any, rep2: Any, api: Any) -> None:
    mine = CustomerFactory(first_name="Canary", assigned_user=rep)
    CustomerFactory(first_name="Canary", assigned_user=rep2)
    answer = api(rep).get("/api/v1/search?q=canary")
    assert answer.status_code == 200
    assert [hit["id"] for hit in answer.json()["data"]["results"]] == [str(mine.pk)]
    assert answer.json()["data"]["counts"]["customer"] == 1
    assert api(rep).get("/api/v1/search?q=x&entities=planet").status_code == 400
    assert api(rep).get("/api/v1/search").status_code == 400
    assert api(None).get("/api/v1/search?q=x").status_code == 401


def test_page_and_palette(rep: Any, rep2: Any, client_for: Any) -> None:
    CustomerFactory(first_name="Visible", last_name="Person", assigned_user=rep)
    CustomerFactory(first_name="Visible", last_name="Canary", assigned_user=rep2)
    for path in ("/search?q=visible", "/palette?q=visible"):
        text = client_for(rep).get(path).content.decode()
        assert "Visible Person" in text
        assert "Canary" not in text
    for path in ("/search", "/palette", "/palette?q=%3E", "/palette?q=%23vip", "/palette?q=%40ro", "/search?q=%00x&in=nothing"):
        assert client_for(rep).get(path).status_code == 200
    assert client_for(None).get("/palette").status_code == 302


def test_the_palette_shows_the_acts_of_a_record(rep: Any, rep2: Any, client_for: Any) -> None:
    """Tab on a hit: what may be done with it; nothing for what one may not see, nothing for nonsense."""
    record = CustomerFactory(first_name="Ana", last_name="Abel", assigned_user=rep)
    told = client_for(rep).get(f"/palette?of=/customers/{record.pk}").content.decode()
    assert "Ana Abel" in told
    assert f"/customers/{record.pk}/edit" in told
    for user, address in ((rep2, f"/customers/{record.pk}"), (rep, "/customers/new"), (rep, "/nothing/x"), (rep, "%00")):
        assert "data-href" not in client_for(user).get(f"/palette?of={address}").content.decode()
