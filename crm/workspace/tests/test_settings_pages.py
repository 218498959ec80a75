"""The settings pages: who opens them, what they save, and what bad input gets."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from crm.accounts.invitations import fresh_token
from crm.accounts.models import Role, Team, User
from crm.activity.models import ActivityLog
from crm.jobs.models import Job
from crm.testing.fixtures import PASSWORD
from crm.workspace.models import ExchangeRate, Workspace

pytestmark = pytest.mark.django_db
GOVERNED = ["/settings/users", "/settings/users/invite", "/settings/roles", "/settings/roles/new", "/settings/teams",
            "/settings/workspace", "/settings/exchange-rates"]
OWN = ["/settings", "/settings/profile", "/settings/security"]


@pytest.mark.parametrize("path", GOVERNED + OWN)
def test_pages_open_for_an_administrator(admin: User, client_for: Any, path: str) -> None:
    answer = client_for(admin).get(path)
    assert answer.status_code == 200
    body = answer.content.decode()
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", body)
    assert "<script>" not in body


@pytest.mark.parametrize("who", ["manager", "rep", "support", "marketing", "readonly"])
@pytest.mark.parametrize("path", GOVERNED)
def test_governed_pages_are_closed_to_others(cast: Any, client_for: Any, who: str, path: str) -> None:
    client = client_for(cast(who))
    assert client.get(path).status_code in (403, 404)
    assert client.post(path, {}).status_code in (403, 404, 405)


@pytest.mark.parametrize("path", GOVERNED + OWN)
def test_strangers_sign_in_first(path: str) -> None:
    assert Client().get(path)["Location"].startswith("/account/sign-in")


def test_profile(rep: User, client_for: Any) -> None:
    client = client_for(rep)
    data = {"first_name": "Rosa", "last_name": "R", "language": "en", "time_zone": "Europe/Paris", "theme": "dark",
            "density": "compact", "role": str(Role.objects.get(code="ADMIN").pk)}
    assert client.post("/settings/profile", data).status_code == 302
    rep.refresh_from_db()
    assert (rep.time_zone, rep.theme, rep.role.code) == ("Europe/Paris", "dark", "SALES_REP")
    wrong = client.post("/settings/profile", {**data, "time_zone": "Mars/Olympus", "first_name": "Kept"})
    assert wrong.status_code == 422
    assert b"Kept" in wrong.content
    assert b"aria-invalid" in wrong.content


def test_invite_change_and_deactivate(admin: User, client_for: Any, rep2: User) -> None:
    client = client_for(admin)
    start = {"email": "nell@example.com", "first_name": "Nell", "role": str(Role.objects.get(code="SALES_REP").pk)}
    assert client.post("/settings/users/invite", {**start, "email": "no"}).status_code == 422
    assert client.post("/settings/users/invite", start).status_code == 302
    again = client.post("/settings/users/invite", start)
    assert again.status_code == 422
    assert "nell@example.com" in again.content.decode()
    nell = User.objects.get(email="nell@example.com")
    assert "Nell" in client.get("/settings/users?q=nel").content.decode()
    page = f"/settings/users/{nell.pk}"
    assert "Invited" in client.get(page).content.decode()
    support = str(Role.objects.get(code="SUPPORT").pk)
    assert client.post(page, {**start, "role": support}).status_code == 302
    assert client.post(f"{page}/invite").status_code == 302
    assert client.post(f"{page}/deactivate", {"successor": str(nell.pk)}).status_code == 422
    assert client.post(f"{page}/deactivate", {"successor": str(rep2.pk)}).status_code == 302
    nell.refresh_from_db()
    assert (nell.role.code, nell.is_active) == ("SUPPORT", False)
    assert "Deactivated" in client.get(f"{page}").content.decode()
    assert client.post(f"{page}/reactivate").status_code == 302
    assert client.post(f"{page}/sign-out").status_code == 302
    assert client.post(f"{page}/fly").status_code == 404


def test_risky_acts_ask_for_the_password_again(make_user: Any, rep: User) -> None:
    boss = make_user("ADMIN", email="boss@example.com", password=PASSWORD)
    client = Client()
    client.force_login(boss)
    asked = client.post(f"/settings/users/{rep.pk}/deactivate", {})
    assert asked["Location"].startswith("/account/confirm")
    rep.refresh_from_db()
    assert rep.is_active
    assert client.post(asked["Location"], {"password": "wrong-one-1234"}).status_code != 302
    assert client.post(asked["Location"], {"password": PASSWORD, "next": f"/settings/users/{rep.pk}/deactivate"}).status_code == 302
    rep.refresh_from_db()
    assert not rep.is_active


def test_teams(admin: User, client_for: Any) -> None:
    client = client_for(admin)
    assert client.post("/settings/teams", {"name": "North"}).status_code == 302
    north = Team.objects.get(name="North")
    assert client.post("/settings/teams", {"name": "Oslo", "parent": str(north.pk)}).status_code == 302
    oslo = Team.objects.get(name="Oslo")
    circle = client.post(f"/settings/teams/{north.pk}", {"name": "North", "parent": str(oslo.pk)})
    assert circle.status_code == 422
    assert b"circles" in circle.content
    assert client.post("/settings/teams", {"name": "north"}).status_code == 422
    assert client.post(f"/settings/teams/{north.pk}/delete").status_code == 302
    assert Team.objects.filter(pk=north.pk).exists()
    assert client.post(f"/settings/teams/{oslo.pk}/delete").status_code == 302
    assert not Team.objects.filter(pk=oslo.pk).exists()


def test_roles_matrix_and_fields(admin: User, client_for: Any) -> None:
    client = client_for(admin)
    made = client.post("/settings/roles/new", {"name": "Inside sales", "code": "inside-sales"})
    assert made.status_code == 302
    role = Role.objects.get(code="INSIDE_SALES")
    page = f"/settings/roles/{role.pk}"
    saved = client.post(page, {"what": "matrix", "cell-deal-view": "team", "cell-deal-create": "own", "cell-task-view": ""})
    assert saved.status_code == 302
    assert set(role.permissions.values_list("entity", "action", "scope")) == {("deal", "view", "team"), ("deal", "create", "own")}
    assert client.post(page, {"what": "matrix", "cell-deal-view": "half"}).status_code == 422
    assert client.post(page, {"what": "fields", "field-deal.value": "hidden"}).status_code == 302
    assert list(role.field_rights.values_list("entity", "field", "level")) == [("deal", "value", "hidden")]
    assert client.get(page).status_code == 200
    assert client.post(f"{page}/delete").status_code == 302
    assert not Role.objects.filter(pk=role.pk).exists()


def test_view_as_a_role_is_read_only(admin: User, client_for: Any) -> None:
    client = client_for(admin)
    role = Role.objects.get(code="READ_ONLY")
    assert client.post(f"/settings/roles/{role.pk}/preview").status_code == 302
    assert client.get("/settings/users").status_code == 403
    assert client.post("/settings/profile", {"first_name": "Changed"}).status_code == 302
    admin.refresh_from_db()
    assert admin.first_name != "Changed"
    assert client.post("/settings/roles/preview/end").status_code == 302
    assert client.get("/settings/users").status_code == 200


def test_workspace_and_rates(admin: User, client_for: Any) -> None:
    client = client_for(admin)
    data = {"name": "Harbour", "currency": "EUR", "language": "en", "time_zone": "UTC", "fiscal_year_starts": "4", "first_day_of_week": "1"}
    assert client.post("/settings/workspace", {**data, "currency": "XXQ"}).status_code == 422
    assert client.post("/settings/workspace", data).status_code == 302
    assert Workspace.objects.get().currency == "EUR"
    rate = {"currency": "USD", "day": "2026-01-01", "rate": "0.92"}
    assert client.post("/settings/exchange-rates", {**rate, "currency": "EUR"}).status_code == 422
    assert client.post("/settings/exchange-rates", {**rate, "rate": "-1"}).status_code == 422
    assert client.post("/settings/exchange-rates", rate).status_code == 302
    made = ExchangeRate.objects.get()
    assert client.post(f"/settings/exchange-rates/{made.pk}/remove").status_code == 302
    assert not ExchangeRate.objects.exists()


def test_security_page_ends_sessions(rep: User, client_for: Any) -> None:
    here, there = client_for(rep), client_for(rep)
    assert here.get("/settings/security").status_code == 200
    assert here.post("/settings/security", {"what": "everywhere"}).status_code == 302
    assert here.get("/settings/security").status_code == 200
    assert there.get("/settings/security").status_code == 302
    assert here.post("/settings/security", {"what": "session", "session": "999999"}).status_code == 404


def test_query_budget(admin: User, client_for: Any, make_user: Any, django_assert_max_num_queries: Any) -> None:
    for _ in range(10):
        make_user()
    client = client_for(admin)
    client.get("/settings/users")
    with django_assert_max_num_queries(10):
        client.get("/settings/users")


def test_an_invitation_is_withdrawn_for_good(admin: User, client_for: Any) -> None:
    client = client_for(admin)
    client.post("/settings/users/invite", {"email": "nell@example.com", "role": str(Role.objects.get(code="SALES_REP").pk)})
    nell = User.objects.get(email="nell@example.com")
    token = fresh_token(nell.invitation)
    assert Client().get(f"/account/invitation/{token}").status_code == 200
    assert client.post(f"/settings/users/{nell.pk}/withdraw").status_code == 302
    assert Client().get(f"/account/invitation/{token}").status_code == 404
    assert "Invitation withdrawn" in client.get("/settings/users?state=withdrawn").content.decode()
    assert client.get("/settings/users?state=joined&q=nell").content.decode().count("nell@example.com") == 0
    # A reset mail would be another way in.
    mail.outbox.clear()
    Client().post("/account/password/reset", {"email": "nell@example.com"})
    Job.objects.filter(kind="accounts.mail_password_reset").update(state="running")
    assert not mail.outbox
    assert client.post(f"/settings/users/{nell.pk}/withdraw").status_code == 302  # told, not done again
    assert client.post(f"/settings/users/{nell.pk}/invite").status_code == 302
    nell.invitation.refresh_from_db()
    assert nell.invitation.revoked_at is None


def test_lost_second_factors_are_removed_by_those_who_manage_users(admin: User, rep: User, manager: User, client_for: Any) -> None:
    Authenticator.objects.create(user=rep, type="totp", data={"secret": "x"})
    Authenticator.objects.create(user=rep, type="recovery_codes", data={})
    epoch = rep.auth_epoch
    assert client_for(manager).post(f"/settings/users/{rep.pk}/forget-factors").status_code == 403
    page = client_for(admin).get(f"/settings/users/{rep.pk}").content.decode()
    assert "Authenticator app, Recovery codes" in page
    assert client_for(admin).post(f"/settings/users/{rep.pk}/forget-factors").status_code == 302
    rep.refresh_from_db()
    assert not Authenticator.objects.filter(user=rep).exists()
    assert rep.auth_epoch == epoch + 1
    assert ActivityLog.objects.filter(action="accounts.factor_removed", entity_id=rep.pk, user_id=admin.pk).count() == 2


def test_people_are_found_by_role_team_and_state(admin: User, rep: User, rep2: User, client_for: Any) -> None:
    client = client_for(admin)
    assert rep.team is not None
    shown = client.get(f"/settings/users?team={rep.team_id}").content.decode()
    assert rep.email in shown
    assert rep2.email not in shown.partition("<tbody>")[2]
    by_role = client.get(f"/settings/users?role={rep.role_id}&state=joined").content.decode().partition("<tbody>")[2]
    assert rep2.email in by_role
    assert admin.email not in by_role
    assert client.get("/settings/users?role=x&team=y&state=z&page=0").status_code == 200


def test_whoever_invites_or_changes_people_proves_first_who_he_is(make_user: Any, rep: User) -> None:
    boss = make_user("ADMIN", email="boss@example.com", password=PASSWORD)
    client = Client()
    client.force_login(boss)
    new = {"email": "nell@example.com", "role": str(rep.role_id)}
    assert client.post("/settings/users/invite", new)["Location"].startswith("/account/confirm")
    assert not User.objects.filter(email="nell@example.com").exists()
    change = {"email": rep.email, "first_name": "Rosa", "role": str(Role.objects.get(code="ADMIN").pk)}
    asked = client.post(f"/settings/users/{rep.pk}", change)
    assert asked["Location"].startswith("/account/confirm")
    rep.refresh_from_db()
    assert rep.role.code == "SALES_REP"
    assert client.post(asked["Location"], {"password": PASSWORD}).status_code == 302
    assert User.objects.get(pk=rep.pk).role.code == "ADMIN"
