"""Every tree means the same in SQL as when it is evaluated naively, row by row."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.access.policy import SYSTEM
from crm.accounts.tests.factories import RoleFactory, TeamFactory, UserFactory
from crm.criteria import compile_criteria, describe, matches, validate
from crm.criteria.tests.naive import Naive
from crm.records.models import CustomField
from crm.records.services.customfields import create_custom_field
from crm.records.tests.factories import TagFactory
from customers.models import Customer
from customers.tests.factories import CompanyFactory, CustomerFactory
from sales.models import Deal
from sales.tests.factories import DealFactory, StageFactory

NOW = dt.datetime(2026, 3, 10, 2, 30, tzinfo=dt.UTC)  # still the 9th in New York, the day after its clocks changed
ZONE = "America/New_York"
CUSTOM = {"size": "number", "day": "date", "at": "datetime", "flag": "boolean", "color": "choice", "labels": "multi_choice",
          "word": "text"}
KINDS = {
    "Customer": {
        "first_name": "text", "email": "text", "status": "choice", "score": "number", "lifetime_value": "number",
        "birthday": "date", "created_at": "moment", "is_active": "boolean", "assigned_user": "user", "company": "link",
        "tags": "tags", "custom.size": "number", "custom.day": "date", "custom.at": "moment", "custom.flag": "boolean",
        "custom.color": "choice", "custom.labels": "choices", "custom.word": "text",
    },
    "Deal": {"title": "text", "value": "number", "expected_close_date": "date", "outcome": "choice", "assigned_user": "user"},
}
TEXTS = ["Zoë", "zoe", "ZO", "%", "_", "\\", "O'Brien", "é", "straße", "a%b", "x", "Ann Lee", "["]
NUMBERS = ["0", "5", "-3", "10.5", "70", "100", "99999999"]
DATES = ["2026-03-09", "2026-03-10", "2026-03-08", "2025-12-31", "2026-02-28", "2024-02-29", "2026-03-10T02:30:00Z",
         "2026-03-08T06:59:59+00:00", "2026-03-09T04:00:00Z"]
VALUES = {"status": ["LEAD", "PROSPECT", "CUSTOMER", "INACTIVE"], "custom.color": ["red", "blue"], "outcome": ["open", "won"],
          "custom.labels": ["a", "b", "c"], "tags": ["vip", "Cold"]}

relative = st.one_of(
    st.sampled_from(["now", "today", "yesterday", "tomorrow"]).map(lambda w: {"relative": w}),
    st.builds(lambda w, n, u: {"relative": w, "n": n, "unit": u}, st.sampled_from(["last", "next"]), st.integers(1, 40),
              st.sampled_from(["day", "week", "month", "quarter", "year"])),
    st.builds(lambda w, u: {"relative": w, "unit": u}, st.sampled_from(["this", "last", "next"]),
              st.sampled_from(["day", "week", "month", "quarter", "year"])),
)
age = st.builds(lambda n, u: {"n": n, "unit": u}, st.integers(1, 30), st.sampled_from(["day", "week", "month", "quarter", "year"]))
OPS = {
    "text": ["is", "is_not", "contains", "not_contains", "starts_with", "ends_with", "is_any_of", "is_none_of"],
    "number": ["is", "is_not", "lt", "lte", "gt", "gte", "between", "is_any_of", "is_none_of"],
    "date": ["on", "in", "before", "after", "on_or_before", "on_or_after", "between", "is_not", "older_than", "newer_than"],
    "choice": ["is", "is_not", "is_any_of", "is_none_of"],
    "boolean": ["is", "is_not"],
    "choices": ["has_any", "has_all", "has_none"],
    "link": ["is", "is_not", "is_any_of", "is_none_of"],
    "user": ["is", "is_not", "is_any_of", "is_none_of", "is_me", "in_my_team"],
}
OPS["moment"], OPS["tags"] = OPS["date"], OPS["choices"]


def single(kind: str, field: str, world: "World") -> st.SearchStrategy[Any]:
    if kind in ("date", "moment"):
        return st.one_of(st.sampled_from(DATES), relative)
    pool: dict[str, list[Any]] = {"text": TEXTS, "number": NUMBERS, "boolean": [True, False], "user": [*world.users, "me"],
                                  "link": world.companies}
    return st.sampled_from(pool.get(kind) or VALUES[field])


def clause(model: str, world: "World") -> st.SearchStrategy[dict[str, Any]]:
    def of(field: str) -> st.SearchStrategy[dict[str, Any]]:
        kind = KINDS[model][field]
        one = single(kind, field, world)

        def with_op(op: str) -> st.SearchStrategy[dict[str, Any]]:
            value = one
            if op in ("is_empty", "is_not_empty", "is_me", "in_my_team"):
                return st.just({"field": field, "op": op})
            if op in ("older_than", "newer_than"):
                value = age
            elif op == "between":
                value = st.lists(one, min_size=2, max_size=2)
            elif op in ("is_any_of", "is_none_of", "has_any", "has_all", "has_none"):
                value = st.lists(one, min_size=1, max_size=3)
            return value.map(lambda v: {"field": field, "op": op, "value": v})

        return st.sampled_from([*OPS[kind], "is_empty", "is_not_empty"]).flatmap(with_op)

    return st.sampled_from(sorted(KINDS[model])).flatmap(of)


def related(world: "World") -> st.SearchStrategy[dict[str, Any]]:
    where = st.one_of(st.just({}), clause("Deal", world).map(lambda c: {"where": c}))
    more = st.one_of(
        st.just({}),
        st.builds(lambda o, n: {"count": {"op": o, "value": n}},
                  st.sampled_from(["at_least", "at_most", "exactly", "more_than", "fewer_than"]), st.integers(0, 3)),
        st.builds(lambda m, o, v: {m: "value", "op": o, "value": v}, st.sampled_from(["sum", "avg", "max"]),
                  st.sampled_from(["gt", "lte", "is", "is_not"]), st.sampled_from(NUMBERS)),
    )
    return st.builds(lambda a, b: {"related": "deals", **a, **b}, where, more)


def tree(world: "World") -> st.SearchStrategy[dict[str, Any]]:
    leaf = st.one_of(clause("Customer", world), clause("Customer", world), related(world))
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda i: {"all": i}),
            st.lists(inner, min_size=1, max_size=3).map(lambda i: {"any": i}),
            inner.map(lambda i: {"not": i}),
        ),
        max_leaves=6,
    )


class World:
    """A few customers that differ in everything."""

    def __init__(self) -> None:
        team = TeamFactory()
        role = RoleFactory(may={(e, "view"): "all" for e in ("customer", "deal", "company")})
        self.viewer = UserFactory(role=role, team=team, time_zone=ZONE)
        mate, other = UserFactory(team=team), UserFactory()
        self.team = {self.viewer.pk, mate.pk}
        companies = CompanyFactory.create_batch(2)
        self.users, self.companies = [str(u.pk) for u in (self.viewer, mate, other)], [str(c.pk) for c in companies]
        vip, cold = TagFactory(name="vip"), TagFactory(name="Cold")
        for key, kind in CUSTOM.items():
            choices = [{"value": v} for v in VALUES.get(f"custom.{key}", [])]
            create_custom_field(data={"entity": "customer", "key": key, "label": key, "kind": kind, "choices": choices}, actor=SYSTEM)
        stage, won = StageFactory(), StageFactory(outcome="won")
        bad = {"size": "many", "day": "2026-13-45", "at": "never", "flag": "maybe", "color": ["red"], "labels": "a", "word": 5}
        good = {"size": "10.5", "day": "2026-03-09", "at": "2026-03-10T02:30:00Z", "flag": True, "color": "red",
                "labels": ["a", "b"], "word": "Straße 5%"}
        rows: list[dict[str, Any]] = [
            {"first_name": "Zoë", "email": None, "last_name": "x", "custom": good, "tags": [vip], "birthday": dt.date(2026, 3, 9)},
            {"first_name": "zoe", "score": 5, "company": companies[0], "assigned_user": self.viewer, "tags": [vip, cold]},
            {"first_name": "100%_\\", "score": -3, "status": "PROSPECT", "custom": bad, "birthday": dt.date(2024, 2, 29)},
            {"first_name": "", "is_active": False, "lifetime_value": "10.50", "assigned_user": mate, "status": "CUSTOMER",
             "custom": {"size": "5", "flag": False, "labels": ["c"], "color": "blue", "word": ""}},
            {"first_name": "a%b", "company": companies[1], "assigned_user": other, "birthday": dt.date(2026, 3, 10),
             "custom": {"size": "", "labels": [], "day": "2026-02-28", "at": "2026-03-09T03:59:59.999999Z", "word": None}},
        ]
        self.customers = []
        made = [NOW, NOW - dt.timedelta(hours=3), NOW + dt.timedelta(days=20), NOW - dt.timedelta(days=400),
                dt.datetime(2026, 3, 8, 6, 59, 59, tzinfo=dt.UTC)]
        for values, at in zip(rows, made, strict=True):
            row = CustomerFactory(**values)
            Customer.objects.filter(pk=row.pk).update(created_at=at)
            self.customers.append(Customer.objects.get(pk=row.pk))
        for who, value, close, at_stage, owner in (
            (1, 5, "2026-03-09", stage, self.viewer), (1, 65, None, won, None), (3, 100, "2025-12-31", stage, mate),
        ):
            DealFactory(customer=self.customers[who], value=value, expected_close_date=close, stage=at_stage, assigned_user=owner)
        DealFactory(customer=self.customers[0], deleted_at=NOW)
        deals: dict[Any, list[Any]] = {}
        for deal in Deal.objects.all():
            deals.setdefault(deal.customer_id, []).append(deal)
        self.naive = Naive(NOW, ZONE, self.viewer.pk, self.team, KINDS, {"deals": lambda c: deals.get(c.pk, [])})


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_sql_means_what_the_naive_evaluation_says() -> None:
    world = World()

    @settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(tree(world))
    def check(asked: dict[str, Any]) -> None:
        condition = compile_criteria(asked, Customer, world.viewer)
        found = {c.pk for c in Customer.objects.filter(condition)}
        assert found == {c.pk for c in world.customers if world.naive.holds(asked, c)}
        assert Customer.objects.filter(condition).count() == len(found), "no row twice"

    check()


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
def test_every_tree_has_a_sentence_and_one_record_answers_like_the_list() -> None:
    world = World()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(tree(world))
    def check(asked: dict[str, Any]) -> None:
        checked = validate(asked, Customer, world.viewer)
        assert validate(checked, Customer, world.viewer) == checked
        sentence = describe(asked, Customer, world.viewer)
        assert sentence
        assert sentence == sentence.strip()
        assert "None" not in sentence
        assert "{" not in sentence
        first = world.customers[0]
        assert matches(first, asked, world.viewer) == world.naive.holds(asked, first)

    check()


def test_the_kinds_cover_every_kind_of_custom_field() -> None:
    left = set(CustomField.Kind.values) - set(CUSTOM.values())
    assert left == {"long_text", "money", "url", "email", "phone", "user", "link"}, "same types as others"
