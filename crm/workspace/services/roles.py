"""What roles may do: the matrix, the conditions in it, and the fields."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, require
from crm.access.rights import rights_of
from crm.accounts.models import FieldRight, Role, RolePermission
from crm.activity.facts import publish
from crm.activity.intention import relabel, verb
from crm.lib.errors import Denied, Detail, Invalid, Outdated
from crm.records.entity import all_entities
from crm.records.events import RecordChanged
from crm.records.services.records import lock
from crm.workspace import rules
from crm.workspace.matrix import ACTIONS, scopes_of
from crm.workspace.services.conditions import read_condition, refuse_telling

Cells = dict[tuple[str, str], tuple[str, dict[str, Any] | None]]


@verb
def set_permissions(*, role: Role, cells: Iterable[dict[str, Any]], actor: Any, version: int | None = None) -> Role:
    """Replace the own cells of a role. Cells that are left out are inherited from its parent.

    With ``version`` (of the role, as the actor read it) a matrix that somebody changed meanwhile is ``Outdated``.
    """
    role = _opened(role, actor, version)
    if role.is_admin:
        raise Invalid.field("permissions", _("An administrator may do everything; there is nothing to set."))
    wanted = _read_cells(role, cells, actor)
    relabel(_("Change the permissions of %(role)s") % {"role": role.name})
    with transaction.atomic():
        known = {(p.entity, p.action): p for p in role.permissions.select_for_update()}
        for key, (scope, condition) in wanted.items():
            cell = known.pop(key, None)
            if cell is None:
                RolePermission.objects.create(role=role, entity=key[0], action=key[1], scope=scope, condition=condition)
            elif (cell.scope, cell.condition) != (scope, condition):
                _may_grant(actor, key, cell, "permissions")
                cell.scope, cell.condition = scope, condition
                cell.save(update_fields=["scope", "condition", "updated_at"])
        RolePermission.objects.filter(pk__in=[p.pk for p in known.values()]).delete()
        _settle(role, actor, "permissions")
    return role


def _opened(role: Role, actor: Any, version: int | None) -> Role:
    """Return the role under a lock, if the actor may change it and nobody else has since ``version``."""
    found: Role = lock(role)
    require(actor, "change", found)
    if not rules.may_edit_role(actor, found):
        raise Denied
    if version is not None and version != found.version:
        raise Outdated(_("Somebody changed this role meanwhile. What you chose is kept here; save again to put it in place of theirs."))
    return found


def _read_cells(role: Role, cells: Iterable[dict[str, Any]], actor: Any) -> Cells:
    wanted: Cells = {}
    problems: list[Detail] = []
    for index, cell in enumerate(cells):
        where = f"permissions.{index}"
        if not isinstance(cell, dict) or set(cell) - {"entity", "action", "scope", "condition"}:
            problems.append(Detail(where, _("A permission has entity, action, scope and condition.")))
            continue
        entity, action, scope = (cell.get(n) for n in ("entity", "action", "scope"))
        if not isinstance(entity, str) or entity not in ACTIONS:
            problems.append(Detail(f"{where}.entity", _("There is no such entity.")))
        elif not isinstance(action, str) or action not in ACTIONS[entity]:
            problems.append(Detail(f"{where}.action", _("There is no such action on this entity.")))
        elif not isinstance(scope, str) or scope not in scopes_of(entity):
            problems.append(Detail(f"{where}.scope", _("One of: %(scopes)s.") % {"scopes": ", ".join(scopes_of(entity))}))
        elif (entity, action) in wanted:
            problems.append(Detail(where, _("This permission is given twice.")))
        else:
            try:
                condition = read_condition(role, entity, action, cell.get("condition"), actor)
            except Invalid as refusal:
                problems.extend(Detail(f"{where}.condition.{d.field}".rstrip("."), d.message) for d in refusal.details)
                condition = None
            wanted[entity, action] = (scope, condition)
            if actor is not SYSTEM and not rules.reaches(rights_of(actor), entity, action, scope, condition):
                problems.append(Detail(f"{where}.scope", _("You cannot give a right that you lack.")))
    if problems:
        raise Invalid(details=problems)
    return wanted


def _may_grant(actor: Any, key: tuple[str, str], cell: RolePermission, where: str) -> None:
    if actor is not SYSTEM and not rules.reaches(rights_of(actor), *key, cell.scope, cell.condition):
        raise Invalid.field(where, _("You cannot change a right that you lack."))


@verb
def set_field_rights(*, role: Role, fields: Iterable[dict[str, Any]], actor: Any, version: int | None = None) -> Role:
    """Replace which fields a role sees less of: hidden, or read-only."""
    role = _opened(role, actor, version)
    wanted = _read_fields(fields, actor)
    relabel(_("Change the fields of %(role)s") % {"role": role.name})
    known = {(f.entity, f.field): f for f in role.field_rights.select_for_update()}
    for key, level in wanted.items():
        right = known.pop(key, None)
        if right is None:
            FieldRight.objects.create(role=role, entity=key[0], field=key[1], level=level)
        elif right.level != level:
            right.level = level
            right.save(update_fields=["level", "updated_at"])
    FieldRight.objects.filter(pk__in=[f.pk for f in known.values()]).delete()
    _settle(role, actor, "field_rights")
    return role


def _read_fields(fields: Iterable[dict[str, Any]], actor: Any) -> dict[tuple[str, str], str]:
    wanted: dict[tuple[str, str], str] = {}
    problems: list[Detail] = []
    declared = all_entities()
    mine = rights_of(actor) if actor is not SYSTEM else None
    for index, right in enumerate(fields):
        where = f"field_rights.{index}"
        if not isinstance(right, dict) or set(right) - {"entity", "field", "level"}:
            problems.append(Detail(where, _("A field right has entity, field and level.")))
            continue
        entity, name, level = (right.get(n) for n in ("entity", "field", "level"))
        if not isinstance(entity, str) or entity not in declared:
            problems.append(Detail(f"{where}.entity", _("There is no such entity.")))
        elif not isinstance(name, str) or declared[entity].field(name) is None:
            problems.append(Detail(f"{where}.field", _("There is no such field.")))
        elif not isinstance(level, str) or level not in FieldRight.Level.values:
            problems.append(Detail(f"{where}.level", _("One of: %(levels)s.") % {"levels": ", ".join(FieldRight.Level.values)}))
        elif level == "hidden" and name in (*declared[entity].title, "id"):
            problems.append(Detail(f"{where}.field", _("A title cannot be hidden.")))
        elif mine is not None and not mine.is_admin and mine.fields.get(entity, {}).get(name, "write") != "write":
            problems.append(Detail(f"{where}.field", _("You cannot give a right that you lack.")))
        else:
            wanted[entity, name] = level
    if problems:
        raise Invalid(details=problems)
    return wanted


def _settle(role: Role, actor: Any, where: str) -> None:
    """Refuse what nobody may give (also by taking a narrower cell away) or what would tell; raise the version."""
    if not rules.outranks(actor, role.pk):
        raise Invalid.field(where, _("You cannot give a right that you lack."))
    refuse_telling(role, where)
    role.version += 1
    role.save(update_fields=["version", "updated_at"])
    publish(RecordChanged(entity="role", record_id=role.pk, fields=["permissions"]), about=role, entity="role")


def matrix_entities() -> list[tuple[str, Any]]:
    """Return the rows of the matrix with their labels, those of the business first."""
    declared = all_entities()
    extra = {
        "settings": _("Workspace settings"), "saved_view": _("Saved views"), "report": _("Reports"),
        "audit": _("Audit log"), "job": _("Jobs"), "note": _("Notes"), "document": _("Documents"),
    }
    return [
        (name, declared[name].label_plural if name in declared else extra.get(name, name.replace("_", " ").capitalize()))
        for name in ACTIONS
    ]
