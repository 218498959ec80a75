"""Asking for mails about accounts. Each is written by a job (``jobs.py``), so that no page waits for a mail server
and no link is ever stored in a form that could be used."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.accounts.models import Invitation, User
from crm.jobs.engine import enqueue

NOTICES: dict[str, Any] = {
    "password_changed": _("Your password was changed"),
    "password_set": _("A password was chosen for your account"),
    "password_reset": _("Your password was reset"),
    "totp_activated": _("An authenticator app was set up for your account"),
    "totp_deactivated": _("The authenticator app of your account was turned off"),
    "webauthn_added": _("A passkey was added to your account"),
    "webauthn_removed": _("A passkey was removed from your account"),
    "factors_removed": _("An administrator removed the second factors of your account"),
    "recovery_codes_generated": _("New recovery codes were made for your account"),
}
"""What allauth lets people know of: what happened, as the subject and the first words of a mail."""


def request_password_reset(email: str) -> None:
    """Ask for a reset mail to an address, known or not."""
    enqueue("accounts.mail_password_reset", params={"email": email})


def request_invitation(invitation: Invitation) -> None:
    """Ask for the mail of an invitation; its link is made when it is written."""
    enqueue("accounts.mail_invitation", params={"invitation": str(invitation.pk)})


def request_address_change(user: User, email: str) -> None:
    """Ask for the mails of a change of address: a link to the new one, a notice to the old one."""
    enqueue("accounts.mail_address_change", params={"user": str(user.pk), "email": email})


def request_notice(user: User, notice: str, **details: Any) -> None:
    """Ask for a security notice to a user: ``refresh_token_reused``, or one of ``NOTICES`` with where it came from."""
    enqueue("accounts.mail_notice", params={"user": str(user.pk), "notice": notice, **details})
