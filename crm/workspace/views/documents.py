"""Documents of a record: upload, download, preview. The policy is asked at every download; files have no address."""

import uuid
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin

from crm.access.policy import visible_to
from crm.activity.facts import record_access
from crm.activity.intention import intend
from crm.lib.errors import Invalid
from crm.records.files import SHOWN
from crm.records.models import Document, DocumentVersion
from crm.records.services import delete_record
from crm.records.services.documents import add_document, add_version
from crm.ui.pages import page, redirect_to, toast
from crm.workspace.views.onrecord import named

LOCKED = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'"


def find_version(request: HttpRequest, pk: uuid.UUID) -> DocumentVersion:
    """Return the asked version of a document that the user sees (the newest without ``?version=``)."""
    document = visible_to(request.user, Document).filter(pk=pk).first()
    if document is None:
        raise Http404
    versions = document.versions.order_by("-number")
    number = request.GET.get("version")
    if number is not None:
        versions = versions.filter(number=int(number)) if number.isascii() and number.isdigit() and len(number) < 6 else versions.none()
    found: DocumentVersion | None = versions.first()
    if found is None:
        raise Http404
    return found


def file_response(version: DocumentVersion, *, shown: bool = False) -> HttpResponseBase:
    """Return the bytes of a version: as a download, or for display where a browser can do no harm with them."""
    inline = shown and version.content_type in SHOWN
    content_type = version.content_type if inline else "application/octet-stream"
    if content_type == "text/plain":
        content_type = "text/plain; charset=utf-8"
    try:
        file = version.file.open("rb")
    except FileNotFoundError:
        raise Http404 from None
    response = FileResponse(file, as_attachment=not inline, filename=version.document.name, content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    # A PDF reader does not run inside a sandbox; nothing else of a shown file needs to leave it.
    sandbox = "" if content_type == "application/pdf" else "; sandbox"
    response["Content-Security-Policy"] = LOCKED + sandbox
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@page()
def download(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Download a document; it is written to the log who did."""
    version = find_version(request, pk)
    record_access(
        "records.document_downloaded", user=request.user, entity="document", entity_id=pk, version=version.number
    )
    return file_response(version)


@page()
@xframe_options_sameorigin
def preview(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Show a picture, a PDF or a plain text; anything else has no preview."""
    version = find_version(request, pk)
    if version.content_type not in SHOWN:
        raise Http404
    return file_response(version, shown=True)


@page("POST")
def upload(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Put one or more files on a record."""
    of, obj = named(request, entity, pk, "documents")
    files: list[Any] = request.FILES.getlist("file")
    if not files:
        raise Invalid.field("file", _("Choose a file."))
    for file in files[:20]:
        add_document(record=obj, file=file, actor=request.user)
    toast(request, _("Document added"))
    return redirect_to(request, f"{of.url(obj)}?tab=documents")


@page("POST")
def replace(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Store a new version of a document."""
    document = visible_to(request.user, Document).filter(pk=pk).first()
    if document is None:
        raise Http404
    if "file" not in request.FILES:
        raise Invalid.field("file", _("Choose a file."))
    add_version(document=document, file=request.FILES["file"], actor=request.user)
    toast(request, _("New version added"))
    return _back(request, document)


@page("POST")
def remove(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Move a document to the trash."""
    document = visible_to(request.user, Document).filter(pk=pk).first()
    if document is None:
        raise Http404
    with intend(actor=request.user) as intention:
        delete_record(obj=document, actor=request.user)
    toast(request, _("Document deleted"), undo=intention.id)
    return _back(request, document)


def _back(request: HttpRequest, document: Document) -> HttpResponse:
    of, obj = named(request, document.entity, document.record_id, "documents")
    return redirect_to(request, f"{of.url(obj)}?tab=documents")
