"""The state of a list, as its address says it: view, words, filter, order, columns."""

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from crm.criteria import validate, vocabulary_of
from crm.criteria.vocabulary import Askable
from crm.lib.errors import Invalid
from crm.lib.text import whole_number
from crm.lists.models import SavedView
from crm.records.entity import Entity
from crm.records.fields import Field, Kind

MAX_FILTER = 8000
ALL = "all"
"""What ``view`` says for the list without a view, where another view is the default."""
DENSITIES = ("", "compact", "default", "comfortable")
NARROWEST, WIDEST = 60, 800
CALCULATIONS = ("none", "sum", "avg", "min", "max", "filled", "empty", "distinct")
_NOT_COLUMNS = {Kind.JSON}


KEPT = ("clauses", "sort", "columns", "group", "widths", "calculations", "frozen", "density")


@dataclass(frozen=True)
class ListState:
    """What a list shows. ``view`` is the saved view it started from; a view keeps what ``KEPT`` names."""

    entity: Entity
    user: Any
    view: SavedView | None = None
    q: str = ""
    clauses: tuple[dict[str, Any], ...] = ()
    sort: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    group: str = ""
    widths: tuple[tuple[str, int], ...] = ()
    """The widths that were dragged, in pixels, by column."""
    calculations: tuple[tuple[str, str], ...] = ()
    """What stands under a column, where it is not what its field says."""
    frozen: tuple[str, ...] = ()
    """The columns that stay in sight beside the title."""
    density: str = ""
    archived: bool = False
    facets: bool = False
    overridden: bool = field(default=False, compare=False)
    """Another view is the default here, so that the plain list must be asked for."""
    problem: str = field(default="", compare=False)

    # -- what it means ----------------------------------------------------------------------------

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Return the fields that the user may read."""
        return self.entity.fields_for(self.user)

    @cached_property
    def askable(self) -> dict[str, Askable]:
        """Return the fields that the user may filter by."""
        return vocabulary_of(self.entity.model, self.user).fields

    @property
    def tree(self) -> dict[str, Any]:
        """Return the criteria, empty for everything."""
        return {"version": 1, "all": list(self.clauses)} if self.clauses else {}

    @property
    def possible_columns(self) -> list[Field]:
        """Return what may be shown as a column."""
        return [f for f in self.fields.values() if f.kind not in _NOT_COLUMNS]

    @cached_property
    def shown(self) -> list[Field]:
        """Return the columns in their order; the title always comes first."""
        chosen = [self.fields[k] for k in self.columns if k in self.fields and self.fields[k].kind not in _NOT_COLUMNS]
        found = chosen or self._usual
        title = title_key(self.entity)
        ordered = [*(f for f in found if f.key in self.frozen), *(f for f in found if f.key not in self.frozen)]
        return [f for f in ordered if f.key != title]

    @property
    def frozen_count(self) -> int:
        """Return how many columns stay in sight beside the title."""
        return sum(f.key in self.frozen for f in self.shown)

    def calculation(self, f: Field) -> str:
        """Return what stands under a column: as chosen, or as its field says."""
        chosen = dict(self.calculations).get(f.key, "" if f.custom else f.aggregate)
        return "" if chosen == "none" else chosen

    @property
    def _usual(self) -> list[Field]:
        """Return the columns of a list that nobody has changed."""
        first = [self.fields[k] for k in self.entity.columns if k in self.fields]
        return [*first, *(f for f in self.fields.values() if f.in_list and f not in first and (f.custom or not first))]

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Return the order: the chosen one, or the entity's own."""
        return tuple(k for k in self.sort if self._sortable(k)) or self.entity.sort

    def _sortable(self, key: str) -> bool:
        f = self.fields.get(key.lstrip("-"))
        return f is not None and f.sortable and not f.custom

    @cached_property
    def saved(self) -> "ListState":
        """Return the state that it started from: its saved view, or the list that nobody has changed."""
        return from_view(self.view, self.entity, self.user) if self.view else ListState(self.entity, self.user)

    @cached_property
    def changed(self) -> bool:
        """Tell whether it differs from the saved view it started from."""
        base = self.saved
        return any(getattr(self, name) != getattr(base, name) for name in KEPT)

    # -- its address ------------------------------------------------------------------------------

    def params(self) -> dict[str, str]:
        """Return the parameters of the address; what the view says already is left out."""
        base = self.saved
        found: dict[str, str] = {}
        if self.view is not None:
            found["view"] = str(self.view.pk)
        elif self.overridden:
            found["view"] = ALL
        if self.q:
            found["q"] = self.q
        if self.clauses != base.clauses:
            found["filter"] = json.dumps(list(self.clauses), separators=(",", ":"))
        for name in ("sort", "columns", "frozen"):
            if getattr(self, name) != getattr(base, name):
                found[name] = ",".join(getattr(self, name))
        for name in ("widths", "calculations"):
            if getattr(self, name) != getattr(base, name):
                found[name] = ",".join(f"{key}:{value}" for key, value in getattr(self, name))
        for name in ("group", "density"):
            if getattr(self, name) != getattr(base, name):
                found[name] = getattr(self, name)
        if self.archived:
            found["archived"] = "1"
        if self.facets:
            found["facets"] = "1"
        return found

    @cached_property
    def query(self) -> str:
        """Return the query string."""
        return urlencode(self.params())

    @property
    def path(self) -> str:
        """Return the path of the list."""
        return f"/{self.entity.plural}"

    @cached_property
    def url(self) -> str:
        """Return the address of this state."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def with_(self, **changes: Any) -> "ListState":
        """Return the same state with some parts changed."""
        return replace(self, **changes)

    def checked(self) -> "ListState":
        """Return the same state with its filter in canonical form; raise ``Invalid`` for one that cannot be asked."""
        return self.with_(clauses=tuple(validate(self.tree, self.entity.model, self.user)["all"])) if self.clauses else self

    def with_clause(self, clause: dict[str, Any], index: int | None = None) -> "ListState":
        """Return the state with a filter added, or put in the place of another."""
        clauses = list(self.clauses)
        if index is not None and 0 <= index < len(clauses):
            clauses[index] = clause
        else:
            clauses.append(clause)
        return self.with_(clauses=tuple(clauses))

    def without_clause(self, index: int) -> "ListState":
        """Return the state without one filter."""
        return self.with_(clauses=tuple(c for i, c in enumerate(self.clauses) if i != index))


def title_key(entity: Entity) -> str:
    """Return the field that stands for the record in a list: its name, or the first of its title."""
    return "name" if "name" in entity.own_fields else entity.title[0]


def from_view(view: SavedView, entity: Entity, user: Any) -> ListState:
    """Return the state that a saved view stands for."""
    clauses = view.criteria.get("all", []) if isinstance(view.criteria, dict) else []
    if view.criteria and not clauses:
        clauses = [{k: v for k, v in view.criteria.items() if k != "version"}]
    return ListState(
        entity, user, view=view, clauses=tuple(clauses), sort=tuple(view.sort), columns=tuple(view.columns), group=view.group_by,
        widths=tuple(view.widths.items()), calculations=tuple(view.calculations.items()), frozen=tuple(view.frozen), density=view.density,
    )


def _pairs(text: str) -> list[tuple[str, str]]:
    """Return what ``a:1,b:2`` says."""
    parts = [one.rpartition(":") for one in text[:4000].split(",")]
    return [(key, value) for key, colon, value in parts if colon and key][:60]


def read_widths(text: str) -> tuple[tuple[str, int], ...]:
    """Return the widths that an address says."""
    found = [(key, whole_number(value[:5])) for key, value in _pairs(text)]
    return tuple((key, min(max(n, NARROWEST), WIDEST)) for key, n in found if n is not None)


def read(entity: Entity, params: QueryDict, user: Any, view: SavedView | None = None) -> ListState:
    """Read the state from the parameters of a request; what cannot be understood is left out and told."""
    state = from_view(view, entity, user) if view else ListState(entity, user)
    changes: dict[str, Any] = {
        "q": params.get("q", "").replace("\x00", "").strip()[:200],
        "archived": params.get("archived") == "1",
        "facets": params.get("facets") == "1",
    }
    if "filter" in params:
        try:
            text = str(params["filter"])
            found = json.loads(text) if len(text) <= MAX_FILTER else None
            changes["clauses"] = tuple(found) if isinstance(found, list) and all(isinstance(c, dict) for c in found) else ()
            if not isinstance(found, list):
                changes["problem"] = str(Invalid.message)
        except (ValueError, RecursionError):
            changes["clauses"], changes["problem"] = (), str(Invalid.message)
    for name in ("sort", "columns", "frozen"):
        if name in params:
            changes[name] = tuple(k for k in str(params[name]).split(",") if k)[:60]
    if "group" in params:
        changes["group"] = params["group"][:120]
    if "widths" in params:
        changes["widths"] = read_widths(str(params["widths"]))
    if "calculations" in params:
        changes["calculations"] = tuple(p for p in _pairs(str(params["calculations"])) if p[1] in CALCULATIONS)
    if params.get("density", "") in DENSITIES and "density" in params:
        changes["density"] = params["density"]
    state = state.with_(**changes)
    if state.clauses:
        try:
            state = state.checked()
        except Invalid as error:
            state = state.with_(clauses=(), problem=str(error.message))
    return state
