"""A report that took long stands for a moment, for those alone who may see the same."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics.selectors import customer_report, remembered
from analytics.selectors.period import scope_of
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """Begin without what other tests asked."""
    remembered._kept.clear()


def test_what_took_long_is_not_asked_again_at_once(admin: Any, rep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    CustomerFactory.create_batch(2, assigned_user=admin)
    monkeypatch.setattr(remembered, "LONG", -1.0)
    first = customer_report(admin, scope_of(admin, {}))
    CustomerFactory(assigned_user=rep)
    assert customer_report(admin, scope_of(admin, {})) is first
    assert customer_report(admin, scope_of(admin, {"period": "year"})).customers == first.customers + 1
    assert customer_report(rep, scope_of(rep, {})).customers == 1
    monkeypatch.setattr(remembered, "STANDS", 0.0)
    assert customer_report(admin, scope_of(admin, {})).customers == first.customers + 1


def test_what_is_quick_is_always_new(admin: Any) -> None:
    before = customer_report(admin, scope_of(admin, {})).customers
    CustomerFactory(assigned_user=admin)
    assert customer_report(admin, scope_of(admin, {})).customers == before + 1
    assert not remembered._kept


def test_rows_are_added_up_and_not_sorted_and_the_plan_of_others_is_left_alone(admin: Any) -> None:
    with CaptureQueriesContext(connection) as seen:
        customer_report(admin, scope_of(admin, {}))
    settings = [q["sql"] for q in seen.captured_queries if "enable_sort" in q["sql"]]
    assert ["'off'" in sql for sql in settings] == [True, False]
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_sort")
        assert cursor.fetchone() == ("on",)
