"""What the workspace starts with: its one row, and the built-in roles."""

from crm.accounts.models import Role, RolePermission
from crm.records.reference import reference_data
from crm.workspace.matrix import ROLES
from crm.workspace.models import Workspace


@reference_data(order=10)
def roles() -> None:
    """Make the built-in roles that are missing, each with its default permissions."""
    known = set(Role.objects.filter(code__in=[r.code for r in ROLES]).values_list("code", flat=True))
    for start in ROLES:
        if start.code in known:
            continue
        role = Role.objects.create(
            code=start.code, name=start.name, description=start.description, is_system=True, is_admin=start.is_admin
        )
        RolePermission.objects.bulk_create(
            RolePermission(role=role, entity=entity, action=action, scope=scope)
            for entity, cells in start.cells.items()
            for action, scope in cells.items()
        )


@reference_data(order=11)
def workspace() -> None:
    """Make the workspace's row."""
    if not Workspace.objects.exists():
        Workspace.objects.create()
