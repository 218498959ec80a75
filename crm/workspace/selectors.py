"""Questions about the workspace and its people."""

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.accounts.models import RefreshToken, User
from crm.lib.prepared import PreparedTuples
from crm.workspace.models import Workspace

STATES: tuple[tuple[str, Any], ...] = (
    ("joined", _("Active")), ("invited", _("Invited")), ("expired", _("Invitation expired")),
    ("withdrawn", _("Invitation withdrawn")), ("left", _("Deactivated")),
)
_CURRENCY = PreparedTuples(lambda: Workspace.objects.order_by("pk").values_list("currency")[:1], ())
_NEVER_JOINED = Q(is_active=True, password__startswith=UNUSABLE_PASSWORD_PREFIX, last_login=None)


def base_currency() -> str:
    """Return the currency of the workspace: sums are in it, and so is what does not say another."""
    return next((code for (code,) in _CURRENCY.ask(())), "") or "USD"


def seen_last(people: QuerySet[User]) -> Any:
    """Return people with ``seen``: when they last did anything in a browser or over the API, or signed in."""
    sessions = UserSession.objects.filter(user=OuterRef("pk")).values("user").annotate(at=Max("last_seen_at")).values("at")
    tokens = RefreshToken.objects.filter(user=OuterRef("pk")).order_by().values("user").annotate(at=Max("created_at")).values("at")
    # GREATEST of PostgreSQL passes over what is empty.
    return people.annotate(seen=Greatest("last_login", Subquery(sessions), Subquery(tokens)))


def in_state(state: str) -> Q:
    """Return the clause for people in one of ``STATES``."""
    return {
        "left": Q(is_active=False),
        "invited": _NEVER_JOINED & Q(invitation__revoked_at=None, invitation__expires_at__gt=Now()),
        "expired": _NEVER_JOINED & Q(invitation__revoked_at=None, invitation__expires_at__lte=Now()),
        "withdrawn": _NEVER_JOINED & Q(invitation__revoked_at__isnull=False),
    }.get(state, Q(is_active=True) & ~(_NEVER_JOINED & Q(invitation__isnull=False)))


def state_of(person: User) -> str:
    """Return which of ``STATES`` a person is in."""
    invitation = getattr(person, "invitation", None)
    if not person.is_active:
        return "left"
    if invitation is None or person.has_usable_password() or person.last_login is not None:
        return "joined"
    if invitation.revoked_at is not None:
        return "withdrawn"
    return "invited" if invitation.expires_at > timezone.now() else "expired"
