"""How well duplicates of an import are recognised: pairs that somebody labelled, with a floor for what is found and what is right."""

import csv
import io
from itertools import combinations
from typing import Any

import pytest

from crm.accounts.models import User
from crm.jobs.engine import enqueue, run_now
from crm.records import duplicates
from crm.records.alike import search_recent
from crm.records.entity import entity
from crm.records.models import Alike
from crm.transfer.services import carry_out, check, receive, settle, suggest
from customers.models import Company, Customer
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db

# Those of one line are one person: given name, family name, address, phone.
PEOPLE: list[list[tuple[str, str, str, str]]] = [
    [("Katharina", "Vogel", "k.vogel@firma.example", "+49 30 9018201"), ("Katarina", "Vogel", "katharina@home.example", "+49 (0)30 9018201")],
    [("John", "Smithson", "john.smithson@acme.example", ""), ("John", "Smithson", "john.smithson+crm@acme.example", "")],
    [("J.", "Albrecht", "jana.albrecht@web.example", ""), ("Jana", "Albrecht", "jana.albrecht+news@web.example", "")],
    [("Ana María", "Muñoz", "ana@munoz.example", "+34 912 345 678"), ("Ana Maria", "Munoz", "amm@post.example", "+34-912-345-678")],
    [("Björn", "Lindqvist", "bjorn@lund.example", ""), ("Bjorn", "Lindqvist", "b.lindqvist@mail.example", "")],
    [("Michael", "O'Brien", "mob@dublin.example", "+353 1 234 5678"), ("Michael", "OBrien", "michael@obrien.example", "+35312345678")],
    [("Stephen", "Harrison", "sh@one.example", ""), ("Steven", "Harrison", "sh@two.example", ""), ("Stephen", "Harison", "sh@three.example", "")],
    [("Wei", "Zhang", "wei.zhang@cn.example", "+86 10 6552 9988"), ("Zhang", "Wei", "zw@cn2.example", "+861065529988")],
    [("Olena", "Kovalenko", "olena+work@ua.example", ""), ("Olena", "Kovalenko", "olena@ua.example", "")],
    [("Elizabeth", "Turner", "liz.turner@uk.example", "+44 20 7946 0958"), ("Liz", "Turner", "eturner@uk.example", "+44 (20) 7946-0958")],
    [("Friedrich", "Großmann", "fg@de.example", ""), ("Friedrich", "Grossmann", "gross@de.example", "")],
    # Nobody else, however near.
    [("Anna", "Berger", "anna.berger@x.example", "+49 89 1234567")], [("Hanno", "Burger", "hanno@y.example", "")],
    [("Team", "North", "team+north@shop.example", "")], [("Paul", "South", "team+south@shop.example", "")],
    [("Maria", "Rossi", "maria@rossi.example", "")], [("Marco", "Rossi", "marco@rossi.example", "")],
    [("Peter", "Klein", "peter@k.example", "+49 89 7654321")], [("Petra", "Klein", "petra@k.example", "")],
    [("David", "Cohen", "david@c.example", "")], [("Sarah", "Cohen", "sarah@c.example", "")],
    [("James", "Brown", "james@b.example", "")], [("Jamie", "Browning", "jamie@b.example", "")],
]
FIRMS: list[list[str]] = [
    ["Brandt Maschinenbau GmbH", "Brandt Maschinenbau GmbH & Co. KG", "BRANDT MASCHINENBAU"], ["Tideline B.V.", "Tideline BV"],
    ["Ferreira & Filhos Lda", "Ferreira e Filhos, Lda."], ["Northwind Traders Inc.", "Northwind Traders, Incorporated"],
    ["Società Aurora S.p.A.", "Societa Aurora SpA"], ["Kestrel Logistics Pty Ltd", "Kestrel Logistics"], ["Lumière SARL", "Lumiere"],
    ["Müller und Söhne OHG", "Müller & Söhne"], ["Global Widgets Corporation", "Global Widgets Corp."],
    ["Northwind Tours Ltd"], ["Brandt Metallbau GmbH"], ["Kestrel Media Pty Ltd"], ["Global Gadgets Corp."], ["Tidewater B.V."], ["Aurora Solar AG"],
]


def bring(of: str, rows: list[list[str]], admin: Any) -> None:
    """Import a table."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    run = receive(file=io.BytesIO(text.getvalue().encode()), name="labelled.csv", of=of, actor=admin, options=None)
    settle(run, suggest(run, admin).as_dict(), admin)
    check(run, admin)
    carry_out(run, admin)
    assert run.report["result"]["create"] == len(rows) - 1, run.report["errors"]


def measured(of: str, groups: list[list[Any]]) -> tuple[float, float, set[frozenset[Any]], set[frozenset[Any]]]:
    """Return precision and recall of the pairs that were found, and which are wrong and missing."""
    right = {frozenset(pair) for group in groups for pair in combinations(group, 2)}
    found = {frozenset(pair) for pair in Alike.objects.filter(entity=of).values_list("first", "second")}
    return len(found & right) / max(1, len(found)), len(found & right) / len(right), found - right, right - found


@pytest.mark.parametrize("search", ["all", "recent"])
def test_people(admin: Any, search: str) -> None:
    bring("customer", [["First name", "Last name", "Email", "Phone"], *(list(p) for group in PEOPLE for p in group)], admin)
    pks = dict(Customer.objects.values_list("email", "pk"))
    look(search, "customer")
    precision, recall, wrong, missing = measured("customer", [[pks[p[2]] for p in group] for group in PEOPLE])
    names = {pk: email for email, pk in pks.items()}
    assert precision >= 0.9, [[names[pk] for pk in pair] for pair in wrong]
    assert recall >= 0.9, [[names[pk] for pk in pair] for pair in missing]


@pytest.mark.parametrize("search", ["all", "recent"])
def test_companies(admin: Any, search: str) -> None:
    bring("company", [["Name", "Industry"], *([name, "Trade"] for group in FIRMS for name in group)], admin)
    pks = dict(Company.objects.values_list("name", "pk"))
    look(search, "company")
    precision, recall, wrong, missing = measured("company", [[pks[name] for name in group] for group in FIRMS])
    names = {pk: name for name, pk in pks.items()}
    assert precision >= 0.9, [[names[pk] for pk in pair] for pair in wrong]
    assert recall >= 0.9, [[names[pk] for pk in pair] for pair in missing]


def look(search: str, of: str) -> None:
    """Search as at night, or as every quarter of an hour."""
    if search == "all":
        run_now(enqueue("records.find_duplicates"))
    else:
        search_recent(entity(of), entity(of).model._default_manager.earliest("created_at").created_at)


def test_the_surest_twin_is_found_among_more_likenesses_than_are_compared(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a common name more are alike than are looked at; the same number or mailbox is looked at first."""
    monkeypatch.setattr(duplicates, "MOST", 5)
    Customer.objects.bulk_create(Customer(first_name="Anastasia", last_name=f"Abel-{n:03}", assigned_user=admin) for n in range(40))
    twin = CustomerFactory(first_name="Ana", last_name="Abel", phone="+14155550100", email="other@one.example", assigned_user=admin)
    box = CustomerFactory(first_name="Ana", last_name="Abel", phone="", email="ana.abel+shop@one.example", assigned_user=admin)
    obj = CustomerFactory(first_name="Ana", last_name="Abel", phone="+14155550100", email="ana.abel@one.example", assigned_user=admin)
    assert {twin.pk, box.pk} <= {like.obj.pk for like in duplicates.duplicates_of(obj, admin)}
