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
from crm.records.services import delete_record, update_record
from crm.records.services.documents import add_document, add_version
from crm.ui.pages import done, page, problems_of, redirect_to, render, toast, wants_part
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


@page()
def view(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a document in a dialog over the page."""
    version = find_version(request, pk)
    if version.content_type not in SHOWN:
        raise Http404
    kind = "image" if version.content_type.startswith("image/") else "page"
    return render(request, "workspace/document_view.html", {"document": version.document, "kind": kind})


@page("POST")
def upload(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Put one or more files on a record."""
    of, obj = named(request, entity, pk, "documents")
    files: list[Any] = request.FILES.getlist("file")
    if not files:
        raise Invalid.field("file", _("Choose a file."))
    with intend(actor=request.user) as intention:
        for file in files[:20]:
            add_document(record=obj, file=file, actor=request.user)
    toast(request, _("Document added"), undo=intention.id)
    return _changed(request, of.url(obj))


@page("POST")
def replace(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Store a new version of a document."""
    document = _document(request, pk)
    if "file" not in request.FILES:
        raise Invalid.field("file", _("Choose a file."))
    add_version(document=document, file=request.FILES["file"], actor=request.user)
    toast(request, _("New version added"))
    return _changed(request, _home(request, document))


@page("GET POST")
def rename(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask for another name and description, or save them."""
    document = _document(request, pk)
    sent = request.POST if request.method == "POST" else {"name": document.name, "description": document.description}
    context: dict[str, Any] = {"document": document, "name": sent.get("name", ""), "description": sent.get("description", "")}
    if request.method == "POST":
        try:
            with intend(actor=request.user) as intention:
                update_record(
                    obj=document, data={"name": context["name"], "description": context["description"]}, actor=request.user
                )
        except Invalid as error:
            problems = [s for sentences in problems_of(error).values() for s in sentences]
            return render(request, "workspace/document_rename.html", {**context, "problems": problems}, status=422)
        toast(request, _("Saved"), undo=intention.id)
        return _changed(request, _home(request, document))
    return render(request, "workspace/document_rename.html", context)


@page("POST")
def remove(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Move a document to the trash."""
    document = _document(request, pk)
    home = _home(request, document)
    with intend(actor=request.user) as intention:
        delete_record(obj=document, actor=request.user)
    toast(request, _("Document deleted"), undo=intention.id)
    return _changed(request, home)


def _document(request: HttpRequest, pk: uuid.UUID) -> Document:
    document = visible_to(request.user, Document).filter(pk=pk).first()
    if document is None:
        raise Http404
    return document


def _home(request: HttpRequest, document: Document) -> str:
    of, obj = named(request, document.entity, document.record_id, "documents")
    return of.url(obj)


def _changed(request: HttpRequest, home: str) -> HttpResponse:
    """Let the page draw its documents anew; without scripts, go back to them."""
    if wants_part(request):
        return done(request, **{"record:changed": {"fields": ["document"]}, "dialog:close": {}})
    return redirect_to(request, f"{home}?tab=documents")
