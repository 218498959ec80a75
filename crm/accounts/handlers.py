"""What accounts do about their own facts."""

from crm.accounts.events import RefreshTokenReused
from crm.accounts.mails import request_notice
from crm.accounts.models import User
from crm.activity.facts import Heard, reacts_to


@reacts_to(RefreshTokenReused, name="accounts.warn_of_reuse")
def warn_of_reuse(heard: Heard) -> None:
    """Tell the person by mail."""
    user = User.objects.filter(pk=heard.fact.user_id, is_active=True).first()
    if user is not None:
        request_notice(user, "refresh_token_reused")
