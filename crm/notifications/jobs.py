"""The daily mail with what one has not read."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext, override

from crm.accounts.models import User
from crm.jobs.engine import Run, job
from crm.jobs.schedule import daily
from crm.notifications.models import Notification, NotificationChoice
from crm.notifications.titles import with_titles

LISTED = 50


@job("notifications.digest", queue="mail", label=gettext_lazy("Daily summary by e-mail"))
def send_digests(run: Run) -> dict[str, Any]:
    """Mail everybody what they have not read of the last day. A mail that was sent is not sent again."""
    since = timezone.now() - timedelta(days=1)
    waiting = Notification.objects.filter(created_at__gte=since, mailed_at=None)
    people = list(
        User.objects.active().filter(pk__in=waiting.values("user")).order_by("pk")
    )
    sent = 0
    for done, user in enumerate(people):
        run.progress(done, len(people))
        sent += _send(user, since)
    return {"people": len(people), "sent": sent}


def _send(user: User, since: Any) -> int:
    silent = NotificationChoice.objects.filter(user=user, digest=False).values("kind")
    # What is read needs no mail; what is wanted by mail alone was marked read when it was made.
    rows = Notification.objects.filter(user=user, created_at__gte=since, mailed_at=None).exclude(kind__in=silent)
    rows = rows.filter(read_at=None) | rows.filter(in_app=False)
    found = list(rows.order_by("-created_at")[:LISTED])
    if not found:
        return 0
    # Marked before it is sent: a mail may be lost when the server dies just now, but never comes twice.
    Notification.objects.filter(pk__in=[n.pk for n in found]).update(mailed_at=timezone.now())
    with override(user.language), timezone.override(user.time_zone):
        subject = ngettext("%(count)d thing you have not seen", "%(count)d things you have not seen", len(found)) % {
            "count": len(found)
        }
        # The titles are those that the reader may see now.
        context = {"person": user, "notifications": with_titles(user, found), "site": settings.SITE_URL}
        text = render_to_string("notifications/mail/digest.txt", context)
        html = render_to_string("notifications/mail/digest.html", context)
    send_mail("Rapport: " + subject, text, None, [user.email], html_message=html)
    return 1


daily("notifications.digest", at="06:00")
