"""Sharing single records with people and teams, and telling who sees what and why."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.access.policy import allows, visible_to
from crm.access.reasons import explain, who_sees
from crm.access.rights import forget_rights
from crm.access.services import share_record, shares_of, unshare_record
from crm.accounts.models import RolePermission, User
from crm.accounts.tests.factories import RoleFactory, TeamFactory, UserFactory
from crm.lib.errors import Conflict, Denied, Invalid, Missing
from customers.models import Customer
from customers.tests.factories import CustomerFactory
from sales.tests.factories import ProductFactory

pytestmark = pytest.mark.django_db
EVERYDAY = {("customer", a): "own" for a in ("view", "change", "delete", "share")}


@pytest.fixture
def owner() -> User:
    return UserFactory(role=RoleFactory(may=EVERYDAY))


def whys(user: User, obj: Any, action: str = "view") -> set[str]:
    return {r.why for r in explain(User.objects.get(pk=user.pk), obj) if r.action == action}


def test_a_share_with_a_person_shows_this_record_and_no_other(owner: User) -> None:
    customer, _other = CustomerFactory.create_batch(2, assigned_user=owner)
    guest = UserFactory()
    assert not visible_to(guest, Customer).exists()
    share_record(obj=customer, user=guest, actor=owner)
    assert list(visible_to(guest, Customer)) == [customer]
    assert not allows(guest, "change", customer)
    share_record(obj=customer, user=guest, may_change=True, actor=owner)
    assert allows(guest, "change", customer)
    assert not allows(guest, "delete", customer)
    assert [(s.user, s.may_change) for s in shares_of(customer)] == [(guest, True)]
    share_record(obj=customer, user=guest, actor=owner)
    assert not allows(guest, "change", customer), "sharing again sets the level anew"
    assert unshare_record(obj=customer, user=guest, actor=guest), "one may leave by oneself"
    assert not unshare_record(obj=customer, user=guest, actor=owner)
    assert not visible_to(guest, Customer).exists()


def test_a_share_with_a_team_reaches_its_members_and_the_teams_below(owner: User) -> None:
    top = TeamFactory(group=None)
    below = TeamFactory(parent=top)
    member, under = UserFactory(team=top), UserFactory(team=below)
    beside = UserFactory(team=TeamFactory())
    customer = CustomerFactory(assigned_user=owner)
    share_record(obj=customer, team=top, actor=owner)
    for user in (member, under, beside):
        forget_rights(user)
    assert allows(member, "view", customer)
    assert allows(under, "view", customer)
    assert not allows(beside, "view", customer)
    assert whys(under, customer) == {"shared_with_team"}


def test_only_who_may_share_shares_and_nobody_gives_more_than_he_has(owner: User) -> None:
    customer = CustomerFactory(assigned_user=owner)
    guest, stranger = UserFactory(), UserFactory()
    with pytest.raises(Missing):
        share_record(obj=customer, user=guest, actor=stranger)
    share_record(obj=customer, user=guest, actor=owner)
    with pytest.raises(Denied):
        share_record(obj=customer, user=stranger, actor=guest)
    RolePermission.objects.filter(role=owner.role, action="change").update(scope="none")
    forget_rights(owner)
    with pytest.raises(Denied):
        share_record(obj=customer, user=guest, may_change=True, actor=owner)
    with pytest.raises(Invalid):
        share_record(obj=customer, actor=owner)
    with pytest.raises(Invalid):
        share_record(obj=customer, user=UserFactory(is_active=False), actor=owner)
    with pytest.raises(Conflict):
        share_record(obj=ProductFactory(), user=guest, actor=owner)


def test_every_reason_is_told() -> None:
    top = TeamFactory()
    below = TeamFactory(parent=top)
    lead = UserFactory(team=top, role=RoleFactory(may={("customer", "view"): "tree", ("customer", "change"): "team"}))
    mate, report = UserFactory(team=top), UserFactory(team=below)
    analyst = UserFactory(role=RoleFactory(parent=RoleFactory(name="Base", may={("customer", "view"): "all"})))
    boss = UserFactory(role=RoleFactory(is_admin=True))
    mine, mates, reports = (CustomerFactory(assigned_user=u) for u in (lead, mate, report))
    assert whys(lead, mine) == {"own"}
    assert (whys(lead, mates), whys(lead, mates, "change")) == ({"team"}, {"team"})
    assert (whys(lead, reports), whys(lead, reports, "change")) == ({"tree"}, set())
    assert whys(analyst, mine) == {"all"}
    assert "inherited from Base" in explain(analyst, mine)[0].text
    assert whys(boss, mine) == {"admin"}
    assert whys(UserFactory(), mine) == set()
    assert {s.user for s in who_sees(mine)[0]} == {lead, analyst, boss}


def test_a_condition_narrows_and_is_told() -> None:
    role = RoleFactory(may={("customer", "view"): "all"})
    role.permissions.update(condition={"field": "status", "op": "is", "value": "CUSTOMER"})
    user = UserFactory(role=role)
    lead, customer = CustomerFactory(), CustomerFactory(status="CUSTOMER")
    assert list(visible_to(user, Customer)) == [customer]
    assert whys(user, lead) == set()
    assert "condition" in explain(user, customer)[0].text
    role.permissions.update(condition={"all": [{"field": "assigned_user", "op": "is_me"}]})
    forget_rights(user)
    own = CustomerFactory(assigned_user=user)
    assert list(visible_to(user, Customer)) == [own]


def test_asking_about_many_people_takes_no_more_statements() -> None:
    """The rights of all of them are read in one."""
    role = RoleFactory(may={("customer", "view"): "all"})
    customer = CustomerFactory(assigned_user=UserFactory(role=role))

    def asked() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as seen:
            found, _more = who_sees(customer)
        return len(seen), len(found)

    few, one = asked()
    UserFactory.create_batch(20, role=role, team=TeamFactory())
    assert asked() == (few, one + 20)
