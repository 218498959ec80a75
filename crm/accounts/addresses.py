"""Changing one's own e-mail address: it takes effect when the link sent to the new one is opened."""

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from crm.accounts import mails, throttle
from crm.accounts.models import User
from crm.accounts.sign_in import end_access
from crm.activity.facts import record_access
from crm.activity.intention import intend
from crm.lib.errors import Invalid, TooMany

SALT = "rapport.address"
HOURS = 24


def request_change(*, actor: User, email: str) -> None:
    """Send the link to the new address and a notice to the old one; nothing changes yet."""
    email = email.strip().lower()
    if email == actor.email.lower():
        raise Invalid.field("email", _("This is your address already."))
    if wait := throttle.take("mail", email):
        raise TooMany(extra={"retry_after": wait})
    mails.request_address_change(actor, email)


def token_for(user: User, email: str) -> str:
    """Return the token of the link. It is bound to the present address and rights, so it works once."""
    return signing.dumps({"user": str(user.pk), "old": user.email, "new": email, "epoch": user.auth_epoch}, salt=SALT)


def confirm(token: str) -> User:
    """Change the address that a link stands for; refuse an old, used or foreign link."""
    refusal = Invalid(_("This link is not valid any more. Ask for a new one."))
    try:
        claims = signing.loads(token, salt=SALT, max_age=HOURS * 3600)
    except signing.BadSignature:
        raise refusal from None
    with transaction.atomic():
        user = User.objects.select_for_update(of=("self",)).filter(pk=claims["user"], is_active=True).first()
        if user is None or user.email != claims["old"] or user.auth_epoch != claims["epoch"]:
            raise refusal
        with intend(actor=user, label=_("Change e-mail address")):
            user.email = claims["new"]
            user.version += 1
            try:
                with transaction.atomic():
                    user.save(update_fields=["email", "version", "updated_at"])
            except IntegrityError:
                raise refusal from None
            end_access(user, reason="address_changed")
            record_access("accounts.address_changed", user=user)
    return user
