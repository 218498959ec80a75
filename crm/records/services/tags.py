"""Tags as a whole: rename, merge, delete. Single records are tagged by editing them."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import require
from crm.activity.intention import relabel, verb
from crm.lib.errors import Invalid
from crm.records.entity import all_entities
from crm.records.fields import Kind
from crm.records.models import Tag
from crm.records.services.records import delete_record, update_record


@verb
def rename_tag(*, tag: Tag, name: str, actor: Any) -> Tag:
    """Give a tag another name; one that exists is a conflict (merge them instead)."""
    relabel(_("Rename tag"))
    found: Tag = update_record(obj=tag, data={"name": name}, actor=actor)
    return found


@verb
def merge_tags(*, survivor: Tag, others: Iterable[Tag], actor: Any) -> int:
    """Put ``survivor`` wherever one of ``others`` was, and remove those; return how many records were changed."""
    gone = [tag for tag in others if tag.pk != survivor.pk]
    if not gone:
        raise Invalid.field("others", _("Name at least one other tag."))
    require(actor, "change", survivor)
    for tag in gone:
        require(actor, "delete", tag)
    relabel(_("Merge tags"))
    keys, changed = [t.pk for t in gone], 0
    for through, column in tag_tables():
        rows = through._default_manager.filter(tag__in=keys)
        owners = set(rows.values_list(f"{column}_id", flat=True))
        tagged = set(
            through._default_manager.filter(tag=survivor, **{f"{column}__in": owners}).values_list(f"{column}_id", flat=True)
        )
        rows.delete()
        through._default_manager.bulk_create(
            through(tag=survivor, **{f"{column}_id": pk}) for pk in sorted(owners - tagged, key=str)
        )
        changed += len(owners)
    Tag.objects.filter(pk__in=keys).delete()
    return changed


@verb
def delete_tag(*, tag: Tag, actor: Any) -> None:
    """Remove a tag from every record and for good (the change set's undo brings both back)."""
    relabel(_("Delete tag"))
    delete_record(obj=tag, actor=actor)


def tag_tables() -> list[tuple[Any, str]]:
    """Return the tables that tie tags to records, each with the name of the column of the record."""
    found = []
    for of in all_entities().values():
        if any(f.kind == Kind.TAGS for f in of.fields):
            field: Any = of.model._meta.get_field("tags")
            found.append((field.remote_field.through, str(field.m2m_field_name())))
    return found
