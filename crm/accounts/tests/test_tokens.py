"""The API's tokens: forgeries, rotation, reuse, the second factor, sessions."""

import datetime as dt
import threading
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.conf import settings as django_settings
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.utils import timezone

from crm.accounts import tokens
from crm.accounts.models import RefreshToken, Role, User
from crm.activity.models import ActivityLog, Delivery
from crm.lib.cache import ResilientCache
from crm.testing.fixtures import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(make_user: Any) -> User:
    user: User = make_user(email="ana@example.com", password=PASSWORD)
    return user


def post(path: str, body: Any, token: str = "", **extra: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Client().post(f"/api/v1{path}", body, content_type="application/json", headers=headers, **extra)


def get(path: str, token: str) -> Any:
    return Client().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})


def sign_in(user: User, **extra: Any) -> Any:
    return post("/auth/login", {"email": user.email, "password": PASSWORD, **extra})


def claims(user: User, family: Any, **changes: Any) -> dict[str, Any]:
    now = timezone.now()
    made = {
        "iss": django_settings.SITE_URL, "aud": "rapport-api", "sub": str(user.pk), "iat": now,
        "exp": now + dt.timedelta(minutes=5), "jti": "x", "typ": "access", "epoch": user.auth_epoch,
        "fam": str(family), "mfa": False,
    }
    made.update(changes)
    return {k: v for k, v in made.items() if v is not None}


def test_login_gives_what_the_contract_says(ana: User) -> None:
    data = sign_in(ana).json()["data"]
    assert {"access", "refresh", "user"} <= set(data)
    assert data["user"]["email"] == "ana@example.com"
    assert "password" not in str(data).lower()
    assert get("/auth/me", data["access"]).json()["data"]["id"] == str(ana.pk)
    found = jwt.decode(data["access"], options={"verify_signature": False})
    assert found["exp"] - found["iat"] <= 600


def test_forgeries(ana: User) -> None:
    family = RefreshToken.objects.get(user=ana).family if sign_in(ana) else None
    key = tokens._key(django_settings.SECRET_KEY)
    header = {"typ": tokens.TYPE}

    def made(key: Any = key, algorithm: str = "HS256", header: Any = header, **changes: Any) -> str:
        return jwt.encode(claims(ana, family, **changes), key, algorithm=algorithm, headers=header)

    assert get("/auth/me", made()).status_code == 200
    past = timezone.now() - dt.timedelta(hours=1)
    forged = [
        made(key=None, algorithm="none"), made(key=b"k" * 32), made(algorithm="HS512"),
        made(header={"typ": "JWT"}), made(exp=past), made(nbf=timezone.now() + dt.timedelta(hours=1)),
        made(iss="https://elsewhere.example"), made(aud="other"), made(typ="refresh"), made(typ="mfa"),
        made(sub="not-an-id"), made(sub=None), made(epoch="1"), made(epoch=None), made(epoch=ana.auth_epoch + 1),
        made(fam="0197b1f0-0000-7000-8000-000000000000"), made(fam=None), made(exp=None),
        made(header={**header, "kid": "../../dev/null", "jku": "https://evil.example/k", "x5u": "https://evil.example"})[:-3] + "AAA",
        made()[:-2] + "xx", "a.b.c", "", "\x00", "é", "x" * 5000,
    ]
    for token in forged:
        answer = Client().get("/api/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {token}")
        assert answer.status_code == 401, token
        assert answer.json()["error"]["code"] in ("TOKEN_INVALID", "AUTHENTICATION_REQUIRED")


def test_a_refresh_token_is_not_an_access_token(ana: User) -> None:
    pair = sign_in(ana).json()["data"]
    assert get("/auth/me", pair["refresh"]).status_code == 401
    assert post("/auth/refresh", {"refresh": pair["access"]}).status_code == 401
    assert pair["refresh"] not in str(list(RefreshToken.objects.values()))


def test_rotation_and_reuse_in_turn(ana: User) -> None:
    first = sign_in(ana).json()["data"]
    other = sign_in(ana).json()["data"]
    second = post("/auth/refresh", {"refresh": first["refresh"]}).json()["data"]
    assert get("/auth/me", second["access"]).status_code == 200
    again = post("/auth/refresh", {"refresh": first["refresh"]})
    assert again.status_code == 401
    assert again.json()["error"]["code"] == "TOKEN_INVALID"
    assert post("/auth/refresh", {"refresh": second["refresh"]}).status_code == 401
    assert get("/auth/me", second["access"]).status_code == 401
    assert get("/auth/me", other["access"]).status_code == 200
    assert ActivityLog.objects.filter(action="accounts.refresh_token_reused", user_id=ana.pk).count() >= 1
    assert Delivery.objects.filter(reaction="accounts.warn_of_reuse").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_eight_at_once_exactly_one_succeeds(make_user: Any) -> None:
    user = make_user(email="ana@example.com", password=PASSWORD)
    token = tokens.issue(user).refresh
    start, outcomes = threading.Barrier(8), []

    def use() -> None:
        try:
            start.wait(5)
            outcomes.append(post("/auth/refresh", {"refresh": token}).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=use) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert sorted(outcomes) == [200] + [401] * 7


def test_expired_revoked_and_signed_out(ana: User) -> None:
    pair = sign_in(ana).json()["data"]
    assert post("/auth/logout", {"refresh": pair["refresh"]}).status_code == 204
    assert post("/auth/refresh", {"refresh": pair["refresh"]}).status_code == 401
    assert get("/auth/me", pair["access"]).status_code == 401
    pair = sign_in(ana).json()["data"]
    assert post("/auth/logout", {}, token=pair["access"]).status_code == 204
    assert get("/auth/me", pair["access"]).status_code == 401
    pair = sign_in(ana).json()["data"]
    RefreshToken.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert post("/auth/refresh", {"refresh": pair["refresh"]}).status_code == 401
    assert post("/auth/logout", {}).status_code == 401


def test_sessions_are_listed_and_ended(ana: User) -> None:
    browser = Client()
    browser.post("/account/sign-in", {"login": ana.email, "password": PASSWORD})
    one, two = (sign_in(ana).json()["data"]["access"] for _ in range(2))
    found = get("/auth/sessions", one).json()["data"]
    assert sorted(s["kind"] for s in found) == ["api", "api", "browser"]
    assert [s["current"] for s in found].count(True) == 1
    other = next(s for s in found if s["kind"] == "api" and not s["current"])
    headers = {"Authorization": f"Bearer {one}"}
    assert Client().delete(f"/api/v1/auth/sessions/{other['id']}", headers=headers).status_code == 204
    assert get("/auth/me", two).status_code == 401
    assert get("/auth/me", one).status_code == 200
    window = next(s for s in found if s["kind"] == "browser")
    assert Client().delete(f"/api/v1/auth/sessions/{window['id']}", headers=headers).status_code == 204
    assert browser.get("/account/password").status_code == 302
    assert Client().delete("/api/v1/auth/sessions/nothing", headers=headers).status_code == 404
    assert Client().delete("/api/v1/auth/sessions", headers=headers).status_code == 204
    assert get("/auth/me", one).status_code == 401


def test_nobody_ends_anothers_session(ana: User, rep: User) -> None:
    family = str(RefreshToken.objects.get(user=ana).family) if sign_in(ana) else ""
    client = Client()
    client.force_login(rep)
    token = tokens.issue(rep).access
    answer = client.delete(f"/api/v1/auth/sessions/{family}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 404


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def test_the_second_factor_is_asked_for_at_every_door(ana: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(ana, secret)
    codes = RecoveryCodes.activate(ana)
    assert secret not in str(list(Authenticator.objects.values_list("data", flat=True)))
    refused = sign_in(ana)
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "SECOND_FACTOR_REQUIRED"
    assert sign_in(ana, otp="000000").json()["error"]["code"] == "SECOND_FACTOR_REQUIRED"
    assert sign_in(ana, otp=code_of(secret)).status_code == 200
    recovery = codes.generate_codes()[0]
    assert sign_in(ana, otp=recovery).status_code == 200
    assert sign_in(ana, otp=recovery).status_code == 401
    client = Client()
    page = client.post("/account/sign-in", {"login": ana.email, "password": PASSWORD, "next": "/admin/"})
    assert page["Location"].startswith("/account/second-factor/check")
    assert "_auth_user_id" not in client.session
    assert client.get("/account/password").status_code == 302
    done = client.post("/account/second-factor/check", {"code": codes.generate_codes()[1]})
    assert done.status_code == 302
    assert client.get("/account/password").status_code == 200


def test_a_code_is_taken_once_while_the_cache_is_away(ana: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dead = ResilientCache(f"unix://{tmp_path}/nothing.sock", {"OPTIONS": {"socket_connect_timeout": 1}})
    assert not dead.is_up()
    monkeypatch.setattr(caches._connections, "default", dead, raising=False)
    secret = generate_totp_secret()
    TOTP.activate(ana, secret)
    with time_machine.travel("2026-03-02 09:00:10 +0000", tick=False) as clock:
        code = code_of(secret)
        assert sign_in(ana, otp=code).status_code == 200
        assert sign_in(ana, otp=code).json()["error"]["code"] == "SECOND_FACTOR_REQUIRED"
        clock.shift(30)
        client = Client()
        page = client.post("/account/sign-in", {"login": ana.email, "password": PASSWORD})
        assert page["Location"].startswith("/account/second-factor/check")
        assert client.post("/account/second-factor/check", {"code": code_of(secret)}).status_code == 302
        assert client.get("/account/password").status_code == 200
        assert sign_in(ana, otp=code_of(secret)).status_code == 401
    assert secret not in str(list(Authenticator.objects.values_list("data", flat=True)))


def test_wrong_codes_lock(ana: User) -> None:
    secret = generate_totp_secret()
    TOTP.activate(ana, secret)
    for _ in range(6):
        assert sign_in(ana, otp="000000").status_code == 401
    assert sign_in(ana, otp=code_of(secret)).status_code == 429


def test_a_role_can_require_it(ana: User) -> None:
    client = Client()
    client.force_login(ana)
    pair = sign_in(ana).json()["data"]
    Role.objects.filter(pk=ana.role_id).update(require_second_factor=True)
    assert client.get("/settings/profile")["Location"] == "/account/second-factor"
    assert client.get("/account/second-factor").status_code == 200
    assert client.get("/api/v1/auth/me").status_code == 401
    assert get("/auth/me", pair["access"]).status_code == 401
    assert post("/auth/refresh", {"refresh": pair["refresh"]}).status_code == 401
    assert sign_in(ana).status_code == 401
    secret = generate_totp_secret()
    TOTP.activate(ana, secret)
    assert client.get("/settings/profile").status_code == 200
    assert sign_in(ana, otp=code_of(secret)).status_code == 200


def test_registration(settings: Any) -> None:
    closed = post("/auth/register", {"email": "new@example.com"})
    assert closed.status_code == 403
    assert closed.json()["error"]["code"] == "REGISTRATION_CLOSED"
    settings.REGISTRATION_OPEN = True
    User.objects.create_user("known@example.com", role=Role.objects.get(code="SALES_REP"))
    answers = {post("/auth/register", {"email": e}).content for e in ("new@example.com",)}
    assert post("/auth/register", {"email": "known@example.com"}).status_code == 202
    assert len(answers) == 1
    assert post("/auth/register", {"email": "x@example.com", "role": "ADMIN"}).status_code == 400


def test_signing_in_needs_few_queries(ana: User, django_assert_max_num_queries: Any) -> None:
    access = sign_in(ana).json()["data"]["access"]
    with django_assert_max_num_queries(3):
        get("/auth/me", access)
