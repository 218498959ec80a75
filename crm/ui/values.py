"""How the value of a field looks: in a cell, on the record page, in a sentence."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    JSONField,
    Model,
    OuterRef,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.functions import Concat
from django.utils.translation import gettext as _

from crm.access.policy import EVERYTHING, NOTHING, SYSTEM, allows, field_rights, policy_of, visible_to
from crm.access.rights import rights_of
from crm.records.entity import Entity, entity
from crm.records.fields import Field, Kind
from crm.records.services.phones import readable_phone
from crm.ui.figures import money, number, percent, when
from crm.ui.html import EMPTY, SafeString, esc
from crm.ui.marks import avatar, badge, icon, mark, tag

M = TypeVar("M", bound=Model)
TAGS = "drawn_tags"
SEEN = "seen_"
"""Prefix of the annotations that tell whether the viewer may see what a row links to."""


def value_of(obj: Any, field: Field) -> Any:
    """Return the raw value of a field of a record."""
    return _reader(field)(obj)


def _reader(field: Field) -> Callable[[Any], Any]:
    """Return what reads the raw value of a field from one record after another."""
    if field.custom:
        return lambda obj: obj.custom.get(field.name)
    if field.kind == Kind.TAGS:
        return _tags_of
    if field.computed:
        return lambda obj: getattr(obj, field.name, None)
    path = str(field.extra.get("display") or field.source).split("__")
    if len(path) == 1:
        return attrgetter(path[0])

    def read(obj: Any) -> Any:
        for part in path:
            obj = getattr(obj, part, None)
        return obj

    return read


class _Tag(NamedTuple):
    """What of a tag is drawn."""

    hue: str
    name: str


def _tags_of(obj: Any) -> list[Any]:
    fetched = getattr(obj, TAGS, None)
    return list(obj.tags.all()) if fetched is None else [_Tag(*text.split(":", 1)) for text in fetched]


def _drawn_tags(model: Any) -> ArraySubquery:
    """Return hue and name of a record's tags as one column: what a second statement and its managers are too slow for."""
    through = model._meta.get_field("tags").remote_field.through
    column = next(f.name for f in through._meta.get_fields() if getattr(f, "related_model", None) is model)
    rows = through._default_manager.filter(**{f"{column}_id": OuterRef("pk")}).order_by("tag__name")
    return ArraySubquery(rows.values(_drawn=Concat("tag__hue", Value(":"), "tag__name")))


def sees_everything(user: Any, model: Any, action: str = "view") -> bool:
    """Tell whether every row of a model is open to the user, so that no single one must be asked about."""
    return user is SYSTEM or policy_of(model).rows(rights_of(user), user, action) == EVERYTHING


def may(user: Any, action: str, obj: Any) -> bool:
    """Tell whether the user may do an action to a record; without a query where he may do it to all."""
    return sees_everything(user, type(obj), action) or allows(user, action, obj)


def may_do(user: Any, obj: Any, *actions: str) -> set[str]:
    """Return which of some actions the user may do to a record that he sees: one statement at most, however many."""
    if user is SYSTEM:
        return set(actions)
    policy, rights = policy_of(obj), rights_of(user)
    rows = {action: policy.rows(rights, user, action) for action in actions}
    found = {action for action, clause in rows.items() if clause == EVERYTHING}
    asked = {action: clause for action, clause in rows.items() if clause not in (EVERYTHING, NOTHING)}
    if asked:
        yes = {f"may_{a}": ExpressionWrapper(clause, output_field=BooleanField()) for a, clause in asked.items()}
        manager = getattr(type(obj), "everything", type(obj)._default_manager)
        row = manager.filter(pk=obj.pk).values(**yes).first() or {}
        found.update(action for action in asked if row.get(f"may_{action}"))
    return found


def settled(field: Field) -> Field:
    """Return the field with its choices read once, for drawing many rows."""
    return replace(field, choices=field.options, choices_from=None) if field.choices_from else field


def with_links(
    queryset: QuerySet[Any], of: Entity, fields: Iterable[Field], user: Any, *, lean: bool = False
) -> QuerySet[Any]:
    """Fetch what the fields show along with the rows, and whether the viewer may see each linked record.

    ``lean`` leaves out the columns that no row of a list shows: of linked records all but what their titles are made of.
    """
    fields = list(fields)
    joined, annotated = [], {}
    for f in fields:
        if f.custom:
            continue
        if f.computed and f.expression is not None:
            annotated[f.name] = f.expression(user)
        elif f.kind == Kind.TAGS:
            annotated[TAGS] = _drawn_tags(of.model)
        elif f.kind in (Kind.LINK, Kind.USER):
            joined.append(f.source)
            if f.kind == Kind.LINK:
                target = entity(f.link).model
                if not sees_everything(user, target):
                    annotated[SEEN + f.name] = Exists(visible_to(user, target).filter(pk=OuterRef(f"{f.source}_id")))
    rows = queryset.select_related(*joined) if joined else queryset
    if lean:
        rows = rows.defer(*_unseen(of, fields))
    return rows.annotate(**annotated)


_NAMING = frozenset({"name", "email", "title", "code", "hue", "icon"})


def _unseen(of: Entity, fields: list[Field]) -> list[str]:
    """Return the columns of rows and of what they link to that nothing in a list needs."""
    shown = {f.source for f in fields} | {f.currency for f in fields} | set(of.title) | _NAMING
    if any(f.custom for f in fields):
        shown.add("custom")
    found = [f.name for f in of.model._meta.concrete_fields if f.name not in shown and _is_long(f)]
    for f in fields:
        if f.kind in (Kind.LINK, Kind.USER) and not f.custom:
            target = entity("user" if f.kind == Kind.USER else f.link)
            named = _NAMING | set(target.title) | {target.model._meta.pk.name}
            found += [f"{f.source}__{g.name}" for g in target.model._meta.concrete_fields if g.name not in named]
    return found


def _is_long(column: Any) -> bool:
    return bool(column.generated) or isinstance(column, TextField | JSONField)


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


def veil(rows: Iterable[M], of: Entity, user: Any, fields: Iterable[Field] = ()) -> None:
    """Keep the titles of rows, and of what their fields link to, from telling an address that is hidden from the viewer.

    The title of a person without a name is the address; with it hidden there is none. For rows that are drawn.
    """
    own = _address_hidden(of, user)
    linked = [f.source for f in fields if f.kind == Kind.LINK and not f.custom and _address_hidden(entity(f.link), user)]
    for row in rows if own or linked else ():
        for one in ([row] if own else []) + [getattr(row, source, None) for source in linked]:
            if one is not None:
                setattr(one, "address_is_hidden", True)  # noqa: B010


def _address_hidden(of: Entity, user: Any) -> bool:
    return len(of.title) > 1 and "email" in of.own_fields and not field_rights(user, of.model).can_read("email")


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
    return drawer(field, link=link, titles=titles)(obj)


def drawer(field: Field, *, link: bool = True, titles: dict[str, str] | None = None) -> Callable[[Any], SafeString]:
    """Return what draws a field of one record after another; nothing for an empty value.

    What is the same for many rows (a status, a person) is drawn once, so make one for each page, not for each row.
    """
    read = _reader(field)
    draws = _DRAW.get(field.kind, _text)
    known = titles or {}
    guarded = field.kind == Kind.LINK and not field.custom
    drawn: dict[Any, SafeString] | None = {} if field.kind in (Kind.CHOICE, Kind.USER) and not field.custom else None

    def draw_one(obj: Any) -> SafeString:
        value = read(obj)
        if value is None or value == "" or (not value and isinstance(value, list | dict)):
            return EMPTY
        if drawn is not None:
            found = drawn.get(value)
            if found is None:
                found = drawn[value] = draws(field, value, link, "", known)
            return found
        if guarded and not is_seen(obj, field):
            return SafeString(f'<span class="text-subtle" title="{esc(_("You have no access to it"))}">{esc(_("Hidden"))}</span>')
        currency = str(getattr(obj, field.currency, "") or "") if field.currency else ""
        return draws(field, value, link, currency, known)

    return draw_one


def draw(field: Field, value: Any, *, link: bool = True, currency: str = "", titles: dict[str, str] | None = None) -> SafeString:
    """Draw a value by its field's kind."""
    return _DRAW.get(field.kind, _text)(field, value, link, currency, titles or {})


def _text(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    return SafeString(f'<span class="tx">{esc(v)}</span>')


def _boolean(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    return SafeString(f'<span class="yn">{icon("check" if v else "minus", "icon-sm")}{esc(_("Yes") if v else _("No"))}</span>')


def _choice(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    found = f.choice(v)
    if found is None:
        return SafeString(esc(v))
    return tag(found.label, found.hue) if found.hue and not found.tone else badge(found.label, found.tone)


def _choices(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    return SafeString(" ".join(_choice(f, one, link, currency, titles) for one in v))


def _tags(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    return SafeString("".join(tag(t.name, t.hue) for t in v))


def _user(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    name: Any = titles.get(str(v), v) if f.custom else v
    return SafeString(f'<span class="who">{avatar(name, "av-sm", False)}<span>{esc(name)}</span></span>')


def _link(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    target = entity(f.link)
    title = titles.get(str(v), "–") if f.custom else str(v)
    url = record_url(target, v if f.custom else v.pk)
    hue = getattr(v, "hue", "") if not f.custom else ""
    if link and url:
        return SafeString(f'<a class="rlink" href="{esc(url)}" data-record>{esc(title)}</a>')
    return tag(title, hue) if hue else SafeString(f'<span class="tx">{esc(title)}</span>')


def _url(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    shown = str(v).removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
    if not link:
        return SafeString(f'<span class="tx">{esc(shown)}</span>')
    return SafeString(f'<a class="rlink" href="{esc(v)}" target="_blank" rel="noopener noreferrer nofollow">{esc(shown)}</a>')


def _email(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    shown = esc(v)
    return SafeString(f'<a class="rlink" href="mailto:{shown}">{shown}</a>' if link else f'<span class="tx">{shown}</span>')


def _phone(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    shown = esc(readable_phone(str(v)))
    return SafeString(f'<a class="rlink num" href="tel:{esc(v)}">{shown}</a>' if link else f'<span class="tx num">{shown}</span>')


def _address(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    town = " ".join(p for p in (v.get("postal_code"), v.get("city")) if p)
    parts = [v.get("line1"), v.get("line2"), town, v.get("region"), v.get("country")]
    return SafeString(f'<span class="tx">{esc(", ".join(p for p in parts if p))}</span>')


def _money(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    return SafeString(f'<span class="num">{esc(money(v, currency))}</span>')


def _number(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    return SafeString(f'<span class="num">{esc(percent(v) if f.extra.get("share") else number(v))}</span>')


def _when(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    return SafeString(when(v))


def _long_text(f: Field, v: Any, link: bool, currency: str, titles: dict[str, str]) -> SafeString:
    return SafeString(f'<span class="tx long">{esc(v)}</span>')


_DRAW: dict[Kind, Callable[[Field, Any, bool, str, dict[str, str]], SafeString]] = {
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
    Kind.MONEY: _money,
    Kind.NUMBER: _number,
    Kind.INTEGER: _number,
    Kind.DATE: _when,
    Kind.DATETIME: _when,
    Kind.LONG_TEXT: _long_text,
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


__all__ = [
    "EMPTY", "display", "draw", "drawer", "for_eyes", "is_seen", "may", "may_do", "record_mark", "record_url",
    "sees_everything", "settled", "titles_of", "value_of", "veil", "with_links", "with_sight",
]
