"""What a board shows beyond its filters, as its address says it; the filters are edited like those of a list."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from crm.lists.state import ListState, read
from crm.records.entity import entity

ORDERS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "": (_("By hand"), ("rank", "id")),
    "value": (_("Value, highest first"), ("-value_base", "-id")),
    "close": (_("Expected close, soonest first"), ("expected_close_date", "id")),
    "waiting": (_("Longest in its stage first"), ("entered_stage_at", "id")),
    "newest": (_("Newest first"), ("-created_at", "-id")),
}
"""How the open columns are ordered. Closed ones stand by the day of closing."""
PARTS = {
    "customer": _("Customer"), "value": _("Value"), "tags": _("Tags"), "date": _("Close date"), "next": _("Next step"), "owner": _("Owner"),
}
"""The parts of a card that can be left out."""
KEPT = ("pipeline", "owner", "order", "hide", "lanes")


@dataclass(frozen=True)
class BoardState(ListState):
    """The state of a board: that of a list, its pipeline and people, its order and the parts of its cards."""

    kept: tuple[tuple[str, str], ...] = ()

    def params(self) -> dict[str, str]:
        """Return the parameters of the address."""
        return {**super().params(), **dict(self.kept)}

    @property
    def path(self) -> str:
        """Return the path below which its filters are edited."""
        return "/deals/board"

    @property
    def url(self) -> str:
        """Return the address of this board."""
        return f"/deals?{self.query}" if self.query else "/deals"

    def toggled(self, name: str, value: str) -> str:
        """Return the address with a value put into a list of values, or taken out of it."""
        kept = dict(self.kept)
        values = [v for v in kept.get(name, "").split(",") if v]
        values = [v for v in values if v != value] if value in values else [*values, value]
        kept[name] = ",".join(values)
        return self.with_(kept=tuple((k, v) for k, v in kept.items() if v)).url

    def chosen(self, name: str, value: str) -> str:
        """Return the address with another order of the cards, or other lanes."""
        kept = {k: v for k, v in self.kept if k != name}
        return self.with_(kept=tuple((kept | ({name: value} if value else {})).items())).url


def state_of(params: QueryDict, user: Any) -> BoardState:
    """Read the state of a board from the parameters of a request."""
    read_so_far = read(entity("deal"), params, user)
    kept = tuple((name, ",".join(v for v in params.getlist(name) if v)[:2000]) for name in KEPT)
    return BoardState(
        entity("deal"), user, q=read_so_far.q, clauses=read_so_far.clauses, problem=read_so_far.problem,
        kept=tuple((name, value) for name, value in kept if value),
    )


def order_of(params: Mapping[str, Any]) -> str:
    """Return the order that is asked for; one that does not exist is the order by hand."""
    wanted = str(params.get("order") or "")
    return wanted if wanted in ORDERS else ""


def hidden_of(params: Mapping[str, Any]) -> list[str]:
    """Return the parts of the cards that are left out."""
    return [name for name in str(params.get("hide") or "").split(",") if name in PARTS]


def layout_urls(state: ListState, pipeline: Any = None) -> dict[str, str]:
    """Return the addresses of the same deals as board, table and forecast.

    Pipeline and owners are parameters of a board and filters of a table.
    """
    kept = dict(getattr(state, "kept", ()))
    chosen, owners, rest = str(pipeline.pk) if pipeline else "", [o for o in kept.get("owner", "").split(",") if o], []
    for clause in state.clauses:
        match clause:
            case {"field": "pipeline", "op": "is", "value": str(value)}:
                chosen = chosen or value
            case {"field": "assigned_user", "op": "is_any_of", "value": [*values]} if not owners and all(isinstance(v, str) for v in values):
                owners = values
            case _:
                rest.append(clause)
    table = list(rest)
    if chosen:
        table.append({"field": "pipeline", "op": "is", "value": chosen})
    if owners:
        table.append({"field": "assigned_user", "op": "is_any_of", "value": [str(state.user.pk) if o == "me" else o for o in owners]})
    words = {"q": state.q} if state.q else {}
    boards = {**words, **({"filter": _json(rest)} if rest else {}), **{k: v for k, v in kept.items() if k not in ("pipeline", "owner")}}
    if chosen and (not pipeline or not pipeline.is_default):
        boards["pipeline"] = chosen
    if owners:
        boards["owner"] = ",".join(owners)
    return {
        **{name: f"/deals?{urlencode({'layout': name, **boards})}" for name in ("board", "forecast")},
        "table": f"/deals?{urlencode({'layout': 'table', **words, **({'filter': _json(table)} if table else {})})}",
    }


def _json(clauses: list[Any]) -> str:
    return json.dumps(clauses, separators=(",", ":"))
