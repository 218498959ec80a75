"""Undo of a change set: every row that it made, changed or removed goes back to what it was.

    preview = preview_undo(change_set, actor)      # counts, and what was edited since
    done = undo(change_set=change_set, actor=actor)

What somebody has edited or built upon since is listed first and left alone, with what it needs; the rest
goes back. ``force`` overwrites edits as well. An undo is a change set itself, so it can be undone.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.activity.events import ChangeSetUndone
from crm.activity.facts import publish
from crm.activity.intention import intend
from crm.activity.models import ActivityLog, ChangeSet
from crm.activity.undo.apply import apply_plan
from crm.activity.undo.plan import Plan, _run, block_columns, make_plan
from crm.activity.undo.tables import logged_tables
from crm.lib.errors import Conflict, Denied, Missing

__all__ = [
    "ENTRIES_AT_ONCE", "LIMIT", "Kept", "Plan", "UndoCount", "UndoPreview", "after_undo", "block_columns", "count_entries", "guards_undo",
    "preview_undo", "require_undo", "undo", "undone_by", "who_may_undo",
]

LIMIT = timedelta(days=30)
LISTED = 200

ENTRIES_AT_ONCE = 5_000
"""A change set with more entries than this is undone by a job."""

_may_undo: list[Callable[[Any, ChangeSet], bool]] = []
_guards: list[Callable[[Any, Plan], None]] = []
_after: "list[Callable[[list[UndoCount]], None]]" = []


def who_may_undo(function: Callable[[Any, ChangeSet], bool]) -> None:
    """Register who, besides the one who did it, may undo a change set."""
    _may_undo.append(function)


def guards_undo(function: Callable[[Any, Plan], None]) -> None:
    """Register what takes rows out of a plan that the actor may not touch."""
    _guards.append(function)


def after_undo(function: "Callable[[list[UndoCount]], None]") -> None:
    """Register what is called in the transaction of an undo with what it did to each model."""
    _after.append(function)


@dataclass(frozen=True)
class UndoCount:
    """What the undo does to one kind of row."""

    entity: str
    model: type[models.Model]
    removed: int = 0
    """Rows that the change set made and that go."""
    changed: int = 0
    """Rows that get their earlier values back."""
    restored: int = 0
    """Rows that the change set removed and that come back."""
    kept: int = 0
    """Rows that are left alone, wholly or in part."""


@dataclass(frozen=True)
class Kept:
    """A row that stays as it is: why, and who is behind it."""

    entity: str
    model: type[models.Model]
    record_id: str
    reason: str
    columns: list[str]
    change_set_id: uuid.UUID | None = None
    who: str = ""
    when: datetime | None = None
    detail: str = ""

    @property
    def sentence(self) -> str:
        """Return the reason in words."""
        return {
            "edited": _("Edited since"),
            "gone": _("Removed since"),
            "referenced": _("Something made since depends on it"),
            "needed": _("Needed by a record that stays"),
            "belongs": _("Part of a record that stays"),
            "there": _("Is already there again"),
            "target": _("What it belonged to is gone"),
            "refused": _("You may not change it any more"),
            "rule": _("Would break a rule by now"),
        }[self.reason]


@dataclass(frozen=True)
class UndoPreview:
    """What an undo does and what it leaves alone, conflicts first."""

    counts: list[UndoCount] = field(default_factory=list)
    conflicts: list[Kept] = field(default_factory=list)
    conflict_count: int = 0
    undone_by: ChangeSet | None = None

    @property
    def total(self) -> int:
        """Return how many rows go back."""
        return sum(c.removed + c.changed + c.restored for c in self.counts)


def preview_undo(change_set: ChangeSet, actor: Any, *, force: bool = False) -> UndoPreview:
    """Tell what an undo would do; nothing is written."""
    require_undo(change_set, actor)
    with transaction.atomic():
        plan = make_plan(change_set, force=force, guards=_bound(actor))
        preview = _describe(plan)
        transaction.set_rollback(True)
    return preview


def undo(*, change_set: ChangeSet, actor: Any, force: bool = False) -> ChangeSet:
    """Undo a change set and return the change set that did it. Raises ``Conflict``, ``Denied`` or ``Missing``."""
    require_undo(change_set, actor)
    name = change_set.label or change_set.get_source_display()
    label = (_("Redo: %(name)s") if change_set.undoes_id else _("Undo: %(name)s")) % {"name": _bare(name)}
    with intend(actor=actor, source=ChangeSet.Source.UNDO, label=label, undoes=change_set.pk, new=True) as intention:
        # Of two who undo the same thing at once, the second sees that it is done.
        ChangeSet.objects.select_for_update().get(pk=change_set.pk)
        if undone_by(change_set) is not None:
            raise Conflict(_("This has been undone already."))
        plan = make_plan(change_set, force=force, guards=_bound(actor))
        apply_plan(plan)
        found = _describe(plan)
        if not found.total:
            raise Conflict(_("Nothing of this can be undone any more."))
        for function in _after:
            function(found.counts)
        publish(
            ChangeSetUndone(
                change_set_id=change_set.pk,
                undone_by_id=intention.id,
                counts={c.entity: [c.removed, c.changed, c.restored, c.kept] for c in found.counts},
            ),
            entity="changeset",
        )
    return ChangeSet.objects.get(pk=intention.id)


def undone_by(change_set: ChangeSet) -> ChangeSet | None:
    """Return the change set that undid this one and has not been undone itself."""
    latest = ChangeSet.objects.filter(undoes=change_set).order_by("-created_at", "-id").first()
    return latest if latest is not None and undone_by(latest) is None else None


def count_entries(change_set: ChangeSet) -> int:
    """Return how many changes a change set made."""
    return ActivityLog.objects.filter(change_set_id=change_set.pk, kind=ActivityLog.Kind.CHANGE).count()


def require_undo(change_set: ChangeSet, actor: Any) -> None:
    """Refuse an undo that the actor may not do, that is too late, or of which nothing is left."""
    own = getattr(actor, "pk", None) is not None and change_set.user_id == actor.pk
    if not own and not any(may(actor, change_set) for may in _may_undo):
        raise Denied
    if change_set.created_at < timezone.now() - LIMIT:
        raise Conflict(_("Changes can be undone for %(days)d days.") % {"days": LIMIT.days})
    if not ActivityLog.objects.filter(change_set_id=change_set.pk, kind=ActivityLog.Kind.CHANGE).exists():
        raise Missing


def _bound(actor: Any) -> Iterable[Callable[[Plan], None]]:
    return [lambda plan, guard=guard: guard(actor, plan) for guard in _guards]  # type: ignore[misc]


def _bare(label: str) -> str:
    for start in (_("Undo: %(name)s") % {"name": ""}, _("Redo: %(name)s") % {"name": ""}):
        label = label.removeprefix(start)
    return label


def _describe(plan: Plan) -> UndoPreview:
    tables = {**logged_tables(), **plan.tables}
    counts = [
        UndoCount(tables[name].entity, tables[name].model, *numbers)
        for name, *numbers in _run(
            """SELECT tbl, count(*) FILTER (WHERE act = 'd' AND keep IS NULL),
                      count(*) FILTER (WHERE act = 'u' AND keep IS NULL AND before - blocked <> '{}'),
                      count(*) FILTER (WHERE act = 'i' AND keep IS NULL),
                      count(*) FILTER (WHERE keep IS NOT NULL OR (act = 'u' AND blocked <> '{}'))
                 FROM undo_plan GROUP BY tbl ORDER BY count(*) DESC, tbl"""
        )
    ]
    where = "(keep IS NOT NULL OR (act = 'u' AND blocked <> '{}')) AND NOT extra"
    rows = _run(
        f"""SELECT p.tbl, p.pk, coalesce(p.keep, 'edited'), p.blocked, p.by_set, p.detail, c.created_at,
                   coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.email, '')
              FROM undo_plan p LEFT JOIN activity_changeset c ON c.id = p.by_set LEFT JOIN accounts_user u ON u.id = c.user_id
             WHERE {where}
             ORDER BY array_position(ARRAY['edited', 'referenced', 'rule', 'refused', 'target'], coalesce(p.keep, 'edited')) NULLS LAST,
                      p.tbl, p.pk LIMIT {LISTED}"""
    )
    conflicts = [
        Kept(tables[t].entity, tables[t].model, pk, keep, blocked, by, who, when, detail)
        for t, pk, keep, blocked, by, detail, when, who in rows
    ]
    return UndoPreview(counts, conflicts, _run(f"SELECT count(*) FROM undo_plan WHERE {where}")[0][0])
