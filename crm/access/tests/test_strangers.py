"""Silence means no: for every model there is, strangers and the deactivated find nothing (A9 to A14)."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from crm.access.policy import SYSTEM, all_policies, allows, field_rights, visible_to
from crm.access.rights import forget_rights
from crm.accounts.models import Role, RolePermission, User
from crm.accounts.tests.factories import RoleFactory, TeamFactory, UserFactory
from crm.records.entity import all_entities
from crm.records.tests.factories import CommentFactory, DocumentFactory, NoteFactory
from customers.models import Customer
from customers.tests.factories import (
    CustomerAddressFactory,
    CustomerContactFactory,
    CustomerFactory,
    RelationshipFactory,
)
from sales.tests.factories import DealContactFactory, DealProductFactory
from tasks.tests.factories import TaskFactory

pytestmark = pytest.mark.django_db
READ_BY_ALL = {"User", "Team", "Role", "Tag", "CustomField", "Workspace", "ExchangeRate", "Pipeline", "Stage", "LossReason",
               "TaskCategory", "InteractionType"}
"""What everybody who works here reads: names and choices that every form needs."""


@pytest.fixture
def filled() -> User:
    """Something in as many tables as possible, owned by someone else."""
    someone = UserFactory()
    customer = CustomerFactory(assigned_user=someone)
    for factory in (NoteFactory, CommentFactory, DocumentFactory):
        factory(record=customer)
    CustomerContactFactory(customer=customer)
    CustomerAddressFactory(customer=customer)
    RelationshipFactory()
    DealProductFactory()
    DealContactFactory()
    TaskFactory(assigned_user=someone)
    return someone


def test_every_entity_and_every_part_of_one_has_a_policy() -> None:
    policies = all_policies()
    assert [e.name for e in all_entities().values() if e.model not in policies] == []


def test_a_user_without_any_permission_sees_only_what_everybody_reads(filled: User) -> None:
    stranger = UserFactory(team=TeamFactory())
    seen = {m.__name__ for m in all_policies() if visible_to(stranger, m).exists()}
    assert seen - READ_BY_ALL == set()
    for model in all_policies():
        for action in ("change", "delete"):
            assert [r for r in visible_to(stranger, model, action) if r != stranger] == [], (model.__name__, action)


@pytest.mark.parametrize("who", ["deactivated administrator", "anonymous", "nobody"])
def test_the_deactivated_and_the_anonymous_find_nothing_at_all(who: str, filled: User) -> None:
    user: Any = {"deactivated administrator": UserFactory(role=RoleFactory(is_admin=True), is_active=False),
                 "anonymous": AnonymousUser(), "nobody": type("Nobody", (), {"pk": None})()}[who]
    for model in all_policies():
        for action in ("view", "change", "delete"):
            assert not visible_to(user, model, action).exists(), model.__name__
        assert not allows(user, "create", model)
    assert not allows(user, "view", Customer.objects.first())  # type: ignore[arg-type]


def test_scopes_cascade_down_the_tree_of_teams() -> None:
    top = TeamFactory()
    middle = TeamFactory(parent=top)
    bottom = TeamFactory(parent=middle)
    beside = TeamFactory()
    owners = {t: UserFactory(team=t) for t in (top, middle, bottom, beside)}
    customers = {t: CustomerFactory(assigned_user=u) for t, u in owners.items()}
    nobodys = CustomerFactory()
    role: Role = RoleFactory(may={("customer", "view"): "own"})
    lead = UserFactory(team=middle, role=role)
    mine = CustomerFactory(assigned_user=lead)
    expected = {"own": {mine}, "team": {mine, customers[middle]}, "tree": {mine, customers[middle], customers[bottom]},
                "all": {mine, nobodys, *customers.values()}, "none": set()}
    for scope, rows in expected.items():
        RolePermission.objects.filter(role=role).update(scope=scope)
        forget_rights(lead)
        assert set(visible_to(lead, Customer)) == rows, scope


def test_a_manager_of_a_team_reaches_it_without_being_a_member() -> None:
    lead = UserFactory(role=RoleFactory(may={("customer", "view"): "team"}))
    team = TeamFactory(manager=lead)
    customer = CustomerFactory(assigned_user=UserFactory(team=team))
    assert allows(lead, "view", customer)


def test_a_role_inherits_and_a_cell_of_its_own_replaces_the_parents() -> None:
    parent = RoleFactory(may={("customer", "view"): "all", ("customer", "change"): "all"},
                         fields={("customer", "email"): "hidden", ("customer", "phone"): "read"})
    child = RoleFactory(parent=parent, may={("customer", "change"): "none"}, fields={("customer", "email"): "write"})
    user = UserFactory(role=child)
    customer = CustomerFactory()
    assert allows(user, "view", customer)
    assert not allows(user, "change", customer)
    rights = field_rights(user, Customer)
    assert rights.can_write("email")
    assert rights.can_read("phone")
    assert not rights.can_write("phone")


def test_a_change_reaches_only_what_may_be_seen() -> None:
    user = UserFactory(role=RoleFactory(may={("customer", "view"): "own", ("customer", "change"): "all"}))
    assert not allows(user, "change", CustomerFactory())
    assert allows(user, "change", CustomerFactory(assigned_user=user))


def test_what_stands_on_a_record_follows_it() -> None:
    rep = UserFactory(role=RoleFactory(may={(e, a): "own" for e in ("customer", "note", "document") for a in ("view", "change")}))
    mine, theirs = CustomerFactory(assigned_user=rep), CustomerFactory()
    for factory in (NoteFactory, CommentFactory, DocumentFactory):
        seen, unseen = factory(record=mine), factory(record=theirs)
        signed = {"uploaded_by": rep} if factory is DocumentFactory else {"author": rep}
        own = factory(record=mine, **signed)
        lost = factory(record=theirs, **signed)
        assert set(visible_to(rep, type(seen))) == {seen, own}, "own notes on a lost record are lost with it"
        assert set(visible_to(rep, type(seen), "change")) == {own}
        assert not allows(rep, "view", unseen)
        assert not allows(rep, "view", lost)
    boss = UserFactory(role=RoleFactory(is_admin=True))
    private = NoteFactory(record=mine, is_private=True)
    assert not allows(boss, "view", private)
    assert not allows(rep, "view", private)
    assert allows(rep, "view", NoteFactory(record=mine, author=rep, is_private=True))


def test_the_application_itself_sees_everything(filled: User) -> None:
    assert visible_to(SYSTEM, Customer).count() == Customer.objects.count()
