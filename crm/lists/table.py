"""The table of a list: its columns, and the one place where its rows are written.

The rows are text and no template: what is the same in each of them is worked out once for a page, and a cell costs
microseconds. A list, its next rows and a row that is drawn again all come from ``Table``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.utils.text import slugify
from django.utils.translation import gettext as _

from crm.access.policy import field_rights
from crm.access.rights import rights_of
from crm.lists.state import ListState
from crm.records.fields import Field, Kind
from crm.ui.details import cell_drawer, detail_of
from crm.ui.html import SafeString, esc
from crm.ui.marks import icon
from crm.ui.values import drawer, is_seen, record_mark, settled, titles_of

RIGHT = {Kind.MONEY, Kind.NUMBER, Kind.INTEGER}
TITLE_WIDTH = 222
_NARROW, _MEDIUM, _WIDE = 120, 150, 212
_WIDTHS = {
    **dict.fromkeys((Kind.BOOLEAN, Kind.INTEGER, Kind.NUMBER, Kind.DATE, Kind.DATETIME, Kind.MONEY, Kind.CURRENCY), _NARROW),
    Kind.CHOICE: 134,
    Kind.USER: 142,
    **dict.fromkeys((Kind.EMAIL, Kind.TAGS, Kind.LONG_TEXT, Kind.ADDRESS), _WIDE),
}
_LEAST = {Kind.CHOICE: 112, Kind.MONEY: 112}
PICKED = {Kind.CHOICE, Kind.BOOLEAN, Kind.USER, Kind.LINK}
"""Kinds whose value is picked from a list that opens at the cell."""


@dataclass
class Column:
    """A column of the table: its heading, the address that sorts by it, how it is aligned."""

    field: Field
    sort: str
    direction: str
    right: bool
    editable: bool
    width: int
    frozen: bool = False
    sized: bool = False
    """Somebody chose its width."""
    phone: str = ""
    """Where it stands on the two lines of a phone."""

    @property
    def picked(self) -> bool:
        """Tell whether its value is picked from a list."""
        return self.editable and self.field.kind in PICKED


def usual_width(state: ListState, width: int, least: int = 90) -> int:
    """Return how wide a column is while nobody has chosen; beside the facets all are narrower."""
    return max(least, width * 10 // 13) if state.facets else width


def columns_of(state: ListState) -> list[Column]:
    """Return the columns that a list shows, in their order; the title is no column of its own."""
    rights = field_rights(state.user, state.entity.model)
    may_change = rights_of(state.user).may("change", state.entity.name)
    current = state.order[0] if state.order else ""
    widths = dict(state.widths)
    found: list[Column] = []
    for f in map(settled, state.shown):
        down = current == f"-{f.key}"
        direction = "descending" if down else "ascending" if current == f.key else ""
        sortable = f.sortable and not f.custom
        following = f"-{f.key}" if direction == "ascending" else f.key
        editable = may_change and f.writable and not f.computed and rights.can_write(f.key) and f.kind not in (Kind.ADDRESS, Kind.JSON)
        width = widths.get(f.key) or usual_width(state, f.width or _WIDTHS.get(f.kind, _MEDIUM), _LEAST.get(f.kind, 90))
        there = state.with_(sort=(following,)).url if sortable else ""
        found.append(Column(f, there, direction, f.kind in RIGHT, editable, width, f.key in state.frozen, f.key in widths))
    _place_on_phones(found)
    return found


def _place_on_phones(columns: list[Column]) -> None:
    """Choose what the two lines of a phone show: an amount or a status above at the right, two more values below."""
    wanted = {c.field.place: c for c in reversed(columns) if c.field.place}
    best = wanted.get("amount") or next((c for kinds in ({Kind.MONEY}, {Kind.CHOICE}) for c in columns if c.field.kind in kinds), None)
    rest = iter([c for c in columns if c is not best and not c.field.place and c.field.kind not in (Kind.TAGS, Kind.LONG_TEXT)])
    for place in ("amount", "first", "second"):
        column = best if place == "amount" else wanted.get(place) or next(rest, None)
        if column is not None:
            column.phone = place


def group_key(obj: Any, field: Field) -> str:
    """Return what names the group of a row in an address; nothing for the rows without a value."""
    value = getattr(obj, f"{field.source}_id" if field.kind in (Kind.LINK, Kind.USER) else field.source, None)
    return "" if value is None else str(value)


class Table:
    """Writes the rows of one page of a list."""

    def __init__(self, state: ListState, columns: list[Column]) -> None:
        self.state = state
        self.columns = columns
        self.span = len(columns) + 2

    def rows(self, found: list[Any], after: str = "") -> SafeString:
        """Return the rows; ``after`` is the cursor of those that follow, for the row that fetches them."""
        titles = titles_of(found, [c.field for c in self.columns], self.state.user)
        row = self._row(titles)
        group = self._group(titles)
        return SafeString("".join(group(obj) + row(obj) for obj in found) + (self._more(after) if after else ""))

    def anew(self, found: list[Any]) -> SafeString:
        """Return some rows as they are now, without the headings of groups."""
        row = self._row(titles_of(found, [c.field for c in self.columns], self.state.user))
        return SafeString("".join(map(row, found)))

    def _row(self, titles: dict[str, str]) -> Callable[[Any], str]:
        """Return what writes the row of one record."""
        entity, query = self.state.entity, self.state.query
        cells = [self._cell(column, titles) for column in self.columns]
        origin = f"?from={esc(quote(query, safe=''))}" if query else ""
        before, _name, behind = esc(_("Select %(name)s") % {"name": "\x00"}).partition("\x00")

        def write(obj: Any) -> str:
            pk, url, title = str(obj.pk), esc(entity.url(obj)), esc(str(obj))
            return (
                f'<tr id="row-{pk}" data-id="{pk}" data-href="{url}" data-title="{title}"><td class="c-check">'
                f'<input type="checkbox" class="check" name="ids" value="{pk}" form="bulk-form" aria-label="{before}{title}{behind}"></td>\n'
                f'<td class="c-title"><div class="cust">{record_mark(entity, obj)}<a href="{url}{origin}" data-record><b>{title}</b></a>'
                f"</div></td>\n{''.join([cell(obj, pk, url) for cell in cells])}</tr>\n"
            )

        return write

    def _cell(self, column: Column, titles: dict[str, str]) -> Callable[[Any, str, str], str]:
        """Return what writes one cell of a row."""
        f = column.field
        one = detail_of(self.state.entity, f)
        draw = drawer(f, titles=titles) if one is None else cell_drawer(f, one, self.state.user)
        classes = f"{'r ' if column.right else ''}{'edit' if column.editable else ''} {column.phone}".strip()
        start = f'<td class="{classes}" data-label="{esc(f.label)}"><div class="cell" data-field id="c-'
        name, key = esc(slugify(f.key)), esc(f.key)
        if column.editable:
            return lambda obj, pk, url: f'{start}{pk}-{name}" data-cell="{url}/fields/{key}/edit?in=cell">{draw(obj)}</div></td>'
        return lambda obj, pk, url: f'{start}{pk}-{name}">{draw(obj)}</div></td>'

    def _group(self, titles: dict[str, str]) -> Callable[[Any], str]:
        """Return what writes the heading of a group above its first row."""
        state = self.state
        if state.group not in state.fields:
            return lambda obj: ""
        field = state.fields[state.group]
        draw = drawer(settled(field), link=False, titles=titles)
        sums = "".join(f'<td data-sum="{esc(c.field.key)}"{" class=r" if c.right else ""}></td>' for c in self.columns)
        last: list[Any] = [None]

        def write(obj: Any) -> str:
            shown = str(draw(obj))
            if shown == last[0]:
                return ""
            last[0] = shown
            # What one may not see is no group whose size could be asked for.
            key = f' data-group="{esc(group_key(obj, field))}"' if is_seen(obj, field) else ""
            return (
                f'<tr class="group-row"{key}><th colspan="2" scope="rowgroup"><button type="button" class="gfold" aria-expanded="true">'
                f'{icon("chevron-down", "icon-xs")}<span>{shown or esc(_("Nothing"))}</span></button><span class="n num" data-sum=""></span></th>{sums}</tr>'
            )

        return write

    def _more(self, after: str) -> str:
        url = esc(f"{self.state.path}?{self.state.query}{'&' if self.state.query else ''}after={after}")
        return (
            f'<tr class="more-row" id="more" hx-get="{url}" hx-trigger="intersect once" hx-target="this" hx-swap="outerHTML">'
            f'<td colspan="{self.span}"><a href="{url}">{esc(_("More"))}</a></td></tr>'
        )

