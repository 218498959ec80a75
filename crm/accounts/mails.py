"""Asking for mails about accounts. Each is written by a job (``jobs.py``), so that no page waits for a mail server
and no link is ever stored in a form that could be used."""

from crm.accounts.models import Invitation, User
from crm.jobs.engine import enqueue


def request_password_reset(email: str) -> None:
    """Ask for a reset mail to an address, known or not."""
    enqueue("accounts.mail_password_reset", params={"email": email})


def request_invitation(invitation: Invitation) -> None:
    """Ask for the mail of an invitation; its link is made when it is written."""
    enqueue("accounts.mail_invitation", params={"invitation": str(invitation.pk)})


def request_address_change(user: User, email: str) -> None:
    """Ask for the mails of a change of address: a link to the new one, a notice to the old one."""
    enqueue("accounts.mail_address_change", params={"user": str(user.pk), "email": email})


def request_notice(user: User, notice: str) -> None:
    """Ask for a security notice to a user (``refresh_token_reused``)."""
    enqueue("accounts.mail_notice", params={"user": str(user.pk), "notice": notice})
