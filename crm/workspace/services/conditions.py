"""The conditions of a role's permissions (A15): where one may stand, what it may ask about, and how it reads."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from crm.access.rights import WhoeverHas, rights_of_role
from crm.accounts.models import Role, RolePermission
from crm.criteria import describe, unknown_to, validate
from crm.lib.errors import Detail, Invalid
from crm.records.entity import all_entities
from crm.records.told import tells
from crm.workspace import rules
from crm.workspace.matrix import ACTIONS, UNCONDITIONAL


def takes_condition(entity: str, action: str) -> bool:
    """Tell whether a cell may have a condition: those of the business records, where one record is acted upon."""
    declared = all_entities().get(entity)
    return declared is not None and "pages" in declared.abilities and action not in UNCONDITIONAL


def read_condition(role: Role, entity: str, action: str, tree: Any, actor: Any) -> dict[str, Any] | None:
    """Return a condition in its canonical form; ``Invalid`` with the path of what is wrong in it.

    The actor must be able to ask it, and the role to see what it asks about: from what one sees by a condition
    one learns what it says of hidden fields.
    """
    if tree in (None, {}, ""):
        return None
    if not takes_condition(entity, action):
        raise Invalid.field("", _("This permission takes no condition."))
    model = all_entities()[entity].model
    found: dict[str, Any] = validate(tree, model, actor)
    if unseen := unknown_to(found, model, WhoeverHas(role.pk)):
        raise Invalid(
            details=[Detail(u.path, _("“%(role)s” may not see “%(field)s”.") % {"role": role.name, "field": u.label}) for u in unseen]
        )
    return found


def in_words(entity: str, condition: Any, reader: Any) -> str:
    """Return a condition as the sentence a person reads; a plain word where it cannot be told any more."""
    if not condition:
        return ""
    try:
        return describe(condition, all_entities()[entity].model, reader)
    except (Invalid, KeyError):
        return _("a condition that cannot be read any more: it lets nothing through")


@tells(RolePermission, "condition")
def _told(value: Any, pk: Any, reader: Any) -> str:
    """Say a condition in the audit log; of a permission that is gone nobody knows any more what it was about."""
    entity = RolePermission.objects.filter(pk=pk).values_list("entity", flat=True).first()
    return in_words(entity, value, reader) if entity else str(value)


@dataclass(frozen=True)
class Inherited:
    """A cell that a role has from one above it."""

    scope: str
    condition: dict[str, Any] | None
    role: Role


def inherited_cells(role: Role) -> dict[tuple[str, str], Inherited]:
    """Return the cells that a role has from those above it, each from the nearest that says anything."""
    found: dict[tuple[str, str], Inherited] = {}
    above, steps = role.parent, 0
    while above is not None and steps < 20:
        for p in above.permissions.all():
            found.setdefault((p.entity, p.action), Inherited(p.scope, p.condition, above))
        above, steps = above.parent, steps + 1
    return found


def effective_cells(role: Role) -> list[dict[str, Any]]:
    """Return every cell that a role has, own or inherited, with the role that it comes from."""
    cells = inherited_cells(role)
    cells |= {(p.entity, p.action): Inherited(p.scope, p.condition, role) for p in role.permissions.all()}
    return [
        {"entity": entity, "action": action, "scope": c.scope, "condition": c.condition, "role": c.role}
        for (entity, action), c in sorted(cells.items()) if action in ACTIONS.get(entity, ())
    ]


def refuse_telling(role: Role, where: str) -> None:
    """Refuse rights under which a condition tells of a hidden field, in a role or in one that inherits from it."""
    for below in Role.objects.filter(pk__in=rules.descendants(Role, role.pk)).select_related("parent"):
        audience = WhoeverHas(below.pk)
        for (entity, action), cell in rights_of_role(below.pk).cells.items():
            declared = all_entities().get(entity)
            if not cell.condition or declared is None:
                continue
            if unseen := unknown_to(cell.condition, declared.model, audience):
                raise Invalid.field(where, _("“%(role)s” may not see “%(field)s”, but its condition of “%(action)s” on %(records)s asks about it.") % {
                    "role": below.name, "field": unseen[0].label, "records": declared.label_plural,
                    "action": RolePermission.Action(action).label,
                })
