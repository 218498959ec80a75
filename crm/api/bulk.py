"""Many operations in one request: all or nothing, or each for itself."""

import uuid
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.utils.translation import gettext as _

from crm.api.errors import exception_handler
from crm.api.schema import shapes
from crm.api.schema.entities import write_schema
from crm.lib.errors import Detail, Invalid, Refusal
from crm.records.representation import Representation
from crm.records.services import create_record, delete_record, update_record

MAX_OPERATIONS = 1000
_OPERATION = shapes.shape(
    op=shapes.one_of(["create", "update", "delete"]), id=shapes.optional(shapes.text(max_length=100)),
    data=shapes.optional(shapes.mapping()),
)


def bulk_body(view: Any) -> shapes.Schema:
    """Return the schema of a list of operations: checked one by one, and shown as what each of them takes."""
    new, old = (write_schema(view.entity, whole=whole, existing=not whole) for whole in (True, False))
    made = view.create.operation.body_type == "application/json"  # what needs a file is not made here
    shown = {"anyOf": [
        *([shapes.shape(op=shapes.one_of(["create"]), data=new)] if made else []),
        shapes.shape(op=shapes.one_of(["update"]), id=shapes.uuid(), data=old),
        shapes.shape(op=shapes.one_of(["delete"]), id=shapes.uuid()),
    ]}
    return shapes.shape(operations=shapes.listing({**_OPERATION, shapes.DOCUMENTED: shown}, least=1, most=MAX_OPERATIONS))


class _Malformed(Invalid):
    """The operation itself is not one; its details name its parts."""


def run_bulk(view: Any, operations: list[dict[str, Any]], *, atomic: bool) -> list[dict[str, Any]]:
    """Run the operations in order and return a result for each.

    With ``atomic`` the first refusal ends everything, and its details are named by operation.
    """
    results: list[dict[str, Any]] = []
    made: dict[int, Any] = {}
    _lock(view, operations)
    for index, operation in enumerate(operations):
        result: dict[str, Any] = {"index": index, "op": operation["op"]}
        try:
            with transaction.atomic():
                obj, result["status"] = _run(view, operation)
        # Whatever else goes wrong in the database ends the whole transaction, and the request with it.
        except (Refusal, IntegrityError, DataError) as error:
            if atomic and not isinstance(error, Refusal):
                raise
            if atomic:
                raise _named(error, index) from None
            envelope = exception_handler(error, {"request": view.request})
            result["status"] = envelope.status_code
            result["error"] = {k: v for k, v in envelope.data["error"].items() if k != "request_id"}
        else:
            result["id"] = obj.pk
            if operation["op"] != "delete":
                made[index] = obj.pk
        results.append(result)
    _show(view, results, made)
    return results


def _lock(view: Any, operations: list[dict[str, Any]]) -> None:
    """Lock the records that are named, in one order for everybody, so that two lists of the same ones do not lock up."""
    named = {found for o in operations if (found := _uuid(o.get("id"))) is not None}
    if named:
        seen = view.queryset().filter(pk__in=named).order_by().values("pk")
        rows = view.entity.model._default_manager.filter(pk__in=seen).order_by("pk")
        list(rows.select_for_update(of=("self",), no_key=True).values_list("pk"))


def _run(view: Any, operation: dict[str, Any]) -> tuple[Any, int]:
    actor, op = view.request.user, operation["op"]
    given = operation.keys() - {"op"}
    expected = {"create": {"data"}, "update": {"id", "data"}, "delete": {"id"}}[op]
    if given != expected:
        wrong = [
            *(Detail(n, _("This field is required.")) for n in sorted(expected - given)),
            *(Detail(n, _("Unknown field “%(name)s”.") % {"name": n}) for n in sorted(given - expected)),
        ]
        raise _Malformed(details=wrong)
    if op == "create":
        view.may("create")
        data = view.input(operation["data"], whole=True)
        return create_record(of=view.entity, data=data, actor=actor), 201
    obj = view.get_object(_id_of(operation["id"]), to_change=True)
    if op == "delete":
        return delete_record(obj=obj, actor=actor), 204
    data = view.input(operation["data"], whole=False, obj=obj)
    version = data.pop("version", None)
    return update_record(obj=obj, data=data, actor=actor, version=version), 200


def _uuid(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _id_of(text: str) -> uuid.UUID:
    found = _uuid(text)
    if found is None:
        raise _Malformed(details=[Detail("id", _("“%(value)s” is not an id.") % {"value": text[:60]})])
    return found


def _show(view: Any, results: list[dict[str, Any]], made: dict[int, Any]) -> None:
    manager = getattr(view.entity.model, "everything", view.entity.model._default_manager)
    shown = Representation(view.entity, view.request.user)
    rows = {r["id"]: r for r in shown.rows(manager.filter(pk__in=set(made.values())))} if made else {}
    for index, pk in made.items():
        results[index]["data"] = rows.get(pk)


def _named(error: Refusal, index: int) -> Refusal:
    """Return the refusal with the operation's place in front of each field."""
    at = f"operations.{index}"
    inside = at if isinstance(error, _Malformed) else f"{at}.data"
    details = [Detail(f"{inside}.{d.field}" if d.field else at, d.message) for d in error.details]
    message = _("Operation %(index)d: %(message)s") % {"index": index, "message": error.message}
    return type(error)(message, details=details or [Detail(at, error.message)], extra=error.extra)
