"""The registry of the API's routes: what the URL conf is built from and what the OpenAPI document lists.

An app declares its routes in ``<app>/api/urls.py``, which is imported when the URL conf is:

    entity_route("customer", CustomerViewSet)
    route("customers/{id}/merge", MergeView)

``{id}`` and names that end in ``_id`` are identifiers (anything else there is 404); other names are texts.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, re_path

_PLACEHOLDER = re.compile(r"{([a-z_]+)}")


@dataclass(frozen=True)
class Route:
    """One address: its path under ``/api/v1/`` without slashes around it, and the view that answers."""

    path: str
    view: Callable[..., Any]
    methods: tuple[str, ...]
    name: str

    def pattern(self) -> URLPattern:
        """Return the URL pattern; one trailing slash is accepted."""
        regex = _PLACEHOLDER.sub(lambda m: f"(?P<{m.group(1)}>[^/]+)", self.path)
        return re_path(rf"^{regex}/?\Z", self.view, name=self.name)


_ROUTES: dict[str, Route] = {}
_ENTITY_VIEWS: dict[str, Any] = {}


def route(path: str, view: Any, *, name: str = "", actions: dict[str, str] | None = None) -> None:
    """Declare an address. ``view`` is an ``APIView``, or a view set with ``actions`` (method to name)."""
    path = path.strip("/")
    if path in _ROUTES:
        raise ValueError(f"The API route {path} is declared twice.")
    if actions is not None:
        made = view.as_view(actions)
        methods = tuple(m.upper() for m in actions)
    else:
        made = view.as_view()
        methods = tuple(
            m.upper() for m in ("get", "post", "put", "patch", "delete") if m in view.http_method_names and hasattr(view, m)
        )
    default = "api-" + re.sub(r"[^a-z]+", "-", path).strip("-")
    _ROUTES[path] = Route(path, made, methods, name or default)


def entity_route(entity_name: str, viewset: Any) -> None:
    """Serve an entity by a view set of its own instead of the general one."""
    if entity_name in _ENTITY_VIEWS:
        raise ValueError(f"The entity {entity_name} has two view sets.")
    _ENTITY_VIEWS[entity_name] = viewset


def entity_views() -> dict[str, Any]:
    """Return the view sets declared by entity name."""
    return dict(_ENTITY_VIEWS)


def is_declared(path: str) -> bool:
    """Tell whether a route with this path was declared."""
    return path.strip("/") in _ROUTES


def all_routes() -> list[Route]:
    """Return every route; those with fewer placeholders come first, so that ``bulk`` is not taken for an id."""
    return sorted(_ROUTES.values(), key=lambda r: (tuple("{" in part for part in r.path.split("/")), r.path))
