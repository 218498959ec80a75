"""What cannot be asked is refused with its path, and never reaches the database (QI-01 to QI-10)."""

import json
from typing import Any

import pytest

from crm.access.policy import SYSTEM
from crm.accounts.tests.factories import RoleFactory, UserFactory
from crm.criteria import compile_criteria, validate
from crm.criteria.tree import MAX_DEPTH
from crm.lib.errors import Invalid
from customers.models import Customer
from customers.tests.factories import CompanyFactory, CustomerFactory
from sales.models import Deal
from sales.tests.factories import DealFactory

pytestmark = pytest.mark.django_db


def path_of(tree: Any, viewer: Any = SYSTEM, model: Any = Customer) -> str:
    with pytest.raises(Invalid) as caught:
        validate(tree, model, viewer)
    assert caught.value.details[0].message
    return caught.value.details[0].field


def is_(field: str, value: Any, op: str = "is") -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ([], ""),
        ("status", ""),
        ({}, ""),
        ({"version": 2, **is_("status", "LEAD")}, "version"),
        ({"version": "1", **is_("status", "LEAD")}, "version"),
        ({"version": True, **is_("status", "LEAD")}, "version"),
        ({"version": 0, **is_("status", "LEAD")}, "version"),
        ({"all": []}, "all"),
        ({"any": {}}, "any"),
        ({"all": [is_("status", "LEAD"), {"any": []}]}, "all.1.any"),
        ({"all": [is_("status", "LEAD")], "any": [is_("status", "LEAD")]}, ""),
        ({"all": [is_("status", "LEAD")], "limit": 5}, "limit"),
        ({"all": [is_("statuss", "LEAD")]}, "all.0.field"),
        ({"all": [is_("status", "LEAD", "=")]}, "all.0.op"),
        ({"all": [is_("status", "LEAD", ["is"])]}, "all.0.op"),
        ({"all": [is_("status", "GHOST")]}, "all.0.value"),
        ({"all": [is_("status", ["LEAD"])]}, "all.0.value"),
        ({"all": [is_("status", "LEAD", "is_any_of")]}, "all.0.value"),
        ({"all": [is_("status", [], "is_any_of")]}, "all.0.value"),
        ({"field": "status", "op": "is", "value": "LEAD", "extra": 1}, "extra"),
        ({"field": "status", "op": "is_empty", "value": "x"}, "value"),
        ({"not": {"all": [is_("score", "many")]}}, "not.all.0.value"),
        ({"related": "ghosts"}, "related"),
        ({"related": "deals", "where": is_("ghost", 1)}, "where.field"),
        ({"related": "deals", "count": {"op": "at_least", "value": -1}}, "count.value"),
        ({"related": "deals", "count": {"op": ">=", "value": 1}}, "count.op"),
        ({"related": "deals", "count": {"op": "at_least", "value": 10**9}}, "count.value"),
        ({"related": "deals", "sum": "title", "op": "gt", "value": 1}, "sum"),
        ({"related": "deals", "sum": "value", "op": "contains", "value": 1}, "op"),
        ({"related": "deals", "sum": "value", "op": "gt", "value": 1, "count": {"op": "exactly", "value": 1}}, "count"),
    ],
)
def test_a_malformed_tree_is_refused_with_its_path(tree: Any, path: str) -> None:
    assert path_of(tree) == path


@pytest.mark.parametrize(
    "name",
    [
        "name;SELECT pg_sleep(5)--", "(CASE WHEN 1=1 THEN 1 END)", "assigned_user__password__startswith",
        "assigned_user.password", "company__name", "pk__in", "_connector", "password", "search_text", "deleted_at",
        "custom", "custom.ghost", "address", "address.ghost", "tags__name", "created_by", "version", "", None, 5, ["name"],
        {"name": 1}, "a" * 10_000, "\x00", "\ud800", "company.parent.ghost", "company.", ".name",
    ],
)
def test_orm_paths_and_sql_are_unknown_fields(name: Any) -> None:
    assert path_of({"all": [is_(name, "x")]}) == "all.0.field"


@pytest.mark.parametrize("op", ["is; DROP TABLE", "regex", "startswith", "__in", "IS", "isnull", None, 1, {}])
def test_unknown_operators_are_refused(op: Any) -> None:
    assert path_of({"all": [{"field": "first_name", "op": op, "value": "x"}]}) == "all.0.op"


ODD = ["\x00", "a\ud800", "9" * 5000, 10**5000, float("inf"), float("nan"), "1e400", "0x10", "١٢", "", None, [], {},
       [[1]], {"relative": "today"}, True, "0000-01-01", "2024-02-30", "999999999-01-01", "2024-13-01", "x" * 100_000]


@pytest.mark.parametrize("field", ["score", "lifetime_value", "birthday", "created_at", "status", "assigned_user", "company",
                                   "tags", "is_active", "first_name"])
def test_odd_values_are_refused_or_answered_but_never_break(field: str) -> None:
    for op in ("is", "gt", "contains", "has_any", "between", "is_any_of", "on", "older_than"):
        for given in (g for value in ODD for g in (value, [value], [value, value])):
            try:
                condition = compile_criteria({"all": [is_(field, given, op)]}, Customer, SYSTEM)
            except Invalid as refusal:
                assert refusal.details[0].field.startswith("all.0")
            else:
                Customer.objects.filter(condition).count()


@pytest.mark.parametrize(
    "value",
    [
        {"relative": "ever"}, {"relative": "today", "unit": "day"}, {"relative": "last", "n": 0, "unit": "day"},
        {"relative": "last", "n": 10**9, "unit": "year"}, {"relative": "last", "n": True, "unit": "day"},
        {"relative": "last", "n": 1, "unit": "day'; --"}, {"relative": "this", "n": 1, "unit": "day"},
        {"relative": "next", "unit": "decade"}, {"relative": "last", "n": "3", "unit": "day"}, {"n": 1, "unit": "day"},
        {"relative": "today", "zone": "UTC"},
    ],
)
def test_odd_relative_dates_are_refused(value: Any) -> None:
    assert path_of({"all": [is_("created_at", value, "in")]}) == "all.0.value"


def test_depth_and_size_are_limited() -> None:
    tree: Any = is_("status", "LEAD")
    for _level in range(MAX_DEPTH - 1):
        tree = {"not": tree}
    validate(tree, Customer, SYSTEM)
    assert path_of({"not": tree}).startswith("not.not")
    deep: Any = is_("status", "LEAD")
    for _level in range(20_000):
        deep = {"all": [deep]}
    assert path_of(deep).startswith("all.0.all")
    assert path_of({"all": [is_("status", "LEAD")] * 201}) == "all.200"
    validate({"all": [is_("status", "LEAD")] * 200}, Customer, SYSTEM)
    assert path_of({"all": [is_("score", list(range(501)), "is_any_of")]}) == "all.0.value"
    assert path_of({"all": [is_("first_name", "x" * 1001)]}) == "all.0.value"


def test_a_checked_tree_is_plain_json_and_stays_the_same() -> None:
    tree = {"all": [is_("score", 5, "gt"), is_("created_at", {"relative": "last", "n": 2, "unit": "week"}, "in"),
                    is_("company.name", "acme", "contains")]}
    once = validate(tree, Customer, SYSTEM)
    assert json.loads(json.dumps(once)) == once
    assert validate(once, Customer, SYSTEM) == once
    assert once["version"] == 1


def test_a_hidden_field_is_an_unknown_field_on_every_way() -> None:
    role = RoleFactory(may={("customer", "view"): "all", ("deal", "view"): "all", ("company", "view"): "all"},
                       fields={("customer", "email"): "hidden", ("deal", "value"): "hidden", ("deal", "customer"): "hidden"})
    viewer = UserFactory(role=role)
    assert path_of({"all": [is_("email", "a@b.example")]}, viewer) == "all.0.field"
    assert path_of({"all": [is_("name", "a@b.example", "contains")]}, viewer) == "all.0.field", "made of the address"
    assert path_of({"all": [is_("customer.email", "a@b.example")]}, viewer, Deal) == "all.0.field"
    assert path_of({"all": [{"related": "deals"}]}, viewer) == "all.0.related", "the link back is hidden"
    assert path_of({"related": "deals", "sum": "value", "op": "gt", "value": 1}, viewer, CompanyFactory._meta.model) == "sum"
    validate(is_("first_name", "A"), Customer, viewer)


def test_invisible_related_records_do_not_count_and_cannot_be_named() -> None:
    role = RoleFactory(may={("customer", "view"): "all", ("deal", "view"): "own", ("company", "view"): "own"})
    viewer = UserFactory(role=role)
    company = CompanyFactory()
    customer = CustomerFactory(company=company)
    DealFactory(customer=customer, value=500)
    mine = DealFactory(assigned_user=viewer, value=70)

    def found(tree: Any) -> list[Any]:
        return list(Customer.objects.filter(compile_criteria(tree, Customer, viewer)))

    assert found({"related": "deals"}) == [mine.customer]
    assert found({"related": "deals", "sum": "value", "op": "gte", "value": 100}) == []
    assert found({"related": "deals", "count": {"op": "exactly", "value": 0}}) == [customer]
    assert found({"related": "company"}) == []
    assert path_of(is_("company", str(company.pk)), viewer) == "value", "as if it did not exist"
    assert path_of(is_("company", "0192f000-0000-7000-8000-000000000000"), viewer) == "value"
    assert found(is_("company.name", company.name)) == []
