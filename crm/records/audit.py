"""The audit log in words: who did what to which record, with what each reader may see of it.

Administrators see every change. Others who may read the log see no field that is hidden from them and nothing
of records that they may not see. The words of a note are its author's in any case.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy, gettext_noop, pgettext_lazy
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, all_policies, field_rights, visible_to
from crm.access.rights import rights_of
from crm.accounts.models import User
from crm.activity.facts import words_of_facts
from crm.activity.models import ActivityLog, ChangeSet
from crm.activity.triggers import logged_models
from crm.lib.errors import Invalid
from crm.records.entity import Entity, all_entities, entity_of, has_entity
from crm.records.models import Comment, Note

WORDS: dict[str, Any] = {
    "created": pgettext_lazy("audit log", "created"), "updated": pgettext_lazy("audit log", "changed"),
    "deleted": pgettext_lazy("audit log", "moved to the trash"), "restored": pgettext_lazy("audit log", "restored"),
    "removed": pgettext_lazy("audit log", "removed"),
}
ACCESSES: dict[str, Any] = {
    "accounts.signed_in": gettext_lazy("signed in"), "accounts.sign_in_failed": gettext_lazy("failed to sign in"),
    "accounts.locked_out": gettext_lazy("locked out after too many attempts"), "accounts.signed_out": gettext_lazy("signed out"),
    "accounts.code_failed": gettext_lazy("gave a wrong second factor"),
    "accounts.factor_added": gettext_lazy("second factor set up"), "accounts.factor_removed": gettext_lazy("second factor removed"),
    "accounts.codes_made": gettext_lazy("recovery codes made"),
    "accounts.password_changed": gettext_lazy("password changed"), "accounts.address_changed": gettext_lazy("e-mail address changed"),
    "accounts.joined": gettext_lazy("invitation accepted"),
    "accounts.refresh_token_reused": gettext_lazy("a refresh token was used twice"),
    "accounts.links_guessed": gettext_lazy("links were guessed"), "accounts.sign_in_link_made": gettext_lazy("sign-in link made"),
    "accounts.invitation_printed": gettext_lazy("invitation link made"),
    "access.viewed_as_role": gettext_lazy("looked at Rapport as"),
    "audit.exported": gettext_lazy("audit log exported"), "records.exported": gettext_lazy("exported"),
    "records.viewed": gettext_lazy("opened"), "records.document_downloaded": gettext_lazy("document downloaded"),
    "deliveries.discarded": gettext_lazy("deliveries discarded"), "deliveries.waiting": gettext_lazy("deliveries tried again"),
}
# Tables without a name of ours go by Django's, in the reader's language.
_TABLES = (
    gettext_noop("Role permission"), gettext_noop("Field right"), gettext_noop("Invitation"), gettext_noop("Sign in link"),
    gettext_noop("Comment"), gettext_noop("Document version"), gettext_noop("External id"), gettext_noop("Notification choice"),
    gettext_noop("Workspace"), gettext_noop("Exchange rate"), gettext_noop("Customer user share"), gettext_noop("Customer team share"),
    gettext_noop("Company user share"), gettext_noop("Company team share"), gettext_noop("Deal user share"), gettext_noop("Deal team share"),
    gettext_noop("Deal product"), gettext_noop("Deal contact"), gettext_noop("Stage change"), gettext_noop("Call log"),
    gettext_noop("Meeting note"), gettext_noop("Group"), gettext_noop("Permission"),
)
_BOOKKEEPING = frozenset({"version", "updated_at", "created_at", "id", "rank", "auth_epoch"})
_PERSONAL = {Note: frozenset({"title", "content"}), Comment: frozenset({"content"})}


@dataclass(frozen=True)
class Changed:
    """One column that was changed, under the name people know it by."""

    name: str
    label: str
    before: Any
    after: Any
    before_text: str = ""
    after_text: str = ""


@dataclass(frozen=True)
class Line:
    """One row of the log as a user may see it."""

    entry: ActivityLog
    user: User | None
    words: str
    entity_label: str
    title: str = ""
    url: str = ""
    hidden: bool = False
    changes: list[Changed] = field(default_factory=list)
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Filters:
    """What of the log is asked for; every part is optional."""

    user: uuid.UUID | None = None
    kind: str = ""
    action: str = ""
    entity: str = ""
    entity_id: uuid.UUID | None = None
    change_set: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    ip_address: str = ""

    def narrow(self, rows: QuerySet[ActivityLog]) -> QuerySet[ActivityLog]:
        """Return the rows that fit."""
        if self.kind and self.kind not in ActivityLog.Kind.values:
            raise Invalid.field("kind", _("There is no kind “%(kind)s”.") % {"kind": self.kind})
        exact = {
            "user_id": self.user, "kind": self.kind, "action": self.action, "entity": self.entity,
            "entity_id": self.entity_id, "change_set_id": self.change_set, "ip_address": self.ip_address,
            "created_at__gte": self.since, "created_at__lt": self.until,
        }
        return rows.filter(**{k: v for k, v in exact.items() if v not in (None, "")})


def say(action: str) -> str:
    """Return what an action of the log is called; its stored name where nobody gave it words."""
    return str(WORDS.get(action) or ACCESSES.get(action) or words_of_facts().get(action, action))


def entries_for(user: Any, filters: Filters) -> QuerySet[ActivityLog]:
    """Return the rows of the log that a user may read, newest first."""
    return filters.narrow(visible_to(user, ActivityLog)).order_by("-id")


def entities() -> list[tuple[str, str]]:
    """Return the names and labels of everything the log tells of."""
    found = {name: _label(model) for model, name in logged_models().items()}
    found |= {name: str(of.label) for name, of in all_entities().items()}
    return sorted(found.items(), key=lambda pair: pair[1].casefold())


def lines(entries: Iterable[ActivityLog], user: Any) -> list[Line]:
    """Return rows of the log in words, in a fixed number of statements."""
    rows = list(entries)
    people = User.objects.in_bulk({r.user_id for r in rows if r.user_id})
    by_table = {str(m._meta.db_table): m for m in logged_models()}
    by_entity = {name: of.model for name, of in all_entities().items()}
    whole = user is SYSTEM or rights_of(user).is_admin
    seen: dict[type[models.Model], dict[Any, str]] = {}
    wanted: dict[type[models.Model], set[Any]] = {}
    for row in rows:
        model = by_entity.get(row.entity) or by_table.get(row.table_name)
        if model is not None and row.entity_id:
            wanted.setdefault(model, set()).add(row.entity_id)
    for model, ids in wanted.items():
        if model in all_policies() and isinstance(model._meta.pk, models.UUIDField):
            found = model._base_manager.filter(pk__in=ids)
            found = found if user is SYSTEM else visible_to(user, found)
            # Some are named after what they belong to.
            seen[model] = {o.pk: str(o) for o in found.select_related()}
    return [_line(r, people, by_entity.get(r.entity) or by_table.get(r.table_name), seen, user, whole) for r in rows]


def _line(
    row: ActivityLog, people: dict[Any, User], model: type[models.Model] | None,
    seen: dict[type[models.Model], dict[Any, str]], user: Any, whole: bool,
) -> Line:
    titles = seen.get(model, {}) if model else {}
    known = row.entity_id in titles
    of = entity_of(model) if model is not None and has_entity(model) else None
    hidden = not whole and row.entity_id is not None and not known and row.user_id != getattr(user, "pk", None)
    changes = [] if hidden or row.kind != ActivityLog.Kind.CHANGE else _changes(row, model, of, user, whole)
    payload = {} if hidden or row.kind == ActivityLog.Kind.CHANGE else dict(row.changes)
    return Line(
        entry=row, user=people.get(row.user_id) if row.user_id else None,
        words=say(row.action), entity_label=_label(model) if model else gettext("Job") if row.entity == "job" else row.entity,
        title="" if hidden else titles.get(row.entity_id, ""),
        url=of.url(row.entity_id) if of is not None and known and "pages" in of.abilities else "",
        hidden=hidden, changes=changes, payload=payload,
    )


def _changes(
    row: ActivityLog, model: type[models.Model] | None, of: Entity | None, user: Any, whole: bool
) -> list[Changed]:
    names: dict[str, tuple[str, str]] = {}
    if of is not None:
        for f in of.own_fields.values():
            if not f.computed and f.kind != "tags" and "__" not in f.source:
                column = str(getattr(of.model._meta.get_field(f.source), "column", f.source))
                names[column] = (f.name, str(f.label))
    rights = field_rights(user, model) if model in all_policies() and not whole else None
    personal = _PERSONAL.get(model, frozenset()) if model else frozenset()  # type: ignore[call-overload]
    if row.user_id is not None and row.user_id == getattr(user, "pk", None):
        personal = frozenset()
    found = []
    for column, pair in row.changes.items():
        name, label = names.get(column) or (column.removesuffix("_id"), _column_label(model, column))
        if column in _BOOKKEEPING or (rights is not None and not rights.can_read(name)):
            continue
        before, after = ("•••" if v is not None and column in personal else v for v in pair)
        if column == "custom" and rights is not None:
            before, after = ({k: v for k, v in (x or {}).items() if rights.can_read(f"custom.{k}")} for x in (before, after))
        found.append(Changed(name, label, before, after))
    return found


def _column_label(model: type[models.Model] | None, column: str) -> str:
    """Return what a column without a field of its own is called: by its model, or by its name."""
    known = next((f for f in model._meta.concrete_fields if f.column == column), None) if model else None
    return str(known.verbose_name) if known is not None else column.removesuffix("_id").replace("_", " ")


def _label(model: type[models.Model]) -> str:
    if has_entity(model):
        return str(entity_of(model).label)
    if model._meta.auto_created:  # what stands between two tables, say customers and their tags
        first, second = (f.related_model for f in model._meta.concrete_fields if f.many_to_one)
        return f"{_label(first)} – {_label(second)}"
    return gettext(capfirst(str(model._meta.verbose_name)))


def change_sets_for(user: Any) -> QuerySet[ChangeSet]:
    """Return the change sets that a user may see: his own, and by the matrix those of others."""
    return visible_to(user, ChangeSet).select_related("user").order_by("-created_at", "-id")
