"""Who sees and changes saved views."""

from typing import Any

from django.db.models import Q

from crm.access.policy import Policy
from crm.access.rights import Rights
from crm.lists.models import Favourite, SavedView, ViewTab


class SavedViewPolicy(Policy, model=SavedView):
    """One's own, those of one's team, and those for everybody; only the owner and administrators change them."""

    entity = "saved_view"

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return the clause for an action."""
        if rights.user_id is None or not getattr(user, "is_active", False):
            return Q(pk__in=[])
        if action == "view":
            shared = Q(owner_id=rights.user_id) | Q(sharing=SavedView.Sharing.EVERYONE)
            if user.team_id:
                shared |= Q(sharing=SavedView.Sharing.TEAM, team_id=user.team_id)
            return shared
        if rights.is_admin:
            return ~Q(sharing=SavedView.Sharing.PRIVATE) | Q(owner_id=rights.user_id)
        return Q(owner_id=rights.user_id)

    def allows(self, user: Any, action: str, obj: Any = None) -> bool:
        """Let everybody make views of their own."""
        if obj is None or action == "create":
            return bool(getattr(user, "is_active", False))
        return super().allows(user, action, obj)


class FavouritePolicy(Policy, model=Favourite):
    """One's own only."""

    entity = "favourite"

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return the clause for any action."""
        return Q(user_id=rights.user_id)


class ViewTabPolicy(Policy, model=ViewTab):
    """One's own only."""

    entity = "view_tab"

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return the clause for any action."""
        return Q(user_id=rights.user_id)
