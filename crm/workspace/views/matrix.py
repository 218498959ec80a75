"""The matrix of a role as a form: each cell with its scope, its condition in words, and where it comes from."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from crm.accounts.models import Role, RolePermission
from crm.lib.errors import Detail
from crm.workspace.matrix import ACTIONS, READ_BY_ALL, WHETHER, scopes_of
from crm.workspace.services.conditions import Inherited, in_words, inherited_cells, takes_condition
from crm.workspace.services.roles import matrix_entities

MOST = 20_000
Key = tuple[str, str]


@dataclass
class Cell:
    """One entity and one action of a role, as it is drawn."""

    role: Role
    entity: str
    action: str
    label: str
    scope: str = ""
    condition: dict[str, Any] | None = None
    above: Inherited | None = None
    stored: tuple[str, dict[str, Any] | None] = ("", None)
    reader: Any = None
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return what names its controls."""
        return f"{self.entity}-{self.action}"

    @property
    def action_label(self) -> str:
        """Return what the action is called."""
        return str(RolePermission.Action(self.action).label)

    @property
    def options(self) -> list[tuple[str, str]]:
        """Return the scopes to choose from; what is done or not done is simply yes or no."""
        names = {str(value): str(label) for value, label in RolePermission.Scope.choices}
        scopes = list(scopes_of(self.entity))
        if self.action in WHETHER or self.entity in ("settings", "report"):
            scopes = ["none", self.scope if self.scope in scopes[1:] else "all"]
            names = {"none": _("No"), scopes[1]: _("Yes")}
        if self.role.parent_id is None:
            scopes.remove("none")
        return [(scope, names[scope]) for scope in scopes]

    @property
    def nothing_chosen(self) -> str:
        """Return what an empty cell says: what is inherited, or nothing."""
        if self.above is None:
            return "–"
        said = dict(Cell(self.role, self.entity, self.action, "", self.above.scope).options).get(self.above.scope)
        return f"({said or RolePermission.Scope.NONE.label})"

    @property
    def selected(self) -> str:
        """Return the scope that is chosen; none and nothing are the same where nothing is inherited."""
        return "" if self.scope == "none" and self.role.parent_id is None else self.scope

    @property
    def conditional(self) -> bool:
        """Tell whether it may have a condition."""
        return takes_condition(self.entity, self.action)

    @property
    def stored_as(self) -> str:
        """Return the condition as the form carries it."""
        return json.dumps(self.condition, separators=(",", ":")) if self.condition else ""

    @property
    def words(self) -> str:
        """Return the condition as a sentence."""
        return in_words(self.entity, self.condition, self.reader)

    @property
    def words_above(self) -> str:
        """Return the inherited condition as a sentence."""
        return in_words(self.entity, self.above.condition, self.reader) if self.above else ""

    @property
    def changed(self) -> bool:
        """Tell whether it differs from what is stored."""
        return (self.scope, self.condition) != self.stored


def rows_of(role: Role, reader: Any, data: QueryDict | None = None, refused: Iterable[Detail] = ()) -> list[dict[str, Any]]:
    """Return the rows of the matrix: as stored, or as a form sent it and with what was refused of it."""
    own = {(p.entity, p.action): (p.scope, p.condition) for p in role.permissions.all()}
    above = inherited_cells(role)
    sent = read_cells(data)[0] if data is not None else []
    problems = _problems(sent, [*(read_cells(data)[1] if data is not None else []), *refused])
    chosen = {(c["entity"], c["action"]): (c["scope"], c["condition"]) for c in sent} if data is not None else own
    rows = []
    for entity, label in matrix_entities():
        cells = []
        for action in _actions():
            key = (entity, action)
            if action not in ACTIONS[entity]:
                cells.append(None)
                continue
            scope, condition = chosen.get(key, ("", None))
            cells.append(Cell(
                role, entity, action, f"{label}: {RolePermission.Action(action).label}", scope, condition, above.get(key),
                own.get(key, ("", None)), reader, problems.get(key, []),
            ))
        rows.append({"label": label, "cells": cells, "everybody": entity in READ_BY_ALL})
    return rows


def heads() -> list[Any]:
    """Return the labels of the columns."""
    return [RolePermission.Action(a).label for a in _actions()]


def _actions() -> list[str]:
    return [a for a in RolePermission.Action.values if any(a in row for row in ACTIONS.values())]


def read_cells(data: QueryDict) -> tuple[list[dict[str, Any]], list[Detail]]:
    """Return the cells that a form sets, and what of them is no condition at all.

    A cell without a scope is inherited, and one that allows nothing needs no condition.
    """
    found: list[dict[str, Any]] = []
    problems: list[Detail] = []
    for entity, actions in ACTIONS.items():
        for action in actions:
            scope = data.get(f"cell-{entity}-{action}", "")
            if not scope:
                continue
            text = data.get(f"condition-{entity}-{action}", "") if scope != "none" else ""
            condition = read_tree(text)
            if text and condition is None:
                problems.append(Detail(f"permissions.{len(found)}.condition", _("This condition cannot be read.")))
            found.append({"entity": entity, "action": action, "scope": scope, "condition": condition})
    return found, problems


def read_tree(text: str) -> dict[str, Any] | None:
    """Return the condition that a form carries; None for nothing and for what is none."""
    if not text or len(text) > MOST:
        return None
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return tree if isinstance(tree, dict) else None


def _problems(sent: list[dict[str, Any]], details: Iterable[Detail]) -> dict[Key, list[str]]:
    """Return what was refused by cell; details name cells by their place in what was sent."""
    found: dict[Key, list[str]] = {}
    for detail in details:
        parts = detail.field.split(".")
        if len(parts) > 1 and parts[0] == "permissions" and parts[1].isdigit() and int(parts[1]) < len(sent):
            cell = sent[int(parts[1])]
            said = found.setdefault((cell["entity"], cell["action"]), [])
            if detail.message not in said:
                said.append(detail.message)
    return found
