"""What ends a session: deactivation, a change of role or password, signing out everywhere; and the links."""

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from crm.accounts import addresses, invitations, links
from crm.accounts.models import Invitation, Role, SignInLink, User
from crm.activity.models import ChangeSet
from crm.jobs.engine import run_now
from crm.jobs.models import Job
from crm.lib.errors import Invalid, Missing, Refusal, TooMany
from crm.records.services import delete_record
from crm.testing.fixtures import PASSWORD
from crm.workspace.services.users import (
    change_role,
    deactivate_user,
    invite_again,
    invite_user,
    reactivate_user,
    sign_out_everywhere,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(make_user: Any) -> User:
    user: User = make_user(email="ana@example.com", password=PASSWORD)
    return user


def tokens_of(user: User) -> dict[str, Any]:
    answer = Client().post(
        "/api/v1/auth/login", {"email": user.email, "password": PASSWORD}, content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def me(access: str) -> int:
    return int(Client().get("/api/v1/auth/me", headers={"Authorization": f"Bearer {access}"}).status_code)


def refresh(token: str) -> int:
    return int(
        Client().post("/api/v1/auth/refresh", {"refresh": token}, content_type="application/json").status_code
    )


def do_mails() -> None:
    for job in Job.objects.filter(state="queued") if hasattr(Job, "state") else Job.objects.all():
        run_now(job)


@pytest.mark.parametrize("how", ["deactivate", "role", "password", "everywhere"])
def test_everything_ends_at_once(ana: User, admin: User, client: Client, how: str) -> None:
    client.force_login(ana)
    pair = tokens_of(ana)
    assert client.get("/account/password").status_code == 200
    assert me(pair["access"]) == 200
    if how == "deactivate":
        deactivate_user(user=ana, actor=admin)
    elif how == "role":
        change_role(user=ana, role=Role.objects.get(code="SUPPORT"), actor=admin)
    elif how == "everywhere":
        sign_out_everywhere(user=ana, actor=ana)
    else:
        other = Client()
        other.force_login(ana)
        changed = other.post(
            "/account/password",
            {"oldpassword": PASSWORD, "password1": "a-quite-other-horse-77", "password2": "a-quite-other-horse-77"},
        )
        assert changed.status_code == 302
        assert other.get("/account/password").status_code == 200
    assert client.get("/account/password").status_code == 302
    assert me(pair["access"]) == 401
    assert refresh(pair["refresh"]) == 401


def test_a_leaver_can_come_back(ana: User, admin: User) -> None:
    deactivate_user(user=ana, actor=admin)
    reactivate_user(user=ana, actor=admin)
    assert me(tokens_of(ana)["access"]) == 200


def test_reset_link_is_good_once_and_dies_with_what_it_stands_for(ana: User) -> None:
    client = Client()
    known = client.post("/account/password/reset", {"email": "ANA@example.com"})
    unknown = Client().post("/account/password/reset", {"email": "nobody@example.com"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    do_mails()
    assert [m.to for m in mail.outbox] == [["ana@example.com"]]
    link = next(w for w in mail.outbox[0].body.split() if "/reset/" in w)
    path = "/" + link.split("/", 3)[3]
    shown = client.get(path, follow=True)
    assert shown.status_code == 200
    form = shown.redirect_chain[-1][0] if shown.redirect_chain else path
    taken = client.post(form, {"password1": "a-quite-other-horse-77", "password2": "a-quite-other-horse-77"})
    assert taken.status_code == 302
    assert "_auth_user_id" not in client.session
    again = Client().get(path, follow=True)
    assert b"password1" not in again.content
    ana.refresh_from_db()
    assert ana.check_password("a-quite-other-horse-77")


def test_reset_link_of_a_leaver_is_dead(ana: User, admin: User) -> None:
    Client().post("/account/password/reset", {"email": ana.email})
    do_mails()
    path = "/" + next(w for w in mail.outbox[0].body.split() if "/reset/" in w).split("/", 3)[3]
    deactivate_user(user=ana, actor=admin)
    reactivate_user(user=ana, actor=admin)
    assert b"password1" not in Client().get(path, follow=True).content


def test_mails_to_one_address_are_capped(ana: User) -> None:
    for _ in range(20):
        assert Client().post("/account/password/reset", {"email": ana.email}).status_code == 302
    do_mails()
    assert len(mail.outbox) == 5


def test_invitations_to_one_stranger_are_capped(admin: User) -> None:
    """By every way: sent again, or withdrawn and made anew."""
    role = Role.objects.get(code="SALES_REP")
    user = invite_user(actor=admin, email="stranger@example.com", role=role)
    for _ in range(5):
        invite_again(user=user, actor=admin)
    with pytest.raises(TooMany):
        invite_again(user=user, actor=admin)
    for _ in range(8):
        delete_record(obj=user, actor=admin)
        user = invite_user(actor=admin, email="stranger@example.com", role=role)
        do_mails()
    assert len(mail.outbox) <= 10
    assert {m.to[0] for m in mail.outbox} == {"stranger@example.com"}


def test_sessions_end_by_age_and_by_disuse(ana: User, client: Client, settings: Any) -> None:
    with time_machine.travel("2026-03-02 09:00 +0000", tick=False) as clock:
        client.force_login(ana)
        for _ in range(13):
            clock.shift(dt.timedelta(days=1))
            assert client.get("/account/password").status_code == 200
        clock.shift(dt.timedelta(days=1, minutes=1))
        assert client.get("/account/password").status_code == 302
        client.force_login(ana)
        clock.shift(dt.timedelta(hours=settings.SESSION_IDLE_SECONDS // 3600, minutes=1))
        assert client.get("/account/password").status_code == 302


def test_invitation_is_single_use_and_bound(admin: User) -> None:
    user = invite_user(actor=admin, email="New@Example.com", role=Role.objects.get(code="SALES_REP"))
    do_mails()
    assert mail.outbox[0].to == ["new@example.com"]
    path = "/" + next(w for w in mail.outbox[0].body.split() if "/invitation/" in w).split("/", 3)[3]
    client = Client()
    assert client.get(path).status_code == 200
    weak = client.post(path, {"password": "short"})
    assert weak.status_code == 422
    assert b"10" in weak.content
    assert client.post(path, {"first_name": "Nell", "password": PASSWORD}).status_code == 302
    assert client.get("/account/password").status_code == 200
    assert Client().get(path).status_code == 404
    user.refresh_from_db()
    assert user.first_name == "Nell"
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("what", ["expired", "revoked", "address", "deactivated"])
def test_invitation_dies(admin: User, what: str) -> None:
    user = invite_user(actor=admin, email="new@example.com", role=Role.objects.get(code="SALES_REP"))
    made = Invitation.objects.get(user=user)
    token = invitations.fresh_token(made)
    assert invitations.find(token)
    if what == "expired":
        Invitation.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    elif what == "revoked":
        Invitation.objects.update(revoked_at=timezone.now())
    elif what == "address":
        User.objects.filter(pk=user.pk).update(email="other@example.com")
    else:
        deactivate_user(user=user, actor=admin)
    with pytest.raises(Missing):
        invitations.find(token)
    assert made.expires_at - timezone.now() <= dt.timedelta(days=7)


@pytest.mark.django_db(transaction=True)
def test_one_time_link(ana: User) -> None:
    url = links.one_time_link(ana)
    assert url.rpartition("/")[2] not in str(SignInLink.objects.get().__dict__)
    path = "/" + url.split("/", 3)[3]
    client = Client()
    assert client.get(path).status_code == 200
    assert client.get(path).status_code == 200
    told = ChangeSet.objects.values_list("source", "label", "user_agent")
    before = set(told.all())
    assert client.post(path, headers={"user-agent": "Firefox"}).status_code == 302
    assert set(told.all()) - before == {("web", "Sign-in link", "Firefox")}
    assert client.get("/account/password").status_code == 200
    assert Client().post(path).status_code == 404
    late = links.one_time_link(ana)
    SignInLink.objects.filter(used_at=None).update(expires_at=timezone.now())
    assert Client().post("/" + late.split("/", 3)[3]).status_code == 404


def test_change_of_address_takes_effect_when_confirmed(ana: User) -> None:
    addresses.request_change(actor=ana, email="Ana.New@example.com")
    do_mails()
    assert [m.to for m in mail.outbox] == [["ana@example.com"], ["ana.new@example.com"]]
    ana.refresh_from_db()
    assert ana.email == "ana@example.com"
    token = addresses.token_for(ana, "ana.new@example.com")
    addresses.confirm(token)
    ana.refresh_from_db()
    assert ana.email == "ana.new@example.com"
    with pytest.raises(Invalid):
        addresses.confirm(token)


def test_change_of_address_to_a_taken_one_says_nothing(ana: User, rep: User) -> None:
    token = addresses.token_for(ana, rep.email)
    with pytest.raises(Refusal):
        addresses.confirm(token)


@pytest.mark.parametrize(
    ("password", "fits"),
    [("k3!vQz9", False), ("7Gh!2kLp", True), ("Summer24", False), ("Welcome1", False), ("Password123!", False), ("rapport-crm", False),
     ("Rapport2026!", False), ("Neela-Newcomer", False), ("new@example.com", False), (" " * 20, False), ("x" * 64, False),
     ("quiet marble otter " * 3 + "1234567", True), ("kraken-moss-" * 10 + "12345678", True), ("kraken-moss-" * 10 + "123456789", False),
     ("vier wörter 🐎 im Feld", True), ("😀🐙🚲🌋🎺🪀🧊🛶", True), ("quiet-marble-otter-77", True)],
)
def test_password_policy(admin: User, password: str, fits: bool) -> None:
    """Length, product, own name, the usual ones; every character counts, also those past the 72nd byte."""
    user = invite_user(actor=admin, email="new@example.com", first_name="Neela", last_name="Newcomer", role=Role.objects.get(code="SALES_REP"))
    token = invitations.fresh_token(Invitation.objects.get(user=user))
    if fits:
        invitations.accept(token=token, password=password)
        user.refresh_from_db()
        assert user.check_password(password)
        assert not user.check_password(password[:-1])
    else:
        with pytest.raises(Invalid):
            invitations.accept(token=token, password=password)
