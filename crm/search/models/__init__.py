"""What a person looked for and looked at lately."""

from crm.search.models.recent import RecentSearch, RecentVisit

__all__ = ["RecentSearch", "RecentVisit"]
