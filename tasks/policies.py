"""Who sees and changes tasks."""

from typing import Any

from django.db.models import Q

from crm.access.policy import EVERYTHING, Policy
from crm.access.rights import Rights
from tasks.models import Task, TaskCategory


class TaskPolicy(Policy, model=Task):
    """By assignee and scope; whoever made a task keeps seeing it."""

    def also(self, rights: Rights, user: Any, action: str) -> Q | None:
        """Return the tasks the user made, for those who may see any."""
        if action == "view" and rights.may("view", "task"):
            return Q(created_by=rights.user_id)
        return None


class TaskCategoryPolicy(Policy, model=TaskCategory):
    """Read by all, managed with the settings."""

    entity = "settings"
    owner = None

    def rows(self, rights: Rights, user: Any, action: str) -> Q:
        """Return everything for reading."""
        return EVERYTHING if action == "view" else super().rows(rights, user, action)
