"""Acts on many records at once: each in a few statements, all under one change set, so one Undo takes all back."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import visible_to
from crm.activity.intention import intend
from crm.jobs.engine import enqueue
from crm.lib.errors import Detail, Invalid, Refusal
from crm.lists.query import matching
from crm.lists.state import ListState
from crm.records.entity import Entity
from crm.records.services import (
    archive_record,
    create_record,
    delete_record,
    restore_record,
    unarchive_record,
    update_record,
)
from crm.records.services.records import visible_trash

AT_ONCE = 200
"""More than this becomes a job with progress."""

LABELS = {
    "delete": gettext_lazy("Delete"),
    "restore": gettext_lazy("Restore"),
    "archive": gettext_lazy("Archive"),
    "unarchive": gettext_lazy("Unarchive"),
    "assign": gettext_lazy("Assign"),
    "tag": gettext_lazy("Tag"),
    "set": gettext_lazy("Change"),
    "task": gettext_lazy("Create tasks"),
}


def chosen(state: ListState, ids: list[str], everything: bool, action: str = "") -> Any:
    """Return the rows that were selected: by id, or all that match; what is to be restored is in the trash."""
    if action == "restore":
        return visible_trash(state.user, state.entity.model).filter(pk__in=ids)
    if everything:
        return matching(state)
    return visible_to(state.user, state.entity.model).filter(pk__in=ids)


def act_on_one(of: Entity, obj: Any, action: str, values: dict[str, Any], actor: Any) -> None:
    """Do the act to one record through its verb."""
    if action == "delete":
        delete_record(obj=obj, actor=actor)
    elif action == "restore":
        restore_record(obj=obj, actor=actor)
    elif action == "archive":
        archive_record(obj=obj, actor=actor)
    elif action == "unarchive":
        unarchive_record(obj=obj, actor=actor)
    elif action == "tag":
        removed = {n.casefold() for n in values.get("remove", [])}
        kept = [t.name for t in obj.tags.all() if not {t.name.casefold(), str(t.pk)} & removed]
        wanted = kept + list(values.get("add", []))
        update_record(obj=obj, data={"tags": wanted}, actor=actor)
    elif action in ("assign", "set"):
        update_record(obj=obj, data=values, actor=actor)
    elif action == "task":
        # Whoever is responsible for a record gets its task, unless somebody is named.
        person = values.get("assigned_user") or getattr(obj, f"{of.owner}_id", None) or actor.pk
        create_record(of="task", data={**values, "assigned_user": str(person), of.name: str(obj.pk)}, actor=actor)
    else:
        raise Invalid(_("There is no such act."))


def run_now(state: ListState, ids: list[str], everything: bool, action: str, values: dict[str, Any]) -> tuple[int, list[Detail], Any]:
    """Do the act at once; return how many it was done to, what was refused, and the change set's id."""
    rows = list(chosen(state, ids, everything, action)[: AT_ONCE + 1])
    done, refused = 0, []
    with intend(actor=state.user, label=str(LABELS[action])) as intention:
        for obj in rows:
            try:
                with transaction.atomic():
                    act_on_one(state.entity, obj, action, values, state.user)
                done += 1
            except Refusal as error:
                refused.append(Detail(str(obj), str(error.message)))
    return done, refused, intention.id


def start(state: ListState, ids: list[str], everything: bool, action: str, values: dict[str, Any]) -> Any:
    """Hand the act to a background job; the filter travels, not the rows."""
    params = {
        "entity": state.entity.name, "action": action, "values": values, "ids": [] if everything else ids,
        "criteria": state.tree, "q": state.q, "archived": state.archived, "everything": everything,
    }
    return enqueue("lists.bulk", params=params, user=state.user, label=f"{LABELS[action]}: {state.entity.label_plural}")
