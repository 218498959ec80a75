"""How tasks are found."""

from django.utils.translation import gettext_lazy as _

from crm.search.registry import searchable
from tasks.models import Task

searchable(
    "task",
    Task,
    label=_("Tasks"),
    url="/tasks/{id}",
    columns=("title", "description"),
    icon="circle-check",
    hue="apricot",
    weight=1.0,
    begins=("sort_key",),
)
