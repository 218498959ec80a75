"""What every view about an entity's records shares: which records, how they are shown, what a list asks for."""

import uuid
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import NOTHING, policy_of, visible_to
from crm.access.rights import rights_of
from crm.api.concurrency import tag_of
from crm.api.filters import apply_filter
from crm.api.parsers import strict_loads
from crm.api.schema import shapes
from crm.api.schema.entities import ARCHIVED, archives, read_schema
from crm.api.schema.operations import Parameter
from crm.api.searching import matching
from crm.api.views import APIView, answer
from crm.criteria import compile_criteria, validate
from crm.lib.errors import Denied, Invalid, Missing
from crm.lib.prepared import PreparedOne, Shelf
from crm.records.entity import Entity
from crm.records.entity import entity as entity_named
from crm.records.fields import LINKS
from crm.records.representation import Representation, represent
from crm.records.services.records import held, locked

MAX_QUERY = 200
RESERVED = frozenset({"page", "limit", "cursor", "sort", "fields", "include", "filter", "q", "view", "archived"})

# Filled by crm.lists: returns the criteria and the sorting of a saved view that the user may use.
_saved_view: list[Callable[[str, Entity, Any], tuple[dict[str, Any] | None, str]]] = []


def reads_saved_views(function: Callable[[str, Entity, Any], tuple[dict[str, Any] | None, str]]) -> None:
    """Register the reader of saved views: ``(id, entity, user)`` to criteria and sorting."""
    _saved_view[:] = [function]


def record_of(view: Any) -> shapes.Schema:
    """Return the schema of a view's record."""
    return read_schema(view.entity)


IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key", shapes.text(pattern=r"^[\x21-\x7e]{1,255}$"),
    "Sent again with the same body within 24 hours, the request is answered as the first time.", where="header",
)


# By rights and view, which may narrow the records.
_records: Shelf[PreparedOne[Any]] = Shelf()


class OfEntity(APIView):
    """A view about records of an entity. Override ``queryset`` to narrow it."""

    entity_name = ""
    """The entity; ``as_view`` may give it too."""

    @property
    def entity(self) -> Entity:
        """Return the entity."""
        return entity_named(self.entity_name)

    def queryset(self) -> Any:
        """Return the records that the caller may see."""
        return visible_to(self.request.user, self.entity.model)

    def get_object(self, id: Any, *, to_change: bool = False) -> Any:
        """Return a record that the caller may see, or refuse as missing; ``to_change`` locks it for the verb that follows."""
        fingerprint = rights_of(self.request.user).fingerprint

        def build(some: Any) -> Any:
            rows = self.queryset().filter(pk=some)
            return locked(rows) if to_change else rows

        query = _records.get(
            (fingerprint, type(self), to_change) if fingerprint else None, lambda: PreparedOne(build, (uuid.UUID(int=1),))
        )
        found = query.first(id)
        if found is None:
            raise Missing
        return held(found) if to_change else found

    def shown(self) -> Representation:
        """Return how records are shown: ``fields`` and ``include``."""
        params = self.request.query_params
        readable = self.entity.fields_for(self.request.user)
        fields = None
        if "fields" in params:
            fields = [w.strip() for w in params["fields"].split(",")]
            known = {*readable, "id", "created_at", "updated_at", "version", "custom"}
            for name in fields:
                if name not in known:
                    raise Invalid.field("fields", _("Unknown field “%(name)s”.") % {"name": name[:80]})
        include = [w.strip() for w in params["include"].split(",")] if "include" in params else []
        for name in include:
            if name not in readable or readable[name].kind not in LINKS or readable[name].custom:
                raise Invalid.field("include", _("Unknown relation “%(name)s”.") % {"name": name[:80]})
        return Representation(self.entity, self.request.user, fields=fields, include=include)

    def listed(self) -> tuple[Any, str | None]:
        """Return the records that the parameters ask for, and the sorting."""
        of, user, params = self.entity, self.request.user, self.request.query_params
        if policy_of(of.model).rows(rights_of(user), user, "view") == NOTHING:
            raise Denied
        queryset, sort = self.queryset(), params.get("sort")
        if sort == "":
            raise Invalid.field("sort", _("A value is expected."))
        if len(params.get("q", "")) > MAX_QUERY:
            raise Invalid.field("q", _("At most %(limit)d characters.") % {"limit": MAX_QUERY})
        if archives(of):
            queryset = self._put_away(queryset, params.get("archived", "false"))
        elif "archived" in params:
            raise Invalid.field("archived", _("Unknown parameter “%(name)s”.") % {"name": "archived"})
        for name, value in params.items():
            if name not in RESERVED:
                queryset = apply_filter(of, user, queryset, name, value)
        if "filter" in params:
            queryset = queryset.filter(self._criteria(strict_loads(params["filter"], "filter"), "filter"))
        if "q" in params:
            queryset = matching(of, user, queryset, params["q"])
        if "view" in params:
            if not _saved_view:
                raise Invalid.field("view", _("Unknown parameter “%(name)s”.") % {"name": "view"})
            tree, sorting = _saved_view[0](params["view"], of, user)
            if tree:
                queryset = queryset.filter(self._criteria(tree, "view"))
            sort = sort or sorting or None
        return queryset, sort

    @staticmethod
    def _put_away(queryset: Any, which: str) -> Any:
        """Leave archived records out, or leave only them, or neither."""
        if which not in ARCHIVED:
            raise Invalid.field("archived", _("One of: %(allowed)s.") % {"allowed": ", ".join(ARCHIVED)})
        return queryset if which == "any" else queryset.filter(archived_at__isnull=which == "false")

    def _criteria(self, tree: Any, name: str) -> Any:
        model, user = self.entity.model, self.request.user
        try:
            return compile_criteria(validate(tree, model, user), model, user)
        except Invalid as refusal:
            details = [type(d)(f"{name}.{d.field}" if d.field else name, d.message) for d in refusal.details]
            raise Invalid(refusal.message, details=details) from None

    def versioned(self) -> tuple[str, ...]:
        return ("version",) if any(f.name == "version" for f in self.entity.model._meta.get_fields()) else ()

    def respond(self, obj: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Any:
        """Return a record after a write, with its entity tag."""
        row = represent(obj, self.entity, self.request.user)
        tag = tag_of(getattr(obj, "version", None), row)
        return answer(row, status=status, headers={"ETag": tag, **(headers or {})})


class RecordView(OfEntity):
    """An address below one record: ``/deals/{id}/stage``. Set ``entity_name``; use ``get_object`` and ``respond``."""
