"""What an operation of the API takes and gives: one declaration for checking and for the OpenAPI document."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from crm.api.schema.shapes import Schema, integer, text

F = TypeVar("F", bound=Callable[..., Any])
Lazy = Schema | Callable[[Any], Schema]


@dataclass(frozen=True)
class Parameter:
    """A query parameter (or a header) of an operation."""

    name: str
    schema: Schema
    description: str = ""
    required: bool = False
    where: str = "query"


IF_MATCH = Parameter(
    "If-Match", {"type": "string"}, "The ETag that was read; 412 when someone was faster.", where="header"
)


def _paging(cursor: str) -> tuple[Parameter, ...]:
    return (
        Parameter("page", integer(1, 100_000), "The page, from 1."),
        Parameter("cursor", text(max_length=40, pattern=cursor), "Where to go on, from the last answer; empty to begin."),
        Parameter("limit", integer(1, 200), "How many at most, 20 by default."),
    )


PAGING = _paging(r"^(-?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$")
"""Of lists that are paged by a key (``crm.api.keyset``)."""
_PLACES = _paging(r"^[0-9]{0,6}$")


@dataclass(frozen=True)
class Operation:
    """One method of one address.

    ``body`` and ``answer`` are schemas, or functions of the view that return one. ``answer`` is the schema of
    ``data`` in the envelope; None means an empty answer. ``files`` names the answers that are not enveloped,
    by media type.
    """

    summary: Any
    description: Any = ""
    parameters: tuple[Parameter, ...] | Callable[[Any], tuple[Parameter, ...]] = ()
    body: Lazy | None = None
    body_type: str = "application/json"
    body_required: bool = True
    answer: Lazy | None = None
    status: int = 200
    many: bool = False
    whole: bool = False
    """The answer is a short list that the handler returns as a whole; it is cut into pages on its way out."""
    files: dict[str, Schema] = field(default_factory=dict)
    also: dict[int, Schema] = field(default_factory=dict)
    """Other successes: their status, and the schema of their data."""
    errors: tuple[int, ...] = ()
    public: bool = False
    checks_parameters: bool = True
    """Off for an operation that reads its parameters itself (lists with their filters)."""
    tag: str = ""

    def all_parameters(self, view: Any) -> tuple[Parameter, ...]:
        """Return the parameters for a view."""
        own = self.parameters(view) if callable(self.parameters) else self.parameters
        return (*own, *_PLACES) if self.whole else own

    def body_schema(self, view: Any) -> Schema | None:
        """Return the schema of the body for a view."""
        return self.body(view) if callable(self.body) else self.body

    def answer_schema(self, view: Any) -> Schema | None:
        """Return the schema of the data for a view."""
        return self.answer(view) if callable(self.answer) else self.answer


def describe(summary: Any, **declared: Any) -> Callable[[F], F]:
    """Declare the operation that a handler method is."""

    def attach(function: F) -> F:
        function.operation = Operation(summary, **declared)  # type: ignore[attr-defined]
        return function

    return attach


def operation_of(view: Any, method: str) -> Operation | None:
    """Return the declared operation of a view's method (``GET``), also through a view set's actions."""
    method = "get" if method.lower() == "head" else method.lower()
    name = (getattr(view, "action_map", None) or {}).get(method, method)
    return getattr(getattr(view, name, None), "operation", None)
