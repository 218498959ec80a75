"""``manage.py invite``: how the first administrator comes in."""

from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from crm.accounts.models import User
from crm.activity.models import ActivityLog
from crm.jobs.models import Job

pytestmark = pytest.mark.django_db


def invite(*arguments: str) -> str:
    said = StringIO()
    call_command("invite", *arguments, stdout=said, stderr=StringIO())
    return urlsplit(said.getvalue().strip()).path


def test_the_first_administrator_comes_in_by_the_printed_link_once(client: Client) -> None:
    path = invite("First@Example.com", "--role", "ADMIN")
    user = User.objects.get(email="first@example.com")
    assert user.role.is_admin
    assert not user.has_usable_password()
    assert client.get(path).status_code == 200
    answer = client.post(path, {"first_name": "Fay", "last_name": "First", "password": "short"})
    assert answer.status_code == 422
    answer = client.post(path, {"first_name": "Fay", "last_name": "First", "password": "wide-open-steppe-42"})
    assert answer.status_code == 302
    assert client.get("/settings/users").status_code == 200
    assert Client().get(path).status_code == 404
    assert ActivityLog.objects.filter(action="accounts.invitation_printed").exists()
    assert not mail.outbox
    assert not Job.objects.filter(kind="accounts.mail_invitation").exists()


def test_a_second_link_ends_the_first() -> None:
    first, second = invite("first@example.com", "--role", "admin"), invite("first@example.com", "--role", "ADMIN")
    assert Client().get(first).status_code == 404
    assert Client().get(second).status_code == 200


@pytest.mark.parametrize(
    ("email", "role", "said"),
    [
        ("new@example.com", "CHIEF", "There are: ADMIN"),
        ("not an address", "ADMIN", "address"),
        ("here@example.com", "SALES_REP", "signin-link here@example.com"),
        ("invited@example.com", "ADMIN", "another role"),
    ],
)
def test_what_cannot_be_is_said(make_user: Any, email: str, role: str, said: str) -> None:
    make_user("SALES_REP", email="here@example.com", password="wide-open-steppe-42")
    invite("invited@example.com")
    with pytest.raises(CommandError, match=said):
        invite(email, "--role", role)
    assert User.objects.count() == 2
