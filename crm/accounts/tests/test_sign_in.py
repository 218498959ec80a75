"""Signing in on the pages and over the API, under one lock-out that PostgreSQL keeps."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, override_settings

from crm.accounts import throttle
from crm.accounts.models import LoginFailure, User
from crm.accounts.sign_in import DEVICE_COOKIE, new_device
from crm.testing.fixtures import PASSWORD

pytestmark = pytest.mark.django_db
WRONG = "not right, or there were too many attempts"


@pytest.fixture
def ana(make_user: Any) -> User:
    """Return someone with a password."""
    user: User = make_user(email="Ana@Example.com", password=PASSWORD, first_name="Ana")
    return user


def page(client: Client, email: str, password: str, **extra: Any) -> Any:
    return client.post("/account/sign-in", {"login": email, "password": password}, **extra)


def over_api(client: Client, email: str, password: str, **extra: Any) -> Any:
    return client.post(
        "/api/v1/auth/login", {"email": email, "password": password}, content_type="application/json", **extra
    )


def test_address_in_any_case(ana: User) -> None:
    client = Client()
    assert page(client, "aNA@example.COM", PASSWORD).status_code == 302
    assert client.session["auth_epoch"] == ana.auth_epoch


def test_unknown_wrong_and_inactive_get_the_same_words(ana: User, make_user: Any) -> None:
    make_user(email="gone@example.com", password=PASSWORD, is_active=False)
    make_user(email="invited@example.com")
    answers = [
        page(Client(), email, password)
        for email, password in (
            ("ana@example.com", "wrong-one-1234"), ("nobody@example.com", PASSWORD),
            ("gone@example.com", PASSWORD), ("invited@example.com", PASSWORD),
        )
    ]
    assert {a.status_code for a in answers} == {422}
    assert all(WRONG in a.content.decode() for a in answers)
    spoken = {over_api(Client(), e, PASSWORD).json()["error"]["message"] for e in ("nobody@x.example", "gone@example.com")}
    assert len(spoken) == 1


@pytest.mark.parametrize("door", [page, over_api])
def test_lock_after_ten_then_the_right_one_is_refused_in_the_same_words(ana: User, door: Any) -> None:
    for _ in range(10):
        assert door(Client(), "ana@example.com", "wrong-one-1234").status_code in (401, 422)
    refused = door(Client(), "ana@example.com", "wrong-one-1234")
    right = door(Client(), "ana@example.com", PASSWORD)
    assert refused.status_code == right.status_code == 429
    assert WRONG in right.content.decode()
    LoginFailure.objects.update(locked_until="2020-01-01T00:00:00Z")
    assert door(Client(), "ana@example.com", PASSWORD).status_code in (200, 302)


def test_both_doors_share_one_count(ana: User) -> None:
    for _ in range(6):
        page(Client(), "ana@example.com", "wrong-one-1234")
    for _ in range(4):
        over_api(Client(), "ANA@example.com", "wrong-one-1234")
    assert over_api(Client(), "ana@example.com", PASSWORD).status_code == 429


def test_unknown_accounts_lock_like_known_ones(ana: User) -> None:
    codes = {
        email: [over_api(Client(), email, "wrong-one-1234").status_code for _ in range(12)]
        for email in ("ana@example.com", "nobody@example.com")
    }
    assert codes["ana@example.com"] == codes["nobody@example.com"]


def test_own_success_gives_nobody_else_new_attempts(ana: User, make_user: Any) -> None:
    make_user(email="eve@example.com", password=PASSWORD)
    for _ in range(10):
        page(Client(), "ana@example.com", "wrong-one-1234")
        page(Client(), "eve@example.com", PASSWORD)
    assert page(Client(), "ana@example.com", PASSWORD).status_code == 429


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP"]
)
def test_forged_addresses_are_not_believed(header: str) -> None:
    for i in range(61):
        over_api(Client(), f"p{i}@example.com", "wrong-one-1234", headers={header: f"198.51.100.{i}"})
    assert over_api(Client(), "p99@example.com", "x", headers={header: "203.0.113.9"}).status_code == 429


@override_settings(TRUSTED_PROXY_COUNT=1)
def test_behind_one_proxy_only_its_own_word_counts() -> None:
    for i in range(61):
        over_api(Client(), f"p{i}@example.com", "w", headers={"X-Forwarded-For": f"198.51.100.{i}, 203.0.113.7"})
    assert over_api(Client(), "q@example.com", "w", headers={"X-Forwarded-For": "1.1.1.1, 203.0.113.7"}).status_code == 429
    assert over_api(Client(), "q@example.com", "w", headers={"X-Forwarded-For": "203.0.113.7, 203.0.113.8"}).status_code == 401


def test_lock_holds_without_the_cache(ana: User, settings: Any) -> None:
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/valkey.sock"},
    }
    assert cache.get("anything") is None
    for _ in range(10):
        over_api(Client(), "ana@example.com", "wrong-one-1234")
    assert over_api(Client(), "ana@example.com", PASSWORD).status_code == 429
    LoginFailure.objects.all().delete()
    assert over_api(Client(), "ana@example.com", PASSWORD).status_code == 200
    client = Client()
    assert page(client, "ana@example.com", PASSWORD).status_code == 302
    assert client.get("/account/password").status_code == 200


def test_a_known_device_gets_in_while_the_account_is_locked(ana: User) -> None:
    for _ in range(12):
        page(Client(), "ana@example.com", "wrong-one-1234")
    client = Client()
    client.cookies[DEVICE_COOKIE] = new_device(ana)
    assert page(client, "ana@example.com", PASSWORD).status_code == 302
    other = Client()
    other.cookies[DEVICE_COOKIE] = new_device(User(email="eve@example.com"))
    assert page(other, "ana@example.com", PASSWORD).status_code == 429


def test_a_known_device_is_counted_by_itself(ana: User) -> None:
    device = new_device(ana)
    for _ in range(11):
        client = Client()
        client.cookies[DEVICE_COOKIE] = device
        last = page(client, "ana@example.com", "wrong-one-1234")
    assert last.status_code == 429


def test_counting_is_one_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert throttle.take("account", "someone@example.com") == 0


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example", "javascript:alert(1)",
     "/%0d%0aSet-Cookie:x=1\r\nX: y", "/\tevil", "/\n/evil", "http:///evil.example", "@evil.example"],
)
def test_after_sign_in_only_own_paths(ana: User, target: str) -> None:
    client = Client()
    answer = client.post("/account/sign-in", {"login": ana.email, "password": PASSWORD, "next": target})
    assert answer.status_code == 302
    assert answer["Location"] == "/welcome"


def test_after_sign_in_back_to_where_one_was(ana: User) -> None:
    answer = Client().post("/account/sign-in", {"login": ana.email, "password": PASSWORD, "next": "/deals?x=1"})
    assert answer["Location"] == "/deals?x=1"


def test_a_new_session_id_at_sign_in(ana: User) -> None:
    client = Client()
    client.get("/account/sign-in")
    session = client.session
    session["before"] = 1
    session.save()
    before = session.session_key
    page(client, ana.email, PASSWORD)
    assert client.session.session_key != before
    cookie = client.cookies["session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_there_is_no_sign_up_page(client: Client) -> None:
    assert client.get("/account/signup").status_code == 404
    assert client.post("/api/v1/auth/register", {}, content_type="application/json").json()["error"]["code"] == (
        "REGISTRATION_CLOSED"
    )


def test_the_admin_has_no_sign_in_of_its_own(client: Client, rep: User) -> None:
    assert client.get("/admin/login/").headers.get("Location", "").startswith("/account/sign-in")
    assert client.get("/admin/").headers.get("Location", "").startswith("/account/sign-in")
    client.force_login(rep)
    assert client.get("/admin/").status_code == 403
