"""The mails about accounts."""

import datetime as dt
from typing import Any

from allauth.account.utils import user_pk_to_url_str
from babel.dates import format_datetime
from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from crm.accounts import addresses, invitations, throttle
from crm.accounts.mails import NOTICES
from crm.accounts.models import Invitation, User
from crm.accounts.reset import ResetTokens
from crm.jobs.engine import Run, job
from crm.lib.languages import dates


@job("accounts.mail_password_reset", queue="mail", label=_("Password reset mail"))
def mail_password_reset(run: Run) -> dict[str, Any]:
    """Send the link, if the address belongs to someone who may sign in; otherwise send nothing."""
    user = User.objects.active().filter(email__iexact=run.params["email"]).select_related("invitation").first()
    if user is None:
        return {"sent": 0}
    waiting = invitations.open_invitation(user)
    if waiting is not None:
        return _invite(waiting)
    if not user.has_usable_password() and user.last_login is None:
        return {"sent": 0}  # never joined, and the invitation was withdrawn
    key = ResetTokens().make_token(user)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": key})
    return _send(user.email, user.language, "password_reset", user=user, link=settings.SITE_URL + path)


@job("accounts.mail_invitation", queue="mail", label=_("Invitation mail"))
def mail_invitation(run: Run) -> dict[str, Any]:
    """Send an invitation that still stands."""
    found = Invitation.objects.filter(pk=run.params["invitation"], accepted_at=None, revoked_at=None).first()
    return _invite(found) if found else {"sent": 0}


@job("accounts.mail_address_change", queue="mail", label=_("Change of address mails"))
def mail_address_change(run: Run) -> dict[str, Any]:
    """Send the link to the new address, and the notice to the old one."""
    user = User.objects.active().filter(pk=run.params["user"]).first()
    if user is None:
        return {"sent": 0}
    new = str(run.params["email"])
    link = settings.SITE_URL + reverse("account_confirm_address", kwargs={"token": addresses.token_for(user, new)})
    _send(user.email, user.language, "address_notice", user=user, new=new)
    return _send(new, user.language, "address_change", user=user, link=link, new=new)


@job("accounts.mail_notice", queue="mail", label=_("Security notice"))
def mail_notice(run: Run) -> dict[str, Any]:
    """Send a security notice."""
    user = User.objects.active().filter(pk=run.params["user"]).first()
    if user is None:
        return {"sent": 0}
    notice = str(run.params["notice"])
    if notice not in NOTICES:
        return _send(user.email, user.language, notice, user=user)
    moment = dt.datetime.fromisoformat(str(run.params["at"]))
    with translation.override(user.language), timezone.override(user.time_zone):
        at = format_datetime(timezone.localtime(moment), "medium", locale=dates())
    where = ", ".join(str(part) for part in (at, run.params["ip"], run.params["device"]) if part)
    return _send(user.email, user.language, "notice", user=user, what=NOTICES[notice], where=where)


def _invite(invitation: Invitation) -> dict[str, Any]:
    link = invitations.link_of(invitation)
    language = invitation.user.language if invitation.user else settings.LANGUAGE_CODE
    return _send(invitation.email, language, "invitation", invitation=invitation, link=link)


def _send(to: str, language: str, name: str, **context: Any) -> dict[str, Any]:
    """Send one mail as plain text, in the reader's language; nobody gets more than ten in an hour."""
    if throttle.take("mail-to", to):
        return {"sent": 0}
    context["site"] = settings.SITE_URL
    with translation.override(language):
        subject = " ".join(render_to_string(f"account/mail/{name}_subject.txt", context).split())
        body = render_to_string(f"account/mail/{name}.txt", context)
    send_mail(subject, body, None, [to])
    return {"sent": 1}
