"""Search among thousands of rows that hold the same word: what is found then, and how it is counted."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from crm.access.rights import forget_rights
from crm.accounts.models import FieldRight
from crm.search.service import find
from crm.search.statement import CAP, OWN
from customers.models import Customer
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
MANY = 9000


@pytest.fixture
def crowd(rep2: Any) -> Iterator[None]:
    """Fill the table with people of one name, who are another's."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            """INSERT INTO customers_customer (id, created_at, updated_at, version, custom, first_name, last_name, salutation, job_title,
                   department, phone, website, address, status, source, description, score, lifetime_value, assigned_user_id, is_active)
               SELECT rapport_uuid7(), now(), now(), 1, '{}', 'Ubiquitous', 'Person ' || i, '', '', '', '', '', '{}', 'LEAD', '', '', 0, 0,
                      %s, true FROM generate_series(1, %s) i""",
            [rep2.pk, MANY],
        )
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
        cursor.execute("ANALYZE customers_customer")
    yield
    with connection.cursor() as cursor:  # the statistics stay when the rows go
        cursor.execute("DELETE FROM pg_statistic WHERE starelid = 'customers_customer'::regclass")


def test_a_common_word_is_counted_no_further_than_it_takes(crowd: None, admin: Any) -> None:
    found = find(admin, "ubiquitous")
    assert len(found.hits) == 8
    assert found.counts["customer"] == CAP
    assert found.more == {"customer"}
    rare = find(admin, f"ubiquitous {MANY}")
    assert [hit.title for hit in rare.hits] == [f"Ubiquitous Person {MANY}"]
    assert (rare.counts["customer"], rare.more) == (1, frozenset())


def test_what_begins_with_a_common_word_is_found_all_the_same(crowd: None, admin: Any) -> None:
    """By first name, by last name, by both, however many hold the words somewhere."""
    for first, last in (("Son", "Ubi"), ("Ubi", "Xavier")):
        CustomerFactory(first_name=first, last_name=last)
    for words, title in (("person ubi", None), ("ubi x", "Ubi Xavier"), ("ubi son", "Son Ubi"), ("son ubi", "Son Ubi")):
        titles = [hit.title for hit in find(admin, words).hits]
        assert title is None or titles[0] == title, words


def test_ones_own_are_found_among_the_crowd(crowd: None, rep: Any, rep2: Any) -> None:
    mine = [CustomerFactory(first_name="Ubiquitous", last_name="Mine", assigned_user=rep) for _ in range(3)]
    found = find(rep, "ubiquitous")
    assert {hit.id for hit in found.hits} == {c.pk for c in mine}
    assert (found.counts["customer"], found.more) == (3, frozenset())
    theirs = find(rep2, "ubiquitous person")
    assert theirs.counts["customer"] == min(CAP, OWN)
    assert theirs.more == {"customer"}


def test_a_hidden_column_with_a_common_word_tells_nothing(crowd: None, rep: Any) -> None:
    Customer.objects.filter(first_name="Ubiquitous").update(assigned_user=rep)
    FieldRight.objects.create(role=rep.role, entity="customer", field="first_name", level="hidden")
    forget_rights(rep)
    assert find(rep, "ubiquitous").hits == []
    assert len(find(rep, "person").hits) == 8
