"""Custom fields: made, changed, put away. A definition that is in use keeps its key, entity and kind."""

import re
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from crm.access import stamps
from crm.access.policy import require
from crm.activity.intention import relabel, verb
from crm.lib.errors import Detail, Invalid
from crm.lib.text import clean_line, has_unstorable
from crm.records.customfields import STAMP
from crm.records.entity import all_entities
from crm.records.models import CustomField, Record
from crm.records.models.tag import HUES
from crm.records.services.records import create_record, update_record

KEY = re.compile(r"^[a-z][a-z0-9_]{0,59}$")
MAX_CHOICES = 500
WITH_CHOICES = {CustomField.Kind.CHOICE, CustomField.Kind.MULTI_CHOICE}
WITH_LENGTH = {CustomField.Kind.TEXT, CustomField.Kind.LONG_TEXT}
WITH_LIMITS = {CustomField.Kind.NUMBER, CustomField.Kind.MONEY}
FIXED = ("entity", "key", "kind", "link_entity")


@verb
def create_custom_field(*, data: dict[str, Any], actor: Any) -> CustomField:
    """Define a field; it is in every form, list, filter, import, export and API at once."""
    found: CustomField = create_record(of="custom_field", data=data, actor=actor)
    return found


@verb
def update_custom_field(
    *, field: CustomField, data: dict[str, Any], actor: Any, version: int | None = None
) -> CustomField:
    """Change a definition. Entity, key and kind are fixed once a record has a value."""
    found: CustomField = update_record(obj=field, data=data, actor=actor, version=version)
    return found


@verb
def archive_custom_field(*, field: CustomField, actor: Any) -> CustomField:
    """Put a definition away: it leaves every form and list, and the values stay in the records."""
    return _archived(field, actor, True)


@verb
def unarchive_custom_field(*, field: CustomField, actor: Any) -> CustomField:
    """Bring a definition back, with its values."""
    return _archived(field, actor, False)


def _archived(field: CustomField, actor: Any, away: bool) -> CustomField:
    require(actor, "change", field)
    field = CustomField.objects.select_for_update().get(pk=field.pk)
    relabel(_("Archive custom field") if away else _("Restore custom field"))
    field.archived_at = timezone.now() if away else None
    field.version += 1
    field.save(update_fields=["archived_at", "version", "updated_at"])
    stamps.bump(STAMP)
    return field


def is_used(field: CustomField) -> bool:
    """Tell whether any record, the trashed ones included, has a value."""
    of = all_entities().get(field.entity)
    if of is None or not issubclass(of.model, Record):
        return False
    return bool(of.model.everything.filter(custom__has_key=field.key).exists())


def problems_of(draft: CustomField, before: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with a definition, as ``(field, sentence)``."""
    found: list[tuple[str, str]] = []
    of = all_entities().get(draft.entity)
    if of is None or "custom" not in of.abilities:
        names = ", ".join(sorted(n for n, e in all_entities().items() if "custom" in e.abilities))
        return [("entity", _("Custom fields are possible on: %(names)s.") % {"names": names})]
    if not KEY.match(draft.key):
        found.append(("key", _("A key has small letters, digits and underscores, and begins with a letter.")))
    elif draft.key in of.own_fields:
        found.append(("key", _("“%(key)s” is a field of its own already.") % {"key": draft.key}))
    if before and any(before.get(name) != getattr(draft, name) for name in FIXED):
        if is_used(CustomField(entity=before["entity"], key=before["key"])):
            name = next(n for n in FIXED if before.get(n) != getattr(draft, n))
            found.append((name, _("Records have values of this field; this cannot be changed any more.")))
    found.extend(_shape(draft))
    return found


def _shape(draft: CustomField) -> list[tuple[str, str]]:
    """Check what only some kinds have."""
    found: list[tuple[str, str]] = []
    if draft.kind in WITH_CHOICES:
        try:
            draft.choices = clean_choices(draft.choices)
        except Invalid as refusal:
            found.extend((d.field, d.message) for d in refusal.details)
    elif draft.choices:
        found.append(("choices", _("Only choice fields have choices.")))
    if draft.kind == CustomField.Kind.LINK:
        target = all_entities().get(draft.link_entity)
        if target is None or "api" not in target.abilities:
            found.append(("link_entity", _("Name the entity that it links to.")))
    elif draft.link_entity:
        found.append(("link_entity", _("Only links have a target.")))
    if draft.max_length and draft.kind not in WITH_LENGTH:
        found.append(("max_length", _("Only texts have a length.")))
    if (draft.min_value is not None or draft.max_value is not None) and draft.kind not in WITH_LIMITS:
        found.append(("min_value", _("Only numbers have limits.")))
    if draft.min_value is not None and draft.max_value is not None and draft.min_value > draft.max_value:
        found.append(("max_value", _("The most must not be below the least.")))
    return found


def clean_choices(choices: Any) -> list[dict[str, str]]:
    """Return choices as ``[{"value", "label", "hue"?}]``; plain texts are values and labels at once."""
    if not isinstance(choices, list) or not choices:
        raise Invalid.field("choices", _("A choice field needs at least one choice."))
    if len(choices) > MAX_CHOICES:
        raise Invalid.field("choices", _("At most %(limit)d choices.") % {"limit": MAX_CHOICES})
    made: list[dict[str, str]] = []
    for i, item in enumerate(choices):
        item = {"value": item} if isinstance(item, str) else item
        if not isinstance(item, dict) or item.keys() - {"value", "label", "hue"}:
            raise _wrong(i, _("A choice has “value”, “label” and “hue”."))
        value, label = item.get("value"), item.get("label") or item.get("value")
        if not isinstance(value, str) or not isinstance(label, str) or has_unstorable(value + label):
            raise _wrong(i, _("A text is expected."))
        value, label, hue = clean_line(value), clean_line(label), item.get("hue") or ""
        if not 0 < len(value) <= 120 or not 0 < len(label) <= 120:
            raise _wrong(i, _("A choice has 1 to 120 characters."))
        if hue and hue not in HUES:
            raise _wrong(i, _("The colour is one of: %(hues)s.") % {"hues": ", ".join(HUES)})
        if any(m["value"].casefold() == value.casefold() for m in made):
            raise _wrong(i, _("“%(value)s” is there twice.") % {"value": value})
        made.append({"value": value, "label": label, **({"hue": hue} if hue else {})})
    return made


def _wrong(i: int, message: str) -> Invalid:
    return Invalid(message, details=[Detail(f"choices.{i}", message)])
