"""Who may do what to whom: invitations, roles, deactivation, the last administrator."""

import threading
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from crm.access.policy import SYSTEM
from crm.access.rights import forget_rights, rights_of
from crm.accounts.models import Invitation, Role, RolePermission, Team, User
from crm.activity.models import ActivityLog
from crm.jobs.models import Job
from crm.lib.errors import Conflict, Denied, Invalid, Missing, Refusal
from crm.records.services import create_record, delete_record, update_record
from crm.workspace.services.roles import set_field_rights, set_permissions
from crm.workspace.services.setup import ensure_reference_data
from crm.workspace.services.users import (
    belongings,
    change_role,
    deactivate_user,
    invite_again,
    invite_user,
    reactivate_user,
)
from customers.models import Customer

pytestmark = pytest.mark.django_db


def role(code: str) -> Role:
    return Role.objects.get(code=code)


@pytest.fixture
def deputy(make_user: Any) -> User:
    """Return someone who manages users and roles without being an administrator."""
    made = Role.objects.create(code="DEPUTY", name="Deputy", parent=role("SALES_MANAGER"))
    for entity, actions in {"user": ("view", "create", "change", "delete", "manage"), "role": ("create", "change", "delete")}.items():
        for action in actions:
            RolePermission.objects.create(role=made, entity=entity, action=action, scope="all")
    user: User = make_user(made, email="deputy@example.com")
    return user


def test_reference_data_is_made_once_and_not_made_again(admin: User) -> None:
    RolePermission.objects.filter(role=role("SUPPORT")).delete()
    before = Role.objects.count(), RolePermission.objects.count()
    ensure_reference_data()
    assert (Role.objects.count(), RolePermission.objects.count()) == before


@pytest.mark.parametrize("who", ["manager", "rep", "support", "marketing", "readonly"])
def test_only_those_who_manage_users_touch_others(cast: Any, who: str) -> None:
    actor, other = cast(who), cast("rep2")
    with pytest.raises(Denied):
        invite_user(actor=actor, email="x@example.com", role=role("READ_ONLY"))
    with pytest.raises(Denied):
        update_record(obj=other, data={"first_name": "X"}, actor=actor)
    with pytest.raises(Denied):
        deactivate_user(user=other, actor=actor)
    with pytest.raises(Denied):
        set_permissions(role=role("SALES_REP"), cells=[], actor=actor)


@pytest.mark.parametrize("field", ["role", "team", "email", "department"])
def test_own_row_only_the_profile(rep: User, manager: User, field: str) -> None:
    value = {
        "role": str(role("ADMIN").pk), "team": str(Team.objects.create(name="Elsewhere").pk),
        "email": "other@example.com", "department": "Board",
    }[field]
    with pytest.raises(Invalid) as refused:
        update_record(obj=rep, data={field: value}, actor=rep)
    assert [d.field for d in refused.value.details] == [field]


@pytest.mark.parametrize("name", ["is_staff", "is_superuser", "is_active", "groups", "password", "auth_epoch", "id"])
def test_unsafe_fields_are_refused_by_name(rep: User, admin: User, name: str) -> None:
    for actor in (rep, admin):
        with pytest.raises(Invalid) as refused:
            update_record(obj=rep, data={name: True}, actor=actor)
        assert refused.value.details[0].field == name


def test_own_profile(rep: User) -> None:
    update_record(obj=rep, data={"first_name": "Rosalind", "time_zone": "Europe/Berlin", "language": "de"}, actor=rep)
    rep.refresh_from_db()
    assert (rep.first_name, rep.time_zone) == ("Rosalind", "Europe/Berlin")
    with pytest.raises(Invalid):
        update_record(obj=rep, data={"time_zone": "Mars/Olympus"}, actor=rep)


def test_nobody_invites_or_lifts_above_own_rights(deputy: User, rep: User) -> None:
    assert invite_user(actor=deputy, email="ok@example.com", role=role("SALES_REP")).pk
    for act in (
        lambda: invite_user(actor=deputy, email="x@example.com", role=role("ADMIN")),
        lambda: change_role(user=rep, role=role("ADMIN"), actor=deputy),
        lambda: change_role(user=deputy, role=role("READ_ONLY"), actor=deputy),
    ):
        with pytest.raises(Refusal):
            act()


def test_a_deputy_cannot_touch_administrators(deputy: User, admin: User) -> None:
    for act in (
        lambda: deactivate_user(user=admin, actor=deputy),
        lambda: update_record(obj=admin, data={"email": "mine@example.com"}, actor=deputy),
        lambda: change_role(user=admin, role=role("READ_ONLY"), actor=deputy),
    ):
        with pytest.raises(Refusal):
            act()
    admin.refresh_from_db()
    assert admin.is_active
    assert admin.role.is_admin


def test_nobody_grants_what_he_lacks(deputy: User, admin: User) -> None:
    own, other = deputy.role, Role.objects.create(code="OTHER", name="Other")
    with pytest.raises(Denied):
        set_permissions(role=own, cells=[{"entity": "deal", "action": "view", "scope": "all"}], actor=deputy)
    with pytest.raises(Invalid) as refused:
        set_permissions(role=other, cells=[{"entity": "deal", "action": "view", "scope": "all"}], actor=deputy)
    assert refused.value.details[0].field == "permissions.0.scope"
    set_permissions(role=other, cells=[{"entity": "deal", "action": "view", "scope": "tree"}], actor=deputy)
    with pytest.raises(Invalid):
        update_record(obj=other, data={"parent": str(role("READ_ONLY").pk)}, actor=deputy)
    set_permissions(role=other, cells=[{"entity": "deal", "action": "view", "scope": "all"}], actor=admin)


def test_matrix_and_fields_are_checked(admin: User) -> None:
    other = Role.objects.create(code="OTHER", name="Other")
    for cell in (
        {"entity": "nothing", "action": "view", "scope": "all"}, {"entity": "deal", "action": "fly", "scope": "all"},
        {"entity": "product", "action": "view", "scope": "team"}, {"entity": "deal", "action": "view", "scope": "half"},
        {"entity": "deal", "action": "view", "scope": "own", "condition": {"all": []}}, "text",
    ):
        with pytest.raises(Invalid):
            set_permissions(role=other, cells=[cell], actor=admin)  # type: ignore[list-item]
    with pytest.raises(Invalid):
        set_field_rights(role=other, fields=[{"entity": "deal", "field": "nothing", "level": "hidden"}], actor=admin)
    set_field_rights(role=other, fields=[{"entity": "deal", "field": "value", "level": "hidden"}], actor=admin)
    with pytest.raises(Invalid):
        set_permissions(role=role("ADMIN"), cells=[], actor=admin)


def test_rights_follow_at_once_and_are_logged(admin: User, rep: User) -> None:
    assert rights_of(rep).may("create", "deal")
    set_permissions(role=rep.role, cells=[{"entity": "deal", "action": "view", "scope": "own"}], actor=admin)
    forget_rights(rep)
    assert not rights_of(rep).may("create", "deal")
    assert ActivityLog.objects.filter(entity="rolepermission", user_id=admin.pk).exists()


def test_roles_inherit_without_circles(admin: User) -> None:
    a = create_record(of="role", data={"code": "A", "name": "A", "parent": "SALES_REP"}, actor=admin)
    b = create_record(of="role", data={"code": "B", "name": "B", "parent": str(a.pk)}, actor=admin)
    with pytest.raises(Invalid):
        update_record(obj=a, data={"parent": str(b.pk)}, actor=admin)
    with pytest.raises(Invalid):
        create_record(of="role", data={"code": "C", "name": "C", "parent": "ADMIN"}, actor=admin)
    with pytest.raises(IntegrityError), transaction.atomic():
        Role.objects.filter(pk=a.pk).update(parent=b)
    with pytest.raises(Conflict):
        delete_record(obj=role("SUPPORT"), actor=admin)
    with pytest.raises(Conflict):
        delete_record(obj=a, actor=admin)
    delete_record(obj=b, actor=admin)


def test_teams_have_no_circles_and_a_group(admin: User) -> None:
    a = create_record(of="team", data={"name": "A"}, actor=admin)
    b = create_record(of="team", data={"name": "B", "parent": str(a.pk)}, actor=admin)
    assert a.group_id
    assert b.group_id
    with pytest.raises(Invalid):
        update_record(obj=a, data={"parent": str(b.pk)}, actor=admin)
    with pytest.raises(IntegrityError), transaction.atomic():
        Team.objects.filter(pk=a.pk).update(parent=b)


def test_the_last_administrator_stays(admin: User, rep: User) -> None:
    for act in (
        lambda: deactivate_user(user=admin, actor=SYSTEM),
        lambda: change_role(user=admin, role=role("READ_ONLY"), actor=admin),
        lambda: delete_record(obj=admin, actor=SYSTEM),
    ):
        with pytest.raises(Conflict):
            act()
    change_role(user=rep, role=role("ADMIN"), actor=admin)
    deactivate_user(user=admin, actor=User.objects.get(pk=rep.pk))


def test_the_database_keeps_an_administrator_too(admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(is_active=False)
    with pytest.raises(IntegrityError), transaction.atomic():
        connection.check_constraints()
    User.objects.filter(pk=admin.pk).update(is_active=True)


def test_handing_over(admin: User, rep: User, rep2: User) -> None:
    made = create_record(of="customer", data={"email": "c@example.com", "last_name": "C"}, actor=rep)
    assert belongings(rep).counts == {"customer": 1}
    deactivate_user(user=rep, actor=admin, successor=rep2)
    assert Customer.objects.get(pk=made.pk).assigned_user_id == rep2.pk
    assert belongings(rep).total == 0
    with pytest.raises(Invalid):
        deactivate_user(user=rep2, actor=admin, successor=rep)


def test_leaving_records_where_they_are(admin: User, rep: User) -> None:
    made = create_record(of="customer", data={"email": "c@example.com", "last_name": "C"}, actor=rep)
    deactivate_user(user=rep, actor=admin)
    assert Customer.objects.get(pk=made.pk).assigned_user_id == rep.pk
    reactivate_user(user=rep, actor=admin)


def test_people_are_deactivated_not_deleted(admin: User, make_user: Any) -> None:
    joined, invited = make_user(password="quiet-marble-otter-77"), make_user()
    with pytest.raises(Conflict):
        delete_record(obj=joined, actor=admin)
    delete_record(obj=invited, actor=admin)


def test_an_import_invites_without_mail(admin: User) -> None:
    from_page = invite_user(actor=admin, email="one@example.com", role=role("SALES_REP"))
    mailed = Job.objects.count()
    assert mailed == 1
    assert not from_page.has_usable_password()


def test_invite_again(admin: User, rep: User, deputy: User) -> None:
    user = invite_user(actor=admin, email="one@example.com", role=role("SALES_REP"))
    before = Invitation.objects.get(user=user).token_hash
    invite_again(user=user, actor=admin)
    assert Invitation.objects.get(user=user).token_hash != before
    with pytest.raises((Denied, Missing)):
        invite_again(user=user, actor=rep)


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_remove_each_other_at_once(make_user: Any) -> None:
    pair = [make_user("ADMIN", email=f"a{i}@example.com") for i in range(2)]
    start, outcomes = threading.Barrier(2), []

    def remove(actor: User, user: User) -> None:
        try:
            start.wait(5)
            deactivate_user(user=user, actor=actor)
            outcomes.append("done")
        except Refusal as refusal:
            outcomes.append(refusal.code)
        except IntegrityError:
            outcomes.append("CONFLICT")
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=args) for args in (tuple(pair), tuple(reversed(pair)))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(20)
    assert sorted(outcomes) == ["CONFLICT", "done"]
    assert User.objects.filter(is_active=True, role__is_admin=True).count() == 1
