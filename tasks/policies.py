"""Who sees and changes tasks."""

from typing import Any

from django.db.models import Q

from crm.access.policy import Policy
from crm.access.rights import Rights
from crm.records.policies import ReadByAllPolicy
from tasks.models import Task, TaskCategory


class TaskPolicy(Policy, model=Task):
    """By assignee and scope; whoever made a task keeps seeing it."""

    def also(self, rights: Rights, user: Any, action: str) -> Q | None:
        """Return the tasks the user made, for those who may see any; a condition of that right holds for them, too."""
        if action == "view" and rights.may("view", "task"):
            return Q(created_by=rights.user_id) & self.fulfilling(rights, user, action)
        return None


class TaskCategoryPolicy(ReadByAllPolicy, model=TaskCategory):
    """Read by all, managed with the settings."""

    entity = "settings"
