"""The admin: every table, one log, the same rules, nothing against the policy of the pages."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin import site
from django.contrib.admin.utils import quote

from crm.accounts.models import Invitation, LoginFailure, Role, RolePermission, User
from crm.activity.models import ActivityLog, ChangeSet, LogLine
from crm.demo.service import load_demo
from crm.records.models import Note
from crm.records.services import create_record
from crm.testing.fixtures import PASSWORD
from customers.models import Customer

pytestmark = pytest.mark.django_db
OURS = [
    m for c in apps.get_app_configs() if c.name.split(".")[0] in settings.OUR_PACKAGES
    for m in c.get_models() if not m._meta.is_composite_pk
]


def where(model: Any) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


@pytest.mark.parametrize("model", OURS, ids=lambda m: m._meta.label)
def test_every_table_is_in_it(admin: User, client_for: Any, model: Any) -> None:
    client = client_for(admin)
    listed = client.get(where(model))
    assert listed.status_code == 200, listed.content[:300]
    assert not re.search(rb"<[^>]+\sstyle=|<script(?![^>]*(src=|type=\"application/json\"))", listed.content)
    assert client.get(where(model) + "add/").status_code in (200, 403)
    assert client.get(where(model) + "?q=x").status_code == 200


@pytest.mark.parametrize("who", ["manager", "rep", "support", "marketing", "readonly"])
def test_closed_to_others(cast: Any, client_for: Any, who: str) -> None:
    client = client_for(cast(who))
    for path in ("/admin/", where(User), where(Customer) + "add/"):
        assert client.get(path).status_code == 403
        assert client.post(path, {}).status_code == 403


def test_a_change_is_logged_under_its_person(admin: User, rep: User, client_for: Any) -> None:
    made = Role.objects.create(code="X", name="X")
    answer = client_for(admin).post(f"{where(Role)}{made.pk}/change/", {"code": "X", "name": "Changed"})
    assert answer.status_code == 302
    line = ActivityLog.objects.filter(entity="role", entity_id=made.pk, action="updated").first()
    assert line is not None
    assert line.user_id == admin.pk
    assert ChangeSet.objects.get(pk=line.change_set_id).source == "admin"


def test_the_log_is_read_and_not_written(admin: User, rep: User, client_for: Any, django_assert_max_num_queries: Any) -> None:
    made = create_record(of="customer", data={"email": "log@example.com", "last_name": "Logged"}, actor=rep)
    line = LogLine.objects.filter(entity_id=made.pk, kind="change").latest("created_at")
    client = client_for(admin)
    with django_assert_max_num_queries(15):
        listed = client.get(f"{where(LogLine)}?kind__exact=change")
    assert str(line.pk) in listed.content.decode()
    page = f"{where(LogLine)}{line.pk}/change/"
    assert b"log@example.com" in client.get(page).content
    assert client.post(page, {"action": "forged"}).status_code == 403
    assert client.post(f"{where(LogLine)}{line.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{where(LogLine)}add/").status_code == 403


def test_records_go_to_the_trash(admin: User, rep: User, client_for: Any) -> None:
    made = create_record(of="customer", data={"email": "c@example.com", "last_name": "C"}, actor=rep)
    client = client_for(admin)
    assert client.get(f"{where(Customer)}{made.pk}/delete/").status_code == 200
    assert client.post(f"{where(Customer)}{made.pk}/delete/", {"post": "yes"}).status_code == 302
    assert Customer.everything.get(pk=made.pk).deleted_at is not None


def test_people_by_the_rules(admin: User, rep: User, client_for: Any) -> None:
    client = client_for(admin)
    page = f"{where(User)}{admin.pk}/change/"
    data = {"email": admin.email, "role": str(admin.role_id), "time_zone": "UTC", "language": "en"}
    refused = client.post(page, data)
    assert refused.status_code == 200
    assert b"One active administrator must remain" in refused.content
    assert b"bcrypt" not in client.get(page).content
    epoch = rep.auth_epoch
    role = str(Role.objects.get(code="SUPPORT").pk)
    changed = client.post(f"{where(User)}{rep.pk}/change/", {**data, "email": rep.email, "role": role, "is_active": "on"})
    assert changed.status_code == 302
    rep.refresh_from_db()
    assert rep.auth_epoch == epoch + 1
    assert client.get(f"{where(User)}{rep.pk}/delete/").status_code == 403
    new = client.post(f"{where(User)}add/", {**data, "email": "New@example.com", "role": role, "is_active": "on"})
    assert new.status_code == 302
    assert Invitation.objects.filter(email="new@example.com").exists()


def test_logs_are_read_only(admin: User, client_for: Any) -> None:
    client = client_for(admin)
    failure = LoginFailure.objects.create(key="k", first_at="2026-01-01T00:00:00Z", last_at="2026-01-01T00:00:00Z")
    assert client.get(where(LoginFailure) + "add/").status_code == 403
    assert client.post(f"{where(LoginFailure)}{failure.pk}/delete/", {"post": "yes"}).status_code == 403


def test_every_row_of_every_table_opens(admin: User, client_for: Any) -> None:
    """Lists, forms, histories and deletions of everything that is registered, on a base that has some of each."""
    load_demo()
    client = client_for(admin)
    client.get("/admin/")
    failed, opened = [], 0
    for model in sorted(site._registry, key=lambda m: m._meta.label):
        pages = ["", "?q=a", "?o=-2", "add/"]
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            opened += 1
            pages += [f"{quote(row.pk)}/change/", f"{quote(row.pk)}/history/", f"{quote(row.pk)}/delete/"]
        for page in pages:
            answer = client.get(where(model) + page)
            if answer.status_code not in (200, 302, 403):
                failed.append((model._meta.label, page, answer.status_code))
            assert len(answer.content) < 400_000, (model._meta.label, page, "a select with everything?")
    assert not failed
    assert opened > 20


def test_a_broken_condition_is_refused_in_the_admin(admin: User, client_for: Any) -> None:
    cell = RolePermission.objects.filter(role__code="SALES_REP", entity="deal", action="view").get()
    data = {"role": str(cell.role_id), "entity": "deal", "action": "view", "scope": "own"}
    client = client_for(admin)
    page = f"{where(RolePermission)}{cell.pk}/change/"
    refused = client.post(page, {**data, "condition": '{"all": [{"field": "nothing", "op": "is", "value": 1}]}'})
    assert refused.status_code == 200
    assert "Unknown field" in refused.content.decode()
    good = client.post(page, {**data, "condition": '{"all": [{"field": "outcome", "op": "is", "value": "open"}]}'})
    assert good.status_code == 302
    cell.refresh_from_db()
    assert cell.condition == {"version": 1, "all": [{"field": "outcome", "op": "is", "value": "open"}]}


def test_private_notes_are_not_read_in_the_admin(admin: User, rep: User, client_for: Any) -> None:
    person = create_record(of="customer", data={"last_name": "C"}, actor=rep)
    said = {"entity": "customer", "record_id": str(person.pk), "content": "whispered"}
    note = create_record(of="note", data={**said, "is_private": True}, actor=rep)
    create_record(of="note", data={**said, "content": "spoken"}, actor=rep)
    client = client_for(admin)
    assert client.get(where(Note)).context["cl"].result_count == 1
    assert client.get(f"{where(Note)}{note.pk}/change/").status_code == 302  # as what does not exist
    line = LogLine.objects.filter(entity_id=note.pk, kind="change").first()
    assert line is not None
    assert "whispered" not in client.get(f"{where(LogLine)}{line.pk}/change/").content.decode()


def test_whoever_writes_proves_first_who_he_is(make_user: Any, client_for: Any) -> None:
    boss = make_user("ADMIN", email="boss@example.com", password=PASSWORD)
    role = Role.objects.create(code="X", name="X")
    client = client_for(boss)
    page = f"{where(Role)}{role.pk}/change/"
    assert client.get(page).status_code == 200
    asked = client.post(page, {"code": "X", "name": "Changed"})
    assert asked["Location"].startswith("/account/confirm")
    assert Role.objects.get(pk=role.pk).name == "X"
    assert client.post(asked["Location"], {"password": PASSWORD}).status_code == 302
    assert Role.objects.get(pk=role.pk).name == "Changed"


def test_allauths_secrets_are_not_shown() -> None:
    assert not [m for m in site._registry if m._meta.app_label in ("mfa", "socialaccount")]
