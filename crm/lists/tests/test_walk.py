"""A long list walked part by part is the same list: every order, both directions, page after page."""

import datetime as dt
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from communications.tests.factories import InteractionFactory
from crm.accounts.models import User
from crm.lists import query
from crm.lists.query import groups_of, keys_of, matching, neighbours, ordering, page, position
from crm.lists.state import ListState
from crm.records import walk
from crm.records.entity import entity
from crm.records.keys import SHARED
from crm.records.services import delete_record
from customers.tests.factories import CompanyFactory, CustomerFactory
from sales.models import Pipeline
from sales.tests.factories import DealFactory, ProductFactory
from tasks.tests.factories import TaskFactory

pytestmark = pytest.mark.django_db
LISTED = ("customer", "company", "deal", "task", "interaction", "product")


@pytest.fixture(autouse=True)
def any_table_may_be_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the lists of small tables be walked."""
    monkeypatch.setattr(query, "may_be_long", lambda model: True)


@pytest.fixture
def boss(cast: Callable[[str], User]) -> User:
    """Return who sees everything, in a base where every order has equal values, empty ones, and targets in the trash."""
    admin, rep = cast("admin"), cast("rep")
    today = timezone.localdate()
    companies = [CompanyFactory(name=name, assigned_user=owner, industry=what, parent=None) for name, owner, what in (
        ("Amber", rep, "Retail"), ("amber", admin, ""), ("Birch", None, "Retail"), ("Cobalt", rep, "Energy"), ("Birch", rep, "Energy"),
    )]
    people = [
        CustomerFactory(
            last_name=f"Name {n % 7}", first_name=f"F{n % 3}", company=(None, *companies)[n % 6], assigned_user=(rep, admin, None)[n % 3],
            status=("LEAD", "PROSPECT", "CUSTOMER")[n % 3 if n < 20 else 0], score=n % 5, email=f"{'Aa'[n % 2]}{n}@walk.example",
            birthday=None if n % 4 else dt.date(1990, 1, 1 + n % 9),
        ) for n in range(24)
    ]
    stages = list(Pipeline.objects.get(is_default=True).stages.filter(outcome="open"))
    deals = [
        DealFactory(
            title=f"Deal {n % 4}", stage=stages[n % 2], customer=people[n % 5] if n % 4 else None, company=companies[n % 4] if n % 3 else None,
            assigned_user=(rep, None, admin)[n % 3], value=100 * (n % 3), expected_close_date=today + dt.timedelta(days=n % 3) if n % 2 else None,
        ) for n in range(15)
    ]
    for n in range(15):
        TaskFactory(title=f"Task {n % 3}", deal=deals[n % 3] if n % 2 else None, customer=None, company=None, assigned_user=(rep, admin)[n % 2],
                    priority=("LOW", "HIGH")[n % 2], due_date=timezone.now() + dt.timedelta(days=n % 4) if n % 3 else None)
        InteractionFactory(customer=people[n % 4], deal=deals[n % 3] if n % 2 else None, user=(rep, admin)[n % 2], type_id=("CALL", "EMAIL")[n % 2],
                           subject=f"About {n % 3}", happened_at=timezone.now() - dt.timedelta(hours=n % 5))
        ProductFactory(name=f"Product {n % 4}", code=f"P{n}", family="AB"[n % 2])
    delete_record(obj=companies[3], actor=admin)
    return admin


def orders(of: str, user: User) -> list[dict[str, Any]]:
    """Return every order and grouping that a list offers."""
    fields = [f for f in entity(of).fields_for(user).values() if f.sortable and not f.custom and not f.computed]
    found: list[dict[str, Any]] = [{"sort": (f"{sign}{f.key}",)} for f in fields for sign in ("", "-")]
    first = next(iter(entity(of).sort)).lstrip("-")
    found += [{"group": f.key, "sort": (f"-{first}",)} for f in fields if f.kind in SHARED]
    return found


@pytest.mark.parametrize("of", LISTED)
@pytest.mark.parametrize(("few", "some"), [(1, 0), (30, 0), (1, 5)])
def test_every_order_is_the_same_walked_or_sorted(boss: User, monkeypatch: pytest.MonkeyPatch, of: str, few: int, some: int) -> None:
    monkeypatch.setattr(walk, "FEW", few)
    monkeypatch.setattr(walk, "SOME", some)
    monkeypatch.setattr(query, "PAGE", 4)
    total = matching(ListState(entity(of), boss)).count()
    walked = 0
    for wanted in orders(of, boss):
        state = ListState(entity(of), boss, **wanted)
        sorted_at_once = list(matching(state).order_by(*ordering(state)).values_list("pk", flat=True))
        assert len(sorted_at_once) == total
        for cap in (-1, 10_000):
            monkeypatch.setattr(query, "CAP", cap)
            query._many.clear()
            found, after = [], ""
            for _page in range(total):
                part = page(state, after)
                found += [obj.pk for obj in part.rows]
                after = part.next
                if not after:
                    break
            assert found == sorted_at_once, (wanted, cap)
        walked += groups_of(state, keys_of(state)) is not None
    assert walked or of == "product"


@pytest.mark.parametrize("of", LISTED)
def test_whoever_stands_beside_a_record_is_the_same(boss: User, monkeypatch: pytest.MonkeyPatch, of: str) -> None:
    monkeypatch.setattr(walk, "FEW", 1)
    monkeypatch.setattr(walk, "SOME", 0)
    monkeypatch.setattr(query, "CAP", 12)
    for wanted in orders(of, boss):
        state = ListState(entity(of), boss, **wanted)
        rows = list(matching(state).order_by(*ordering(state)))
        query._many.clear()
        for at in (0, 1, len(rows) // 2, len(rows) - 1):
            before, after = neighbours(state, rows[at])
            assert before == (rows[at - 1].pk if at else None), (wanted, at)
            assert after == (rows[at + 1].pk if at + 1 < len(rows) else None), (wanted, at)
            assert position(state, rows[at]) == (at + 1 if at < 12 else None)


def scanned(plan: dict[str, Any]) -> set[str]:
    """Return the tables that a step of a plan reads, itself and by the steps below it."""
    return {plan.get("Relation Name", "")}.union(*(scanned(step) for step in plan.get("Plans", ())))


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every step of a plan."""
    yield plan
    for step in plan.get("Plans", ()):
        yield from steps(step)


def whole_tables(text: str, params: Any, tables: set[str]) -> list[str]:
    """Return the steps that read or sort one of the tables whole, where the planner avoids both if any index lets it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {text}", params)
        plan = cursor.fetchone()[0]
        cursor.execute("SET LOCAL enable_seqscan = on; SET LOCAL enable_sort = on; SET LOCAL enable_bitmapscan = on")
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return [
        f"{step['Node Type']} by {step.get('Sort Key')} of {scanned(step) & tables}" for step in steps(plan[0]["Plan"])
        if step["Node Type"] in ("Sort", "Seq Scan") and scanned(step) & tables
    ]


@pytest.mark.parametrize("of", [name for name in LISTED if name != "product"])
def test_an_index_serves_every_order_that_a_list_shows(boss: User, monkeypatch: pytest.MonkeyPatch, of: str) -> None:
    """By each of its columns, up and down, from the first row and from one in the middle: no step sorts a table."""
    monkeypatch.setattr(walk, "FEW", 1)
    monkeypatch.setattr(walk, "SOME", -1)
    monkeypatch.setattr(query, "CAP", -1)
    asked: list[tuple[str, Any]] = []
    tables = {entity(name).model._meta.db_table for name in LISTED if name != "product"}

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    plain = ListState(entity(of), boss)
    columns = [f.key for f in plain.shown if f.sortable and not f.computed]
    assert len(columns) >= 3
    for wanted in [*entity(of).sort, *(f"{sign}{key}" for key in columns for sign in ("", "-"))]:
        state = ListState(entity(of), boss, sort=(wanted,))
        keys = keys_of(state)
        rows = list(matching(state).order_by(*ordering(state)).values_list(*(k.value for k in keys[:-1]), "pk"))
        for start in (None, rows[len(rows) // 2]):
            asked.clear()
            with connection.execute_wrapper(note):
                walk.after(matching(state), keys, start, 51, groups=groups_of(state, keys))
            found = [step for sql, params in asked if sql.startswith("SELECT") for step in whole_tables(sql, params, tables)]
            assert not found, (wanted, start, found)


def test_a_cursor_of_another_order_begins_anew(boss: User) -> None:
    state = ListState(entity("customer"), boss, sort=("company",))
    for text in ("", "W10", "nonsense", page(ListState(entity("customer"), boss)).next):
        assert page(state, text).rows
    assert list(itertools.islice(page(state).rows, 1))


def test_who_does_not_see_a_link_walks_no_order_that_tells_its_name(cast: Callable[[str], User], monkeypatch: pytest.MonkeyPatch) -> None:
    """Customers of hidden companies stand last, by what else the list goes by, however long it is."""
    rep, rep2 = cast("rep"), cast("rep2")
    for name in ("Zebra", "Amber", "Moss"):
        hidden, seen = CompanyFactory(name=f"{name} hidden", assigned_user=rep2), CompanyFactory(name=f"{name} seen", assigned_user=rep)
        for company in (hidden, seen, None):
            CustomerFactory.create_batch(3, company=company, assigned_user=rep)
    monkeypatch.setattr(query, "PAGE", 4)
    for sort in ("company", "-company"):
        state = ListState(entity("customer"), rep, sort=(sort,))
        rows = list(matching(state).order_by(*ordering(state)).values_list("pk", flat=True))
        for cap in (-1, 10_000):
            monkeypatch.setattr(query, "CAP", cap)
            query._many.clear()
            found, after = [], ""
            while True:
                part = page(state, after)
                found += [obj.pk for obj in part.rows]
                after = part.next
                if not after:
                    break
            assert found == rows, (sort, cap)
