"""``POST /{entity}/import``, ``GET /imports…``, ``GET /{entity}/export``."""

from typing import Any

from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _

from crm.access.policy import require
from crm.activity.undo import undone_by
from crm.api.entity import IDEMPOTENCY_KEY, OfEntity
from crm.api.keyset import paged
from crm.api.paging import Order
from crm.api.parsers import MultiPartParser, strict_loads
from crm.api.schema import shapes
from crm.api.schema.entities import list_parameters
from crm.api.schema.operations import PAGING, Parameter, describe
from crm.api.views import APIView, answer
from crm.lib.errors import Conflict, Invalid, Missing
from crm.records.entity import Entity
from crm.transfer.api.exports import FILES
from crm.transfer.export import export_response
from crm.transfer.export.writers import TYPES
from crm.transfer.jobs import change_set_of, start_import
from crm.transfer.models import ImportRun
from crm.transfer.services import failed_rows, receive, require_import, settle, suggest

RUN = shapes.shape(
    id=shapes.uuid(), entity={"type": "string"}, file_name={"type": "string"}, state=shapes.one_of(ImportRun.State.values),
    rows=shapes.nullable(shapes.integer(0)), counts=shapes.mapping(), result=shapes.mapping(), report=shapes.mapping(),
    mapping=shapes.mapping(), source=shapes.mapping(), job=shapes.nullable(shapes.uuid()),
    change_set=shapes.nullable(shapes.uuid()), undone={"type": "boolean"}, error={"type": "string"},
    created_at=shapes.moment(), finished_at=shapes.nullable(shapes.moment()),
)
_BINARY = {"type": "string", "format": "binary"}


def shown(run: ImportRun) -> dict[str, Any]:
    """Return an import as the API shows it."""
    change_set = change_set_of(run)
    report = {k: v for k, v in run.report.items() if k not in ("columns", "written", "result", "counts", "rows")}
    return {
        "id": run.pk, "entity": run.entity, "file_name": run.file_name, "state": run.state, "rows": run.report.get("rows"),
        "counts": run.report.get("counts", {}), "result": run.report.get("result", {}), "report": report,
        "mapping": run.mapping, "source": run.source, "job": run.job_id,
        "change_set": change_set.pk if change_set else None,
        "undone": bool(change_set and undone_by(change_set)), "error": run.error,
        "created_at": run.created_at, "finished_at": run.finished_at,
    }


def of_user(user: Any) -> Any:
    """Return the imports a user may see: the own ones; an administrator's are all."""
    runs = ImportRun.objects.all()
    return runs if user.is_admin else runs.filter(user=user)


class ImportView(APIView):
    """Take a file for one entity, and start the job that checks and writes it."""

    entity_: Entity
    parser_classes = [MultiPartParser]
    quota_cost = 10

    @describe(
        "Import a file",
        description="CSV, XLSX, JSON or vCard. The job checks the file, and writes it unless questions are open.",
        body=shapes.shape_of({
            "file": _BINARY, "mapping": shapes.optional({"type": "string", "contentMediaType": "application/json"}),
            "dry_run": shapes.optional(shapes.one_of(["true", "false"])),
        }),
        body_type="multipart/form-data", answer=RUN, status=202, parameters=(IDEMPOTENCY_KEY,), errors=(400, 403, 409, 413, 415),
    )
    def post(self, request: Any) -> Any:
        """Store the file, settle the mapping, start the job."""
        require_import(request.user, self.entity_)
        data = request.data
        unknown = sorted(set(data) - {"file", "mapping", "dry_run"})
        if unknown:
            raise Invalid.field(unknown[0][:80], _("Unknown field “%(name)s”.") % {"name": unknown[0][:80]})
        file = request.FILES.get("file")
        if file is None:
            raise Invalid.field("file", _("Send the file as multipart/form-data."))
        if data.get("dry_run", "false") not in ("true", "false"):
            raise Invalid.field("dry_run", _("One of: %(allowed)s.") % {"allowed": "true, false"})
        mapping = strict_loads(data["mapping"], "mapping") if data.get("mapping") else None
        if mapping is not None and not isinstance(mapping, dict):
            raise Invalid.field("mapping", _("A mapping is a JSON object."))
        run = receive(
            file=file, name=file.name or "file", of=self.entity_.name, actor=request.user,
            options=mapping.get("source") if mapping and isinstance(mapping.get("source"), dict) else None,
        )
        if mapping is None:
            mapping = {**suggest(run, request.user).as_dict(), "rest": "note"}
        settle(run, mapping, request.user)
        start_import(run, request.user, check=True, dry_run=data.get("dry_run") == "true")
        return answer(shown(run), status=202, headers={"Location": f"/api/v1/imports/{run.pk}"})


class ImportsView(APIView):
    """The imports."""

    @describe("List imports", answer=RUN, many=True, parameters=PAGING, errors=(400,))
    def get(self, request: Any) -> Any:
        """Return one page of the imports that the caller may see, the latest first."""
        return paged(self, of_user(request.user), lambda found: [shown(r) for r in found])


class ImportRunView(APIView):
    """One import."""

    @describe("Get an import", answer=RUN, errors=(404,))
    def get(self, request: Any, id: Any) -> Any:
        """Return how far an import is, what was found and what was written."""
        return answer(shown(_found(request.user, id)))


class ImportConfirmView(APIView):
    """Go on with a checked import."""

    @describe("Carry out a checked import", answer=RUN, status=202, parameters=(IDEMPOTENCY_KEY,), errors=(403, 404, 409))
    def post(self, request: Any, id: Any) -> Any:
        """Start the job that writes what the check decided."""
        run = _found(request.user, id)
        if run.state != ImportRun.State.CHECKED or run.report.get("blocked"):
            raise Conflict(_("This import is not checked, or questions of the check are still open."))
        start_import(run, request.user)
        return answer(shown(run), status=202)


class ImportErrorsView(APIView):
    """The rows that failed, as a file to mend and load again."""

    @describe("Download the failed rows", files={"text/csv": _BINARY}, errors=(404,))
    def get(self, request: Any, id: Any) -> Any:
        """Stream the failed rows with what is wrong with each."""
        run = _found(request.user, id)
        if run.planned_at is None:
            raise Missing
        response = StreamingHttpResponse(failed_rows(run), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="errors-{run.pk}.csv"'
        response["X-Content-Type-Options"] = "nosniff"
        return response


class ExportView(OfEntity):
    """The records of a list as a file."""

    quota_cost = 10

    @describe(
        "Export records", description="The records that the list shows with the same filters, all of them.",
        parameters=lambda v: (
            Parameter("format", shapes.one_of(list(TYPES)), "The form of the file; CSV by default."),
            *(p for p in list_parameters(v) if p.name not in ("page", "limit", "cursor", "include")),
        ),
        files=FILES, checks_parameters=False, errors=(400, 403),
    )
    def get(self, request: Any) -> Any:
        """Stream the records."""
        require(request.user, "export", self.entity.model)
        bare = request._request
        bare.GET = bare.GET.copy()
        form = (bare.GET.pop("format", None) or ["csv"])[-1]
        if form not in TYPES:
            raise Invalid.field("format", _("One of: %(allowed)s.") % {"allowed": ", ".join(TYPES)})
        for name in ("page", "limit", "cursor", "include"):
            if name in bare.GET:
                raise Invalid.field(name, _("An export has no pages and no included records."))
        self.shown()
        queryset, sort = self.listed()
        ordered = Order(self.entity, request.user, sort).apply(queryset)
        fields = [w.strip() for w in request.query_params["fields"].split(",")] if "fields" in request.query_params else None
        return export_response(request, of=self.entity, queryset=ordered, form=form, fields=fields)


def _found(user: Any, pk: Any) -> ImportRun:
    run: ImportRun | None = of_user(user).filter(pk=pk).first()
    if run is None:
        raise Missing
    return run
