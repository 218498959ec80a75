"""Which language people are spoken to: their own when they are known, the browser's or the chosen one before."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client
from django.utils import timezone
from django.utils.translation import trans_real

from crm.accounts.models import User
from crm.jobs.engine import run_now
from crm.jobs.models import Job
from crm.testing.fixtures import PASSWORD
from crm.ui.build import words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the German words be those of the file, whether or not the front end was built."""
    words.compile_all(settings.BASE_DIR)
    monkeypatch.delitem(trans_real._translations, "de", raising=False)  # type: ignore[attr-defined]


@pytest.fixture
def german(make_user: Callable[..., User]) -> User:
    """Return a person in Tokyo who reads German."""
    return make_user(email="ana@example.com", password=PASSWORD, language="de", time_zone="Asia/Tokyo")


def test_a_notice_speaks_the_language_of_the_account(german: User) -> None:
    client = Client(headers={"accept-language": "en", "user-agent": "Lynx"})
    client.force_login(german)
    fields = {"oldpassword": PASSWORD, "password1": "a-quite-other-horse-77", "password2": "a-quite-other-horse-77"}
    assert client.post("/account/password", fields).status_code == 302
    for job in Job.objects.filter(kind__startswith="accounts.mail", state=Job.State.QUEUED):
        run_now(job)
    assert [m.subject for m in mail.outbox] == ["Ihr Passwort wurde geändert"]
    body = str(mail.outbox[0].body)
    assert body.startswith("Hallo ")
    assert "127.0.0.1, Lynx." in body
    assert f"{timezone.now().astimezone(ZoneInfo('Asia/Tokyo')):%d.%m.%Y}" in body


def test_the_language_is_chosen_before_signing_in() -> None:
    client = Client(headers={"accept-language": "de-AT,de;q=0.9"})
    page = client.get("/account/sign-in")
    assert b'lang="de" dir="ltr"' in page.content
    assert "accept-language" in page["Vary"].lower()
    assert client.post("/account/language", {"language": "en", "next": "/account/sign-in"})["Location"] == "/account/sign-in"
    assert b'<html lang="en"' in client.get("/account/sign-in").content
    assert client.post("/account/language", {"language": "en", "next": "https://evil.example/"})["Location"] == "/"


def test_the_profile_decides_once_somebody_is_signed_in(german: User) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(german)
    page: Any = client.get("/customers")
    assert b'<html lang="de"' in page.content
    assert page["Content-Language"] == "de"
    assert "Kunden" in page.content.decode()
    assert 'lang="de"' in client.get("/nope").content.decode()
    fields = {"first_name": "Ana", "last_name": "", "phone": "", "language": "en", "time_zone": "UTC", "theme": "auto", "density": "default"}
    assert client.post("/settings/profile", fields).status_code == 302
    assert b'<html lang="en"' in client.get("/customers").content
