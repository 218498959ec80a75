"""The daily mail on its whole way: the clock makes the job, the job speaks SMTP, the server has the mail."""

import socketserver
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from crm.accounts.models import User
from crm.celery import app
from crm.jobs.engine import run_now
from crm.jobs.models import Job
from crm.jobs.schedule import enqueue_due
from crm.notifications.service import choose, notify
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db(transaction=True)


class Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs."""

    got: list[bytes]

    def handle(self) -> None:
        """Speak with one client."""
        self.say(b"220 here")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.say(b"354 go on")
                body = b""
                while (row := self.rfile.readline()) != b".\r\n":
                    body += row
                self.got.append(body)
                self.say(b"250 kept")
            elif word == b"QUIT":
                self.say(b"221 bye")
                return
            else:
                self.say(b"250 fine")

    def say(self, line: bytes) -> None:
        """Answer with a line."""
        self.wfile.write(line + b"\r\n")


@pytest.fixture
def mailbox(settings: Any) -> Iterator[list[bytes]]:
    """Run a mail server, and let Django speak to it."""
    Mailbox.got = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        yield Mailbox.got
        server.shutdown()


def six_o_clock() -> datetime:
    """Return the next time at which the mail is due."""
    return timezone.now().replace(hour=6, minute=0, second=5, microsecond=0) + timedelta(days=1)


def test_the_clock_sends_one_mail_a_day(mailbox: list[bytes], rep: User, rep2: User) -> None:
    """Beat ticks; at six the job is made once, whoever asks; the mail names the record and leads to it."""
    assert "crm.jobs.tick" in {entry["task"] for entry in app.conf.beat_schedule.values()}
    record = CustomerFactory(first_name="Ana", last_name="Abel", assigned_user=rep)
    notify(user=rep, kind="assigned", text="You have a new customer.", url=f"/customers/{record.pk}", about=("customer", record.pk))
    choose(user=rep2, ways={"assigned": (True, False)})
    notify(user=rep2, kind="assigned", text="No mail for this.")
    due = [job for moment in (six_o_clock(), six_o_clock()) for job in enqueue_due(moment) if job.kind == "notifications.digest"]
    assert len(due) == 1
    run_now(due[0])
    assert Job.objects.get(pk=due[0].pk).state == Job.State.SUCCEEDED
    assert len(mailbox) == 1
    mail = message_from_bytes(mailbox[0], EmailMessage, policy=policy.default)
    assert mail["To"] == rep.email
    assert "1 thing" in mail["Subject"]
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        text = part.get_content()
        assert "Ana Abel" in text
        assert f"{settings.SITE_URL}/customers/{record.pk}" in text
