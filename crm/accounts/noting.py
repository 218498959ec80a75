"""What is noted of people's coming and going (A22): every door announces it by a signal of Django or allauth."""

from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa import signals as mfa
from django.contrib.auth.signals import user_logged_in, user_logged_out

from crm.accounts import sign_in
from crm.activity.facts import record_access


def begin(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    """Begin the session of a browser, and note the sign-in with what proved it."""
    sign_in.begin_session(request.session, user)
    request.signed_in_as = user
    proofs = request.session.get(AUTHENTICATION_METHODS_SESSION_KEY) or []
    record_access("accounts.signed_in", user=user, door="web", proofs=list(dict.fromkeys(_proof(p) for p in proofs)))


def _proof(record: dict[str, Any]) -> str:
    return str(record.get("type") or record.get("method") or "")


def left(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    """Note that somebody has signed out, or that a session did not hold any more."""
    if user is not None and user.pk:
        record_access("accounts.signed_out", user=user)


def factor_added(sender: Any, user: Any, authenticator: Any, **kwargs: Any) -> None:
    """Note a new second factor."""
    record_access("accounts.factor_added", user=user, factor=authenticator.type)


def factor_removed(sender: Any, user: Any, authenticator: Any, **kwargs: Any) -> None:
    """Note that a second factor is gone."""
    record_access("accounts.factor_removed", user=user, factor=authenticator.type)


def factor_reset(sender: Any, user: Any, authenticator: Any, **kwargs: Any) -> None:
    """Note new recovery codes in place of the old."""
    record_access("accounts.codes_made", user=user)


def factor_failed(sender: Any, user: Any, authenticator: Any, **kwargs: Any) -> None:
    """Note a wrong code."""
    record_access("accounts.code_failed", user=user, factor=authenticator.type)


def listen() -> None:
    """Begin to listen, once, when the application starts."""
    for signal, ear in (
        (user_logged_in, begin), (user_logged_out, left), (mfa.authenticator_added, factor_added),
        (mfa.authenticator_removed, factor_removed), (mfa.authenticator_reset, factor_reset), (mfa.authentication_failed, factor_failed),
    ):
        signal.connect(ear, weak=False, dispatch_uid=f"rapport.accounts.{ear.__name__}")
