"""Validation in one place: the same for forms, API, import and workflows (A24).

``clean`` takes public field names and loose values, and returns what the model takes; everything that is
wrong comes back at once, each with its field.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.core.validators import RegexValidator
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from crm.access.policy import SYSTEM, allows, field_rights, policy_of, visible_to
from crm.access.rights import rights_of
from crm.lib.errors import Denied, Detail, Invalid
from crm.lib.text import fold
from crm.records.entity import Entity, entity
from crm.records.fields import LINKS, Field, Kind
from crm.records.models import Tag
from crm.records.services.values import Bad, to_python


@dataclass
class Cleaned:
    """Values ready for the model: attributes, custom fields, and tags (None when not given)."""

    values: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    tags: list[Tag] | None = None
    names: set[str] = field(default_factory=set)
    """The public names that were given."""


def clean(
    of: Entity, data: dict[str, Any], *, actor: Any, obj: Any = None, creating: bool = False
) -> Cleaned:
    """Check and convert ``data`` for a record of entity ``of``; raise ``Invalid`` with every detail."""
    problems: list[Detail] = []
    cleaned = Cleaned()
    rights = field_rights(actor, of.model)
    for key, f, value, where in _flatten(of, data, problems):
        if f is None or not rights.can_read(key):
            problems.append(Detail(where, _("Unknown field “%(name)s”.") % {"name": where}))
            continue
        if not f.writable or f.computed or not rights.can_write(key):
            problems.append(Detail(where, _("“%(name)s” cannot be written.") % {"name": where}))
            continue
        converted: Any
        try:
            if f.kind in LINKS:
                # A row instead of its id comes from a verb that has read it, and has asked for what it had to.
                converted = value if isinstance(value, Model) else _resolve(f, to_python(f, value), actor, obj)
            else:
                converted = to_python(f, value)
                converted = _tags(converted, actor) if f.kind == Kind.TAGS else converted
        except Bad as bad:
            problems.extend(Detail(".".join(p for p in (where, bad.at) if p), m) for m in bad.messages)
            continue
        if not _empty(converted) and (said := _unlike(of, f, converted)):
            problems.append(Detail(where, said))
            continue
        if _empty(converted) and (f.required or always_filled(of, f)):
            problems.append(Detail(where, _("This field is required.")))
            continue
        cleaned.names.add(key)
        if f.custom:
            cleaned.custom[f.name] = converted
        elif f.kind == Kind.TAGS:
            cleaned.tags = converted
        else:
            cleaned.values[f.source] = converted
    if creating:
        for key, f in of.all_fields().items():
            if f.required and f.writable and key not in cleaned.names and f.default is None and rights.can_write(key):
                if not any(d.field == key for d in problems):
                    problems.append(Detail(key, _("This field is required.")))
    if problems:
        raise Invalid(_message(problems), details=problems)
    return cleaned


def _message(problems: list[Detail]) -> str:
    if len(problems) == 1:
        return f"{problems[0].field}: {problems[0].message}" if problems[0].field else problems[0].message
    return _("%(count)d fields are not valid.") % {"count": len(problems)}


def _flatten(of: Entity, data: Any, problems: list[Detail]) -> list[tuple[str, Field | None, Any, str]]:
    if not isinstance(data, dict):
        problems.append(Detail("", _("An object with fields is expected.")))
        return []
    found: list[tuple[str, Field | None, Any, str]] = []
    for key, value in data.items():
        key = str(key)
        if key == "custom" and "custom" in of.abilities:
            if not isinstance(value, dict):
                problems.append(Detail("custom", _("An object with custom fields is expected.")))
                continue
            for name, inner in value.items():
                dotted = f"custom.{name}"
                found.append((dotted, of.field(dotted), inner, dotted))
        else:
            found.append((key, of.field(key), value, key))
    return found


def _empty(value: Any) -> bool:
    return value is None or value == "" or value == []


def pattern_of(of: Entity, f: Field) -> str:
    """Return the regular expression that the column of a field demands, empty for none."""
    rule = _rule(of, f)
    return rule.regex.pattern if rule is not None else ""


def _rule(of: Entity, f: Field) -> Any:
    """Return the validator with the pattern of a field's column."""
    if f.custom or f.computed or f.kind != Kind.TEXT:
        return None
    column = of.model._meta.get_field(f.source)
    return next((v for v in getattr(column, "validators", ()) if type(v) is RegexValidator), None)


def _unlike(of: Entity, f: Field, value: Any) -> str:
    """Return what is wrong with a text that has not the form its column demands."""
    rule = _rule(of, f)
    if rule is None or rule.regex.search(str(value)):
        return ""
    return _("“%(value)s” has not the form that is expected.") % {"value": str(value)[:60]}


def always_filled(of: Entity, f: Field) -> bool:
    """Tell whether the column of a field always holds something, if only its default."""
    if f.custom or f.kind == Kind.TAGS:
        return False
    column = of.model._meta.get_field(f.source)
    return not (getattr(column, "null", True) or getattr(column, "blank", True))


def _resolve(f: Field, value: Any, actor: Any, obj: Any) -> Any:
    """Return the row that a link names: by id, or by title where the field allows it."""
    if value is None:
        return None
    target = entity("user" if f.kind == Kind.USER else f.link)
    # What already stands there may be written back by someone who cannot see it.
    if obj is not None and isinstance(value, uuid.UUID):
        if f.custom and obj.custom.get(f.name) == str(value):
            return str(value)
        if not f.custom and getattr(obj, f"{f.source}_id", None) == value:
            return getattr(obj, f.source)
    queryset = visible_to(actor, target.model)
    if isinstance(value, uuid.UUID):
        found = queryset.filter(pk=value).first()
        if found is None:
            raise Bad(_("There is no such %(what)s.") % {"what": target.label})
    elif f.kind == Kind.USER:
        found = queryset.filter(email__iexact=value).first()
        if found is None:
            raise Bad(_("There is no such user: “%(value)s”.") % {"value": value})
    else:
        found = target.find(queryset, value)
        if found is None and f.find_or_make and (actor is SYSTEM or allows(actor, "create", target.model)):
            found = _make_once(target, queryset, value, actor)
        if found is None:
            raise Bad(_("There is no %(what)s called “%(value)s”.") % {"what": target.label, "value": value})
    if f.kind == Kind.USER and not found.is_active and (obj is None or getattr(obj, f"{f.source}_id", None) != found.pk):
        raise Bad(_("%(name)s is deactivated.") % {"name": found})
    return str(found.pk) if f.custom else found


def _make_once(target: Entity, queryset: Any, title: str, actor: Any) -> Any:
    """Make a record by its title, unless somebody else has just done so: they are let go first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{target.name}:{fold(title)}"])
    return target.find(queryset.all(), title) or target.make(title, actor)


def _tags(names: list[str], actor: Any) -> list[Tag]:
    """Return the tags of these names or ids, made where they are missing."""
    known: dict[str, Tag | None] = {}
    # In one order for everybody: two who make the same tags wait for each other only one way.
    for name in sorted(names, key=str.casefold):
        try:
            known[name] = Tag.objects.filter(pk=uuid.UUID(name)).first()
        except ValueError:
            known[name] = _tag_named(name)
    found: list[Tag] = []
    for name in names:
        tag = known[name]
        if tag is None:
            raise Bad(_("There is no such tag."))
        if tag not in found:
            found.append(tag)
    return found


def _tag_named(name: str) -> Tag | None:
    """Return the tag of a name, made if need be; of those who make it at once, one does and the others find it."""
    same = Tag.objects.filter(name__iexact=name)
    tag = same.first()
    if tag is None:
        try:
            with transaction.atomic():
                tag = Tag.objects.create(name=name)
        except IntegrityError:
            tag = same.all().first()
    return tag


def check_owner(of: Entity, owner: Any, actor: Any, *, creating: bool) -> None:
    """Refuse an owner outside the actor's reach: others may be named only with the right to assign."""
    if actor is SYSTEM or owner is None or owner.pk == getattr(actor, "pk", None):
        return
    from_matrix = _assignable(of, actor)
    if from_matrix is not None and owner.pk not in from_matrix:
        raise Denied(
            _("You may not assign this to %(name)s.") % {"name": owner},
            details=[Detail(of.owner or "", _("You may not assign this to %(name)s.") % {"name": owner})],
        )


def _assignable(of: Entity, actor: Any) -> set[Any] | None:
    """Return whom the actor may name as owner; None for anyone."""
    rights = rights_of(actor)
    cell = rights.cell(policy_of(of.model).entity, "assign")
    if cell.scope == "all":
        return None
    return set() if cell.scope == "none" else set(rights.owners(cell.scope))
