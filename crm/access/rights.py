"""What one user may do, read from the database in one statement and kept on the user object.

A role has every cell of its parent; a cell of its own replaces the parent's (wider or narrower).
"""

import hashlib
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db import connection

from crm.access import stamps
from crm.accounts.models import User
from crm.lib.prepared import prepared_cursor

SCOPES = ("none", "own", "team", "tree", "all")

_SQL = """(
WITH RECURSIVE chain AS (
    SELECT id, parent_id, is_admin, 0 AS depth FROM accounts_role WHERE id = {role}
    UNION ALL
    SELECT r.id, r.parent_id, r.is_admin, c.depth + 1
    FROM accounts_role r JOIN chain c ON r.id = c.parent_id WHERE c.depth < 20
), home AS (
    SELECT id FROM accounts_team WHERE id = {team} OR manager_id = {user}
), tree AS (
    SELECT id FROM home UNION SELECT t.id FROM accounts_team t JOIN tree ON t.parent_id = tree.id
), above AS (
    SELECT id, parent_id FROM accounts_team WHERE id IN (SELECT id FROM home)
    UNION SELECT t.id, t.parent_id FROM accounts_team t JOIN above ON t.id = above.parent_id
)
SELECT
  (SELECT coalesce(jsonb_agg(jsonb_build_array(p.entity, p.action, p.scope, p.condition) ORDER BY c.depth DESC), '[]')
     FROM chain c JOIN accounts_rolepermission p ON p.role_id = c.id),
  (SELECT coalesce(jsonb_agg(jsonb_build_array(f.entity, f.field, f.level) ORDER BY c.depth DESC), '[]')
     FROM chain c JOIN accounts_fieldright f ON f.role_id = c.id),
  (SELECT bool_or(is_admin) FROM chain),
  (SELECT coalesce(jsonb_agg(u.id), '[]') FROM accounts_user u WHERE u.team_id IN (SELECT id FROM home)),
  (SELECT coalesce(jsonb_agg(u.id), '[]') FROM accounts_user u WHERE u.team_id IN (SELECT id FROM tree)),
  (SELECT coalesce(jsonb_agg(t.group_id), '[]') FROM accounts_team t
    WHERE t.id IN (SELECT id FROM above) AND t.group_id IS NOT NULL),
  (SELECT coalesce(jsonb_object_agg(name, value), '{{}}') FROM access_stamp),
  (SELECT coalesce(jsonb_agg(s.name), '[]') FROM ({shares}) s)
) AS rights"""
_STAMPS = 6  # their place in the row; they change with every definition, whatever one may see
_HELD = {
    "user_id": "SELECT '{0}' AS name WHERE EXISTS (SELECT FROM {0} WHERE user_id = {{user}})",
    "group_id": "SELECT '{0}' AS name WHERE EXISTS (SELECT FROM {0} WHERE group_id IN "
    "(SELECT t.group_id FROM accounts_team t WHERE t.id IN (SELECT id FROM above)))",
}
# Which tables hold the shares of single records, told by the policies.
_share_tables: dict[str, str] = {}


def looks_for_shares(table: str, *, by: str) -> None:
    """Make ``Rights.shared`` tell whether ``table`` holds a share with the user, or (by ``group_id``) a team."""
    _share_tables[table] = _HELD[by].format(table)
    _statement.cache_clear()


@dataclass(frozen=True)
class Cell:
    """To which rows an action reaches, and which criteria they must fulfil besides."""

    scope: str
    condition: dict[str, Any] | None = None


@dataclass
class Rights:
    """Everything that decides what one user sees and may do."""

    user_id: uuid.UUID
    is_admin: bool
    is_active: bool = True
    """Whether this is anybody at all: a deactivated or anonymous user has nothing, not even what all read."""
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    team_members: list[uuid.UUID] = field(default_factory=list)
    tree_members: list[uuid.UUID] = field(default_factory=list)
    group_ids: list[int] = field(default_factory=list)
    shared: frozenset[str] = frozenset()
    """The tables that hold any share with the user or his teams; the others need not be asked."""
    fingerprint: bytes = b""
    """Names everything above, for what is worked out once for the same rights; empty where that must not be."""

    def cell(self, entity: str, action: str) -> Cell:
        """Return the cell of the matrix; an administrator has ``all`` everywhere."""
        if self.is_admin:
            return Cell("all")
        return self.cells.get((entity, action), Cell("none"))

    def may(self, action: str, entity: str) -> bool:
        """Tell whether the action is allowed on any row at all."""
        return self.cell(entity, action).scope != "none"

    def owners(self, scope: str) -> list[uuid.UUID]:
        """Return the users whose records a scope reaches."""
        if scope == "team":
            return list({self.user_id, *self.team_members})
        if scope == "tree":
            return list({self.user_id, *self.tree_members})
        return [self.user_id]


def rights_of(user: Any) -> Rights:
    """Return the rights of ``user``, loading them once for this user object."""
    known: Rights | None = getattr(user, "_rights", None)
    if known is None:
        known = user._rights = _load(user)
    return known


def rights_of_role(role_id: uuid.UUID, user: Any = None) -> Rights:
    """Return what a role gives: to ``user`` if he had it, or (without one) to nobody in particular."""
    return _read(role_id, getattr(user, "team_id", None), getattr(user, "pk", None))


def forget_rights(user: Any) -> None:
    """Make the next question load the rights again (after a role change in a long-lived process)."""
    if hasattr(user, "_rights"):
        del user._rights


def _load(user: Any) -> Rights:
    if not isinstance(user, User) or not user.is_active:
        return Rights(user_id=getattr(user, "pk", None) or uuid.UUID(int=0), is_admin=False, is_active=False)
    return _read(user.role_id, user.team_id, user.pk)


def load_rights(people: Iterable[User]) -> None:
    """Load the rights of many users in one statement, so that ``rights_of`` has them."""
    wanted = [user for user in people if user.is_active and getattr(user, "_rights", None) is None]
    if not wanted:
        return
    statement = _statement(role="who.role_id", team="who.team_id", user="who.user_id")
    text = (
        "SELECT rights.* FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) WITH ORDINALITY AS who(role_id, team_id, user_id, place) "
        f"CROSS JOIN LATERAL {statement} ORDER BY who.place"
    )
    with connection.cursor() as cursor:
        cursor.execute(text, [[u.role_id for u in wanted], [u.team_id for u in wanted], [u.pk for u in wanted]])
        for user, row in zip(wanted, cursor.fetchall(), strict=True):
            user._rights = _made(row, user.pk)  # type: ignore[attr-defined]


@cache
def _statement(role: str, team: str, user: str) -> str:
    shares = " UNION ALL ".join(_share_tables.values()) or "SELECT NULL AS name WHERE false"
    return _SQL.format(shares=shares.format(user=user), role=role, team=team, user=user)


def _read(role_id: uuid.UUID, team_id: uuid.UUID | None, user_id: uuid.UUID | None) -> Rights:
    text = f"SELECT * FROM {_statement(role='%(role)s', team='%(team)s', user='%(user)s')}"
    with prepared_cursor() as cursor:
        cursor.execute(text, {"role": role_id, "team": team_id, "user": user_id})
        return _made(cursor.fetchone(), user_id)


def _made(row: Any, user_id: uuid.UUID | None) -> Rights:
    cells, fields, is_admin, team, tree, groups, seen, shared = (_json(v) for v in row)
    stamps.saw(seen)
    parts = [str(user_id), *(str(v) for at, v in enumerate(row) if at != _STAMPS)]
    rights = Rights(
        fingerprint=hashlib.blake2b("\n".join(parts).encode(), digest_size=20).digest(),
        user_id=user_id or uuid.UUID(int=0),
        is_admin=bool(is_admin),
        team_members=[uuid.UUID(i) for i in team],
        tree_members=[uuid.UUID(i) for i in tree],
        group_ids=groups,
        shared=frozenset(shared),
    )
    for entity, action, scope, condition in cells:
        rights.cells[entity, action] = Cell(scope, condition)
        if condition:
            rights.fingerprint = b""  # a condition may speak of today
    for entity, name, level in fields:
        rights.fields.setdefault(entity, {})[name] = level
    return rights


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


class WhoeverHas:
    """Whoever has a role, for the question what it may see."""

    pk = None
    is_active = True

    def __init__(self, role_id: uuid.UUID) -> None:
        self._rights = rights_of_role(role_id)
