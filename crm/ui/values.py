"""How the value of a field looks: in a cell, on the record page, in a sentence."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from crm.access.policy import EVERYTHING, SYSTEM, allows, field_rights, policy_of, visible_to
from crm.access.rights import rights_of
from crm.records.entity import Entity, entity
from crm.records.fields import Field, Kind
from crm.ui.figures import money, number, when
from crm.ui.marks import avatar, badge, icon, mark, tag

M = TypeVar("M", bound=Model)
EMPTY = mark_safe("")
SEEN = "seen_"
"""Prefix of the annotations that tell whether the viewer may see what a row links to."""


def value_of(obj: Any, field: Field) -> Any:
    """Return the raw value of a field of a record."""
    if field.custom:
        return obj.custom.get(field.name)
    if field.kind == Kind.TAGS:
        return list(obj.tags.all())
    if field.computed:
        return getattr(obj, field.name, None)
    found = obj
    for part in str(field.extra.get("display") or field.source).split("__"):
        found = getattr(found, part, None)
    return found


def sees_everything(user: Any, model: Any, action: str = "view") -> bool:
    """Tell whether every row of a model is open to the user, so that no single one must be asked about."""
    return user is SYSTEM or policy_of(model).rows(rights_of(user), user, action) == EVERYTHING


def may(user: Any, action: str, obj: Any) -> bool:
    """Tell whether the user may do an action to a record; without a query where he may do it to all."""
    return sees_everything(user, type(obj), action) or allows(user, action, obj)


def settled(field: Field) -> Field:
    """Return the field with its choices read once, for drawing many rows."""
    return replace(field, choices=field.options, choices_from=None) if field.choices_from else field


def with_links(queryset: QuerySet[Any], of: Entity, fields: Iterable[Field], user: Any) -> QuerySet[Any]:
    """Fetch what the fields show along with the rows, and whether the viewer may see each linked record."""
    joined, prefetched, annotated = [], [], {}
    for f in fields:
        if f.custom:
            continue
        if f.computed and f.expression is not None:
            annotated[f.name] = f.expression(user)
        elif f.kind == Kind.TAGS:
            prefetched.append("tags")
        elif f.kind in (Kind.LINK, Kind.USER):
            joined.append(f.source)
            if f.kind == Kind.LINK:
                target = entity(f.link).model
                if not sees_everything(user, target):
                    annotated[SEEN + f.name] = Exists(visible_to(user, target).filter(pk=OuterRef(f"{f.source}_id")))
    rows = queryset.select_related(*joined) if joined else queryset
    return rows.prefetch_related(*prefetched).annotate(**annotated)


def with_sight(queryset: QuerySet[Any], of: Entity, user: Any) -> QuerySet[Any]:
    """Fetch all that the rows link to, and whether the viewer may see it: what a whole record needs to be drawn."""
    links = [f for f in of.own_fields.values() if f.kind == Kind.LINK and not f.computed]
    return with_links(queryset, of, links, user).select_related(*of.list_related())


def for_eyes(rows: Iterable[M], of: Entity, user: Any) -> list[M]:
    """Return rows as their viewer may see them: what is hidden and what he may not follow is blank.

    For rooms that draw rows by hand; such a row is for drawing only and never saved. Without ``with_links``
    it takes one statement for each kind of link, and none for those who see everything.
    """
    found = list(rows)
    hidden = [f for k, f in of.own_fields.items() if not field_rights(user, of.model).can_read(k) and k not in of.title]
    for f in of.own_fields.values():
        if f.kind != Kind.LINK or f.computed or sees_everything(user, entity(f.link).model):
            continue
        open_rows = [r for r in found if getattr(r, f"{f.source}_id", None) and not hasattr(r, SEEN + f.name)]
        asked = {getattr(r, f"{f.source}_id") for r in open_rows}
        seen = set(visible_to(user, entity(f.link).model).filter(pk__in=asked).values_list("pk", flat=True)) if asked else set()
        for row in found:
            if not getattr(row, SEEN + f.name, getattr(row, f"{f.source}_id", None) in seen):
                setattr(row, f.source, None)
    for f in hidden:
        for row in found if not f.computed and f.kind != Kind.TAGS and "__" not in f.source else ():
            setattr(row, f.source, None)
    return found


def is_seen(obj: Any, field: Field) -> bool:
    """Tell whether the viewer may see what a record fetched ``with_links`` links to."""
    return bool(getattr(obj, SEEN + field.name, True))


def record_url(of: Entity, pk: Any) -> str:
    """Return the page of a record, or nothing for reference data."""
    return of.url(pk) if "pages" in of.abilities else ""


def record_mark(of: Entity, obj: Any, classes: str = "") -> SafeString:
    """Draw a record: people round, organisations square, everything else as its icon."""
    if of.name in ("customer", "user"):
        return avatar(obj, classes, False)
    if of.name == "company":
        return mark(str(obj), obj.pk, classes)
    return mark(str(obj), obj.pk, classes, of.hue, of.icon)


def display(obj: Any, field: Field, *, link: bool = True, titles: dict[str, str] | None = None) -> SafeString:
    """Draw the value of a field of a record; nothing for an empty one."""
    value = value_of(obj, field)
    if value is None or value == "" or value == [] or value == {}:
        return EMPTY
    if field.kind == Kind.LINK and not field.custom and not is_seen(obj, field):
        return format_html('<span class="text-subtle" title="{}">{}</span>', _("You have no access to it"), _("Hidden"))
    currency = str(getattr(obj, field.currency, "") or "") if field.currency else ""
    return draw(field, value, link=link, currency=currency, titles=titles)


def draw(field: Field, value: Any, *, link: bool = True, currency: str = "", titles: dict[str, str] | None = None) -> SafeString:
    """Draw a value by its field's kind."""
    function = _DRAW.get(field.kind)
    if function is not None:
        return function(field, value, link, currency, titles or {})
    return format_html('<span class="tx">{}</span>', value)


def _boolean(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    return format_html('<span class="yn">{}{}</span>', icon("check" if v else "minus", "icon-sm"), _("Yes") if v else _("No"))


def _choice(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    found = f.choice(v)
    if found is None:
        return format_html("{}", v)
    return tag(found.label, found.hue) if found.hue and not found.tone else badge(found.label, found.tone)


def _choices(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    return format_html_join(" ", "{}", ((_choice(f, one, link, currency, titles),) for one in v))


def _tags(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    return format_html_join("", "{}", ((tag(t.name, t.hue),) for t in v))


def _user(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    name: Any = titles.get(str(v), v) if f.custom else v
    return format_html('<span class="who">{}<span>{}</span></span>', avatar(name, "av-sm", False), name)


def _link(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    target = entity(f.link)
    title = titles.get(str(v), "–") if f.custom else str(v)
    url = record_url(target, v if f.custom else v.pk)
    hue = getattr(v, "hue", "") if not f.custom else ""
    if link and url:
        return format_html('<a class="rlink" href="{}" data-record>{}</a>', url, title)
    return tag(title, hue) if hue else format_html('<span class="tx">{}</span>', title)


def _url(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    shown = str(v).removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
    if not link:
        return format_html('<span class="tx">{}</span>', shown)
    return format_html('<a class="rlink" href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>', v, shown)


def _email(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    return format_html('<a class="rlink" href="mailto:{}">{}</a>', v, v) if link else format_html('<span class="tx">{}</span>', v)


def _phone(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    return format_html('<a class="rlink num" href="tel:{}">{}</a>', v, v) if link else format_html('<span class="tx num">{}</span>', v)


def _address(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    town = " ".join(p for p in (v.get("postal_code"), v.get("city")) if p)
    parts = [v.get("line1"), v.get("line2"), town, v.get("region"), v.get("country")]
    return format_html('<span class="tx">{}</span>', ", ".join(p for p in parts if p))


_DRAW: dict[Kind, Any] = {
    Kind.BOOLEAN: _boolean,
    Kind.CHOICE: _choice,
    Kind.MULTI_CHOICE: _choices,
    Kind.TAGS: _tags,
    Kind.USER: _user,
    Kind.LINK: _link,
    Kind.URL: _url,
    Kind.EMAIL: _email,
    Kind.PHONE: _phone,
    Kind.ADDRESS: _address,
    Kind.MONEY: lambda f, v, link, currency, titles: format_html('<span class="num">{}</span>', money(v, currency)),
    Kind.NUMBER: lambda f, v, link, currency, titles: format_html('<span class="num">{}</span>', number(v)),
    Kind.INTEGER: lambda f, v, link, currency, titles: format_html('<span class="num">{}</span>', number(v)),
    Kind.DATE: lambda f, v, link, currency, titles: when(v),
    Kind.DATETIME: lambda f, v, link, currency, titles: when(v),
    Kind.LONG_TEXT: lambda f, v, link, currency, titles: format_html('<span class="tx long">{}</span>', v),
}


def titles_of(objects: Iterable[Any], fields: Iterable[Field], user: Any) -> dict[str, str]:
    """Return the titles of what custom fields link to, as far as the viewer may see it: one query for each kind."""
    wanted: dict[str, set[str]] = {}
    for f in fields:
        if f.custom and f.kind in (Kind.LINK, Kind.USER):
            name = "user" if f.kind == Kind.USER else f.link
            wanted.setdefault(name, set()).update(str(o.custom[f.name]) for o in objects if o.custom.get(f.name))
    found: dict[str, str] = {}
    for name, ids in wanted.items():
        if ids:
            found.update({str(o.pk): str(o) for o in visible_to(user, entity(name).model).filter(pk__in=ids)})
    return found


def sort_path(of: Entity, f: Field) -> str:
    """Return the ORM path that a field sorts by: a link by what its target sorts by."""
    if f.kind == Kind.USER:
        return f"{f.source}__sort_key"
    if f.kind == Kind.LINK:
        target = entity(f.link)
        for name in target.sort:
            inner = target.own_fields.get(name.lstrip("-"))
            if inner is not None and inner.kind not in (Kind.LINK, Kind.USER):
                return f"{f.source}__{inner.source}"
    return f.source


def is_uuid(text: str) -> bool:
    """Tell whether a text is a record's id."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


__all__ = [
    "EMPTY", "display", "draw", "for_eyes", "is_seen", "is_uuid", "may", "record_mark", "record_url", "sees_everything", "settled",
    "sort_path", "titles_of", "value_of", "with_links", "with_sight",
]
