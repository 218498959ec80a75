"""Custom fields: defined once, there at once, and steady while records depend on them."""

from typing import Any

import pytest

from crm.access.policy import SYSTEM
from crm.accounts.tests.factories import UserFactory
from crm.criteria import compile_criteria
from crm.lib.errors import Conflict, Denied, Invalid
from crm.records.entity import entity
from crm.records.services import create_record, delete_record, update_record
from crm.records.services.customfields import (
    archive_custom_field,
    create_custom_field,
    unarchive_custom_field,
    update_custom_field,
)
from customers.models import Customer
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


def define(**data: Any) -> Any:
    return create_custom_field(data={"entity": "customer", "key": "size", "label": "Size", "kind": "number", **data}, actor=SYSTEM)


@pytest.mark.parametrize(
    ("kind", "extra", "given", "stored", "odd"),
    [
        ("text", {"max_length": 5}, " abc ", "abc", "toolong"), ("long_text", {}, "a\r\nb", "a\nb", "\x00"),
        ("number", {"min_value": 1}, "1e2", "100", "0"), ("money", {}, "5", "5.00", "5.001"), ("date", {}, "2026-02-28", "2026-02-28", "2026-02-30"),
        ("datetime", {}, "2026-01-01T00:00:00+02:00", "2025-12-31T22:00:00Z", "noon"), ("boolean", {}, "yes", True, "maybe"),
        ("choice", {"choices": ["S", {"value": "L", "label": "Large"}]}, "large", "L", "M"),
        ("multi_choice", {"choices": ["a", "b"]}, ["b", "a"], ["b", "a"], ["c"]), ("url", {}, "https://x.example/", "https://x.example/", "javascript:x"),
        ("email", {}, "A@X.Example", "A@x.example", "x"), ("phone", {}, "+1 415 555 0100", "+14155550100", "none"),
    ],
)
def test_every_kind_is_checked_stored_and_asked_about(kind: str, extra: dict[str, Any], given: Any, stored: Any, odd: Any) -> None:
    define(kind=kind, **extra)
    customer = create_record(of="customer", data={"last_name": "X", "custom": {"size": given}}, actor=SYSTEM)
    CustomerFactory()
    assert customer.custom == {"size": stored}
    with pytest.raises(Invalid) as refused:
        update_record(obj=customer, data={"custom": {"size": odd}}, actor=SYSTEM)
    assert refused.value.details[0].field == "custom.size"
    tree = {"field": "custom.size", "op": "is_not_empty"}
    assert list(Customer.objects.filter(compile_criteria(tree, Customer, SYSTEM))) == [customer]
    assert update_record(obj=customer, data={"custom": {"size": None}}, actor=SYSTEM).custom == {}


def test_links_and_users_are_asked_about_by_containment() -> None:
    friend, user = CustomerFactory(), UserFactory()
    define(key="friend", kind="link", link_entity="customer")
    define(key="helper", kind="user")
    customer = create_record(of="customer", data={"last_name": "X", "custom": {"friend": str(friend.pk), "helper": user.email}}, actor=SYSTEM)
    assert customer.custom == {"friend": str(friend.pk), "helper": str(user.pk)}
    condition = compile_criteria({"all": [{"field": "custom.friend", "op": "is", "value": str(friend.pk)},
                                          {"field": "custom.helper", "op": "is_me"}]}, Customer, user, trusted=True)
    found = Customer.objects.filter(condition)
    assert list(found) == [customer]
    assert "@>" in str(found.query), "the index on custom answers"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"key": "email"}, "key"), ({"key": "2x"}, "key"), ({"key": "a b"}, "key"), ({"key": "Größe"}, "key"), ({"entity": "ghost"}, "entity"),
        ({"entity": "stage"}, "entity"), ({"kind": "choice"}, "choices"), ({"kind": "choice", "choices": "a"}, "choices"),
        ({"kind": "choice", "choices": ["a", "A"]}, "choices.1"), ({"kind": "choice", "choices": [{"value": 5}]}, "choices.0"),
        ({"kind": "choice", "choices": [{"value": "a", "onclick": "x"}]}, "choices.0"), ({"choices": ["a"]}, "choices"),
        ({"kind": "choice", "choices": [{"value": "a", "hue": "url(x)"}]}, "choices.0"), ({"kind": "link"}, "link_entity"),
        ({"kind": "link", "link_entity": "ghost"}, "link_entity"), ({"max_length": 5}, "max_length"), ({"kind": "text", "min_value": 1}, "min_value"),
        ({"min_value": 2, "max_value": 1}, "max_value"), ({"kind": "json"}, "kind"), ({"label": ""}, "label"),
    ],
)
def test_a_definition_that_does_not_hold_together_is_refused(data: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        define(**data)
    assert field in [d.field for d in refused.value.details]


def test_a_key_is_there_once_and_only_administrators_define() -> None:
    define()
    with pytest.raises(Conflict):
        define(label="Again")
    with pytest.raises(Denied):
        create_custom_field(data={"entity": "deal", "key": "x", "label": "X", "kind": "text"}, actor=UserFactory())


def test_what_records_depend_on_stays() -> None:
    field = define()
    assert update_custom_field(field=field, data={"kind": "text"}, actor=SYSTEM).kind == "text"
    customer = create_record(of="customer", data={"last_name": "X", "custom": {"size": "5"}}, actor=SYSTEM)
    for data in ({"kind": "number"}, {"key": "other"}, {"entity": "deal"}):
        with pytest.raises(Invalid):
            update_custom_field(field=field, data=data, actor=SYSTEM)
    assert update_custom_field(field=field, data={"label": "Largeness"}, actor=SYSTEM).label == "Largeness"
    with pytest.raises(Conflict):
        delete_record(obj=field, actor=SYSTEM)
    archive_custom_field(field=field, actor=SYSTEM)
    assert entity("customer").field("custom.size") is None
    with pytest.raises(Invalid):
        update_record(obj=customer, data={"custom": {"size": "6"}}, actor=SYSTEM)
    unarchive_custom_field(field=field, actor=SYSTEM)
    assert update_record(obj=customer, data={"custom": {"size": "6"}}, actor=SYSTEM).custom == {"size": "6"}
    update_record(obj=customer, data={"custom": {"size": ""}}, actor=SYSTEM)
    delete_record(obj=field, actor=SYSTEM)
    assert entity("customer").field("custom.size") is None
