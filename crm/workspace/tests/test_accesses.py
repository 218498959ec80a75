"""Accesses that matter (A22): they are noted, told in words, and found again."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.core.cache import cache
from django.test import Client

from crm.access.policy import SYSTEM
from crm.accounts import second_factor
from crm.accounts.models import Role, RolePermission, User
from crm.activity.models import ActivityLog
from crm.records.services import create_record, update_record
from crm.testing.fixtures import PASSWORD
from crm.workspace.models import Workspace
from crm.workspace.services.workspace import WATCHED

pytestmark = pytest.mark.django_db
SIGN_IN = "/account/sign-in"


@pytest.fixture(autouse=True)
def forget_what_is_watched() -> Iterator[None]:
    """Leave nothing in the cache for other tests: what was stored here is taken back."""
    yield
    cache.delete(WATCHED)


def noted(action: str, **more: Any) -> list[ActivityLog]:
    return list(ActivityLog.objects.filter(kind="access", action=action, **more).order_by("id"))


def test_browsers_come_and_go_in_the_log(make_user: Any) -> None:
    ana = make_user("SALES_REP", email="ana@example.com", password=PASSWORD)
    client = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"})
    client.post(SIGN_IN, {"login": "ana@example.com", "password": "not-this-one-1234"})
    assert [e.changes for e in noted("accounts.sign_in_failed")] == [{"email": "ana@example.com"}]
    client.post(SIGN_IN, {"login": "ana@example.com", "password": PASSWORD})
    (entry,) = noted("accounts.signed_in", user_id=ana.pk)
    assert (entry.changes, entry.ip_address) == ({"door": "web", "proofs": ["password"]}, "127.0.0.1")
    assert "Firefox" in entry.user_agent
    client.post("/account/sign-out")
    assert noted("accounts.signed_out", user_id=ana.pk)


def test_the_lock_falls_once_in_the_log(make_user: Any) -> None:
    make_user("SALES_REP", email="ana@example.com", password=PASSWORD)
    for _ in range(14):
        Client().post(SIGN_IN, {"login": "ana@example.com", "password": "not-this-one-1234"})
    assert 1 <= len(noted("accounts.locked_out")) <= 4
    assert len(noted("accounts.sign_in_failed")) == 10


def test_second_factors_in_the_log(make_user: Any) -> None:
    ana = make_user("SALES_REP", email="ana@example.com", password=PASSWORD)
    Authenticator.objects.create(user=ana, type="totp", data={"secret": second_factor.encrypt(generate_totp_secret())})
    client = Client()
    client.post(SIGN_IN, {"login": "ana@example.com", "password": PASSWORD})
    assert not noted("accounts.signed_in")  # the password alone is not a sign-in
    client.post("/account/second-factor/check", {"code": "000000"})
    assert noted("accounts.code_failed", user_id=ana.pk)
    api = Client().post("/api/v1/auth/login", {"email": "ana@example.com", "password": PASSWORD, "otp": "000000"}, content_type="application/json")
    assert api.status_code == 401
    assert len(noted("accounts.code_failed", user_id=ana.pk)) == 2


def test_views_of_watched_records_are_noted_once_an_hour(admin: User, rep: User, client_for: Any, api: Any) -> None:
    person = create_record(of="customer", data={"last_name": "Seen"}, actor=rep)
    client = client_for(rep)
    client.get(f"/customers/{person.pk}")
    assert not noted("records.viewed")
    data = {"name": "Rapport", "currency": "USD", "language": "en", "time_zone": "UTC", "fiscal_year_starts": "1", "first_day_of_week": "1"}
    assert client_for(admin).post("/settings/workspace", {**data, "watched": ["ghost"]}).status_code == 422
    assert client_for(admin).post("/settings/workspace", {**data, "watched": ["customer"]}).status_code == 302
    cache.delete(WATCHED)
    assert Workspace.objects.get().watched == ["customer"]
    for _ in range(2):
        client.get(f"/customers/{person.pk}")
        client.get(f"/customers/{person.pk}?peek=1")
        api(rep).get(f"/api/v1/customers/{person.pk}")
    (entry,) = noted("records.viewed")
    assert (entry.user_id, entry.entity, entry.entity_id) == (rep.pk, "customer", person.pk)
    api(admin).get(f"/api/v1/customers/{person.pk}")
    assert len(noted("records.viewed")) == 2
    assert "opened" in client_for(admin).get("/settings/audit?action=records.viewed").content.decode()


def test_the_log_says_values_as_people_read_them(admin: User, rep: User, rep2: User, client_for: Any) -> None:
    person = create_record(of="customer", data={"last_name": "Told", "status": "LEAD"}, actor=rep)
    update_record(obj=person, data={"status": "CUSTOMER", "assigned_user": str(rep2.pk), "birthday": "2001-02-03"}, actor=SYSTEM)
    page = client_for(admin).get(f"/settings/audit?record=/customers/{person.pk}&action=updated").content.decode()
    assert "<del>Lead</del> <ins>Customer</ins>" in page
    assert f"<del>{rep.name}</del> <ins>{rep2.name}</ins>" in page
    assert "3 Feb 2001" in page
    assert str(rep2.pk) not in page.partition("<tbody>")[2].partition("</tbody>")[0].replace("/settings", "")
    rows = list(csv.DictReader(io.StringIO(b"".join(client_for(admin).get(f"/settings/audit/export?record={person.pk}")).decode("utf-8-sig"))))
    assert any(f"{rep.name} → {rep2.name}" in r["changes"] for r in rows)
    assert any(str(rep2.pk) in r["data"] for r in rows)


def test_conditions_stand_in_the_log_in_words(admin: User, client_for: Any) -> None:
    role = Role.objects.get(code="SUPPORT")
    small = {"version": 1, "all": [{"field": "value", "op": "lt", "value": "1000"}]}
    from_page = client_for(admin).post(f"/settings/roles/{role.pk}", {
        "what": "matrix", "cell-deal-view": "own", "condition-deal-view": '{"version": 1, "all": [{"field": "value", "op": "lt", "value": "1000"}]}',
    })
    assert from_page.status_code == 302
    assert RolePermission.objects.get(role=role, entity="deal", action="view").condition == small
    page = client_for(admin).get("/settings/audit?entity=rolepermission").content.decode()
    assert "Value is less than 1,000" in page


def test_filters_of_the_log(admin: User, rep: User, client_for: Any) -> None:
    create_record(of="customer", data={"last_name": "Filtered"}, actor=rep)
    client = client_for(admin)
    assert "Filtered" in client.get(f"/settings/audit?user={rep.pk}").content.decode()
    assert "Filtered" not in client.get(f"/settings/audit?user={admin.pk}").content.decode()
    assert client.get("/settings/audit?address=127.0.0.1").status_code == 200
    for wrong in ("address=nowhere", "record=abc", "user=abc", "from=tomorrow"):
        answer = client.get(f"/settings/audit?{wrong}")
        assert answer.status_code == 400
        assert "cannot be read" in answer.content.decode()


def test_looking_as_a_role_is_noted_and_leaves_nothing_else(admin: User, rep: User, client_for: Any) -> None:
    person = create_record(of="customer", data={"last_name": "Looked"}, actor=rep)
    client = client_for(admin)
    client.post(f"/settings/roles/{Role.objects.get(code='READ_ONLY').pk}/preview")
    (entry,) = noted("access.viewed_as_role")
    assert (entry.user_id, entry.entity) == (admin.pk, "role")
    before = set(ActivityLog.objects.values_list("id", flat=True))
    pages = ("/", "/customers", f"/customers/{person.pk}", f"/customers/{person.pk}/neighbours", "/deals", "/tasks", "/search?q=Looked", "/reports",
             "/settings", "/settings/security", f"/access/customer/{person.pk}", "/notifications")
    for page in pages:
        answer = client.get(page)
        assert answer.status_code in (200, 404), (page, answer.status_code)
        if answer.status_code == 200 and b"<body" in answer.content:
            assert "You see Rapport as “Read only”" in answer.content.decode(), page
    assert client.get("/admin/").status_code == 403
    assert client.get("/settings/users").status_code == 403
    assert "/admin/" not in client.get("/settings").content.decode()
    assert client.get("/api/v1/users").status_code == 200
    refused = client.post("/api/v1/customers", {"last_name": "Written"}, content_type="application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "PERMISSION_DENIED")
    assert not list(ActivityLog.objects.exclude(id__in=before).values_list("action", "entity", "changes"))
    assert not admin.recent_visits.exists()
    assert not admin.recent_searches.exists()
    admin.refresh_from_db()
    assert admin.role.code == "ADMIN"
    client.post("/settings/roles/preview/end")
    assert client.get("/settings/users").status_code == 200
