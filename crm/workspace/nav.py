"""What the shell shows of the workspace: its name and currency."""

from django.core.cache import cache
from django.http import HttpRequest

from crm.ui.context import shell_part
from crm.workspace.models import Workspace

KEPT = 30
"""Seconds: a renamed workspace shows everywhere within half a minute."""


@shell_part("workspace")
def workspace(request: HttpRequest) -> Workspace:
    """Return the one workspace, or its defaults before there is one."""
    found = cache.get("shell:workspace")
    if not isinstance(found, Workspace):
        found = Workspace.objects.first() or Workspace()
        cache.set("shell:workspace", found, KEPT)
    return found
