"""Files over the API: put on records, kept in versions, and fetched."""

from typing import Any

from django.conf import settings
from django.http import FileResponse
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.activity.facts import record_access
from crm.api.attachments import Attached
from crm.api.entity import IDEMPOTENCY_KEY, OfEntity, record_of
from crm.api.keyset import paged
from crm.api.parsers import MultiPartParser
from crm.api.routes import entity_route, is_declared, route
from crm.api.schema import shapes
from crm.api.schema.checking import check
from crm.api.schema.entities import read_schema
from crm.api.schema.operations import PAGING, Parameter, describe
from crm.api.schema.shapes import Schema, integer, one_of, optional, shape, text, uuid
from crm.api.views import answer
from crm.api.viewsets import EntityViewSet
from crm.lib.errors import Invalid, Missing
from crm.records.entity import Entity, able
from crm.records.entity import entity as entity_named
from crm.records.models import Document
from crm.records.representation import Representation, represent
from crm.records.services.documents import add_document, add_version

_FILE: Schema = {"type": "string", "contentMediaType": "application/octet-stream", "minLength": 1}
_WORDS = {"name": optional(text(max_length=255)), "description": optional(text(max_length=500))}
FILE: Schema = shapes.shape_of({"file": _FILE, **_WORDS})
NEW_VERSION: Schema = shape(file=_FILE)


class DocumentParser(MultiPartParser):
    """Forms with one document."""

    @property
    def limit(self) -> int:
        """Return how long the body may be: the file, and some words beside it."""
        return int(settings.MAX_DOCUMENT_BYTES) + 65_536


class DocumentsView(Attached):
    """The files on a record."""

    attached = Document
    quota_cost = 5

    def get_parsers(self) -> list[Any]:
        """Read files."""
        return [DocumentParser()]

    @describe(
        "The documents on a record", answer=lambda v: read_schema(entity_named("document")), many=True, parameters=PAGING,
        errors=(400, 404),
    )
    def get(self, request: Any, id: Any) -> Any:
        """Return the documents, the newest first."""
        shown = Representation(entity_named("document"), request.user)
        return paged(self, self.rows(id), lambda found: shown.by_id([d.pk for d in found]))

    @describe(
        "Add a file to a record", body=FILE, body_type="multipart/form-data", status=201,
        answer=lambda v: read_schema(entity_named("document")), parameters=(IDEMPOTENCY_KEY,), errors=(400, 403, 404, 409),
    )
    def post(self, request: Any, id: Any) -> Any:
        """Store a file."""
        record = self.get_object(id)
        file, fields = uploaded(request, {"name", "description"})
        made = add_document(record=record, file=file, actor=request.user, **fields)
        shown = represent(made, entity_named("document"), request.user)
        return answer(shown, status=201, headers={"Location": f"/api/v1/documents/{made.pk}"})


class _OfDocument(OfEntity):
    entity_name = "document"


class DocumentViewSet(EntityViewSet):
    """The files on all records that the caller sees."""

    entity_name = "document"

    def get_parsers(self) -> list[Any]:
        """Read files where a document is made of one."""
        method = getattr(self.request, "method", None) or ""
        return [DocumentParser()] if self.action_map.get(method.lower()) == "create" else super().get_parsers()

    @describe(
        "Add a file to a record",
        body=lambda v: shapes.shape_of({"file": _FILE, **v._named(), **_WORDS}),
        body_type="multipart/form-data", answer=record_of, status=201, parameters=(IDEMPOTENCY_KEY,), errors=(400, 403, 404, 409),
    )
    def create(self, request: Any) -> Any:
        """Store a file on the record that is named."""
        file, fields = uploaded(request, {"entity", "record_id", "name", "description"})
        check(shapes.shape_of(self._named()), {k: v for k, v in fields.items() if k in ("entity", "record_id")})
        of = entity_named(fields.pop("entity"))
        record = visible_to(request.user, of.model).filter(pk=fields.pop("record_id")).first()
        if record is None:
            raise Invalid.field("record_id", _("There is no such record."))
        made = add_document(record=record, file=file, actor=request.user, **fields)
        return self.respond(made, status=201, headers={"Location": f"{request.path.rstrip('/')}/{made.pk}"})

    @staticmethod
    def _named() -> dict[str, Schema]:
        return {"entity": one_of(able("documents")), "record_id": uuid("The record that it is put on.")}


class VersionsView(_OfDocument):
    """The states of a document."""

    quota_cost = 5

    def get_parsers(self) -> list[Any]:
        """Read files."""
        return [DocumentParser()]

    @describe(
        "Store a new version of a document", body=NEW_VERSION, body_type="multipart/form-data", status=201,
        answer=shape(id=uuid(), number=integer(1), size=integer(0), content_type={"type": "string"}, sha256={"type": "string"}),
        parameters=(IDEMPOTENCY_KEY,), errors=(400, 403, 404),
    )
    def post(self, request: Any, id: Any) -> Any:
        """Store a new state; the earlier ones stay."""
        document = self.get_object(id)
        file, _none = uploaded(request, set())
        made = add_version(document=document, file=file, actor=request.user)
        shown = {
            "id": made.pk, "number": made.number, "size": made.size, "content_type": made.content_type, "sha256": made.sha256,
        }
        return answer(shown, status=201)


class ContentView(_OfDocument):
    """The bytes of a document."""

    @describe(
        "Download a document", files={"application/octet-stream": {"type": "string", "format": "binary"}}, errors=(404,),
        parameters=(Parameter("version", integer(1, 100_000), "The number of an earlier version."),),
    )
    def get(self, request: Any, id: Any) -> Any:
        """Return the file, to be saved and never shown."""
        versions = self.get_object(id).versions.order_by("-number")
        number = self.parameter("version")
        version = (versions.filter(number=number) if number else versions).first()
        if version is None:
            raise Missing
        try:
            file = version.file.open("rb")
        except FileNotFoundError:
            raise Missing from None
        record_access("records.document_downloaded", user=request.user, entity="document", entity_id=id, version=version.number)
        return FileResponse(
            file, as_attachment=True, filename=version.original_name, content_type="application/octet-stream"
        )


def uploaded(request: Any, names: set[str]) -> tuple[Any, dict[str, str]]:
    """Return the file of a multipart body and the texts beside it; anything else is refused."""
    data = request.data
    file = data.get("file")
    if file is None or not hasattr(file, "chunks"):
        raise Invalid.field("file", _("A file is expected."))
    for name in data:
        if name != "file" and (name not in names or not isinstance(data[name], str)):
            raise Invalid.field(str(name)[:80], _("Unknown field “%(name)s”.") % {"name": str(name)[:80]})
    return file, {name: data[name] for name in names if name in data}


def declare_documents(of: Entity) -> None:
    """Declare the addresses of the files on an entity's records, and those of a document's versions."""
    if "documents" in of.abilities and not is_declared(f"{of.plural}/{{id}}/documents"):
        named = {"entity_name": of.name, "__doc__": DocumentsView.__doc__}
        route(f"{of.plural}/{{id}}/documents", type(f"{of.name.title()}DocumentsView", (DocumentsView,), named))
    if of.name == "document":
        route("documents/{id}/files", VersionsView)
        route("documents/{id}/content", ContentView)


entity_route("document", DocumentViewSet)
