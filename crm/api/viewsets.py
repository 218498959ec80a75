"""The view sets that every entity has. A domain extends them; most entities need nothing of their own."""

from typing import Any

import orjson
from django.utils.translation import gettext as _
from rest_framework.viewsets import ViewSetMixin

from crm.access.policy import policy_of
from crm.activity.intention import intend
from crm.api.bulk import bulk_body, run_bulk
from crm.api.concurrency import check_match, tag_of
from crm.api.entity import IDEMPOTENCY_KEY, OfEntity, RecordView, reads_saved_views, record_of
from crm.api.paging import Order, by_cursor, by_page
from crm.api.renderers import to_json
from crm.api.schema import shapes
from crm.api.schema.checking import check
from crm.api.schema.entities import fields_parameters, list_parameters, read_schema, write_schema
from crm.api.schema.operations import IF_MATCH, Parameter, describe
from crm.api.views import APIView, PublicAPIView, answer, no_content
from crm.lib.errors import Denied, Missing
from crm.records.entity import Entity
from crm.records.keys import Key
from crm.records.representation import represent
from crm.records.services import (
    archive_record,
    create_record,
    delete_record,
    restore_record,
    unarchive_record,
    update_record,
)
from crm.records.services.records import visible_trash
from crm.records.watching import note_view

PAGES = (
    Parameter("page", shapes.integer(1, 100_000), "The page, from 1."),
    Parameter("limit", shapes.integer(1, 200), "Records a page, 20 by default."),
)


class ReadViewSet(ViewSetMixin, OfEntity):
    """List and retrieve records of an entity."""

    @describe(
        "List records", parameters=list_parameters, answer=record_of, many=True, checks_parameters=False, errors=(400, 403)
    )
    def list(self, request: Any) -> Any:
        """Return one page of the records."""
        queryset, sort = self.listed()
        order = Order(self.entity, request.user, sort)
        paged = by_cursor if "cursor" in request.query_params else by_page
        rows, pagination = paged(request, queryset, order, self.shown())
        return answer(rows, metadata={"pagination": pagination})

    @describe("Get a record", parameters=lambda v: tuple(fields_parameters(v.entity)), answer=record_of, errors=(400, 404))
    def retrieve(self, request: Any, id: Any) -> Any:
        """Return one record."""
        shown = self.shown()
        names = ("pk", *self.versioned())
        found = self.queryset().filter(pk=id).values_list(*names).first()
        row = next(iter(shown.by_id([id])), None) if found else None
        if found is None or row is None:
            raise Missing
        note_view(request.user, self.entity, found[0], door="api")
        return answer(row, headers={"ETag": tag_of(found[-1] if len(found) > 1 else None, row)})


class EntityViewSet(ReadViewSet):
    """Everything that can be done with records of an entity."""

    def input(self, data: Any, *, whole: bool, obj: Any = None, at: str = "") -> dict[str, Any]:
        """Return a body checked against the entity's schema; unchanged echoes of read-only values are dropped."""
        if obj is not None and isinstance(data, dict):
            data = _without_echoes(self.entity, data, obj, self.request.user)
        check(write_schema(self.entity, whole=whole, existing=obj is not None), data, at)
        return dict(data)

    @describe(
        "Create a record", body=lambda v: write_schema(v.entity, whole=True, existing=False), answer=record_of, status=201,
        parameters=(IDEMPOTENCY_KEY,), errors=(400, 403, 409),
    )
    def create(self, request: Any) -> Any:
        """Make a record."""
        self.may("create")
        obj = create_record(of=self.entity, data=self.input(request.data, whole=True), actor=request.user)
        return self.respond(obj, status=201, headers={"Location": f"{request.path.rstrip('/')}/{obj.pk}"})

    def may(self, action: str) -> None:
        """Refuse early, before the body is looked at, what the caller may not do to any record."""
        if not policy_of(self.entity.model).allows(self.request.user, action):
            raise Denied

    @describe(
        "Replace a record", body=lambda v: write_schema(v.entity, whole=True, existing=True), answer=record_of,
        parameters=(IF_MATCH,), errors=(400, 403, 404, 409, 412),
        description="Required fields must be there; what is left out keeps its value.",
    )
    def update(self, request: Any, id: Any) -> Any:
        """Change a record; the required fields must be given."""
        return self._change(request, id, whole=True)

    @describe(
        "Change a record", body=lambda v: write_schema(v.entity, whole=False, existing=True), answer=record_of,
        parameters=(IF_MATCH,), errors=(400, 403, 404, 409, 412),
        description="Only the fields that are given change; two people changing different fields both win.",
    )
    def partial_update(self, request: Any, id: Any) -> Any:
        """Change some fields of a record."""
        return self._change(request, id, whole=False)

    def _change(self, request: Any, id: Any, *, whole: bool) -> Any:
        obj = self.get_object(id, to_change=True)
        data = self.input(request.data, whole=whole, obj=obj)
        version = data.pop("version", None)
        matched = check_match(request, obj, data, request.user)
        obj = update_record(obj=obj, data=data, actor=request.user, version=matched or version)
        return self.respond(obj)

    @describe("Delete a record", status=204, parameters=(IF_MATCH,), errors=(403, 404, 409, 412))
    def destroy(self, request: Any, id: Any) -> Any:
        """Move a record to the trash (reference data is removed for good, unless it is in use)."""
        obj = self.get_object(id, to_change=True)
        check_match(request, obj, {}, request.user)
        delete_record(obj=obj, actor=request.user)
        return no_content()

    @describe("Restore a record from the trash", answer=record_of, parameters=(IDEMPOTENCY_KEY,), errors=(404, 409))
    def restore(self, request: Any, id: Any) -> Any:
        """Bring a record back from the trash."""
        found = self.entity.model.everything.filter(pk=id).first()
        if found is None:
            raise Missing
        return self.respond(restore_record(obj=found, actor=request.user))

    @describe("Archive a record", answer=record_of, parameters=(IF_MATCH, IDEMPOTENCY_KEY), errors=(403, 404, 412),
              description="It stays readable and leaves the lists (`?archived=true` shows it).")
    def archive(self, request: Any, id: Any) -> Any:
        """Put a record away."""
        obj = self.get_object(id, to_change=True)
        check_match(request, obj, {}, request.user)
        return self.respond(archive_record(obj=obj, actor=request.user))

    @describe("Bring a record back from the archive", answer=record_of, parameters=(IF_MATCH, IDEMPOTENCY_KEY), errors=(403, 404, 412))
    def unarchive(self, request: Any, id: Any) -> Any:
        """Bring a record back into the lists."""
        obj = self.get_object(id, to_change=True)
        check_match(request, obj, {}, request.user)
        return self.respond(unarchive_record(obj=obj, actor=request.user))

    @describe(
        "List the trash", parameters=lambda v: (*PAGES, *fields_parameters(v.entity)), answer=lambda v: v.trashed(),
        many=True, errors=(400, 403), description="The deleted records that the caller may restore, the latest first.",
    )
    def trash(self, request: Any) -> Any:
        """Return one page of the deleted records."""
        self.may("delete")
        order = Order.of_keys(Key("deleted_at", True, False), Key("id", True, False))
        rows, pagination = by_page(request, visible_trash(request.user, self.entity.model), order, self.shown(), "deleted_at")
        for row in rows:
            row["deleted_at"] = row.pop("_")["deleted_at"]
        return answer(rows, metadata={"pagination": pagination})

    def trashed(self) -> shapes.Schema:
        """Return the schema of a record in the trash."""
        read = {k: v for k, v in read_schema(self.entity).items() if k != shapes.COMPONENT}
        named = {shapes.COMPONENT: shapes.component_name(self.entity.name, "trashed")}
        return {**read, "properties": {**read["properties"], "deleted_at": shapes.moment()}, **named}

    @describe(
        "Create, update and delete many records",
        description="Each operation is checked by itself as the request of its own would be: `create` takes `data`, `update` "
        "takes `id` and `data` (with `version`, if wanted), `delete` takes `id`. Without `atomic` each has a result.",
        body=bulk_body, answer=lambda v: v.bulk_answer(), errors=(400, 403, 404, 409, 412),
        parameters=(
            Parameter("atomic", shapes.boolean(), "All or nothing; otherwise each operation has its own result."),
            IDEMPOTENCY_KEY,
        ),
    )
    def bulk(self, request: Any) -> Any:
        """Run up to 1,000 operations."""
        body = self.body()
        with intend(actor=request.user, source="api", label=_("Bulk: %(what)s") % {"what": self.entity.label_plural}):
            results = run_bulk(self, body["operations"], atomic=bool(self.parameter("atomic", False)))
        failed = sum("error" in r for r in results)
        return answer(results, metadata={"succeeded": len(results) - failed, "failed": failed})

    def bulk_answer(self) -> shapes.Schema:
        """Return the schema of the results."""
        return shapes.listing(shapes.shape(
            index=shapes.integer(0), op={"type": "string"}, status=shapes.integer(),
            id=shapes.optional(shapes.uuid()), data=shapes.optional(read_schema(self.entity)),
            error=shapes.optional({"type": "object"}),
        ))


def _without_echoes(of: Entity, data: dict[str, Any], obj: Any, user: Any) -> dict[str, Any]:
    """Drop read-only values that are sent back as they were read, so that what GET gave can be PUT."""
    schema = write_schema(of, whole=False, existing=True)["properties"]
    readonly = [name for name in data if name not in schema]
    if not readonly:
        return data
    shown = orjson.loads(to_json(represent(obj, of, user)))
    return {k: v for k, v in data.items() if k not in readonly or k not in shown or shown[k] != v}


def viewset_for(of: Entity) -> Any:
    """Return the general view set for an entity."""
    return type(f"{of.name.title().replace('_', '')}ViewSet", (EntityViewSet,), {"entity_name": of.name})


__all__ = [
    "IDEMPOTENCY_KEY", "IF_MATCH", "APIView", "EntityViewSet", "PublicAPIView", "ReadViewSet", "RecordView", "answer",
    "no_content", "reads_saved_views", "record_of", "viewset_for",
]
