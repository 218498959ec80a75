"""Large exports over the API: asked for, made by a job, fetched."""

from typing import Any

from django.http import FileResponse
from django.utils.translation import gettext as _

from crm.access.policy import policy_of
from crm.access.rights import rights_of
from crm.api.entity import IDEMPOTENCY_KEY
from crm.api.keyset import paged
from crm.api.schema import describe, shapes
from crm.api.schema.operations import PAGING
from crm.api.schema.shapes import listing, mapping, one_of, optional, shape, text
from crm.api.views import APIView, answer
from crm.criteria import validate
from crm.jobs.models import Job
from crm.lib.errors import Denied, Invalid, Missing
from crm.lists.state import ListState
from crm.records.entity import able, entity
from crm.transfer.export.files import KIND, ask_for_file, path_of
from crm.transfer.export.writers import TYPES

FILES: dict[str, shapes.Schema] = {
    media.partition(";")[0]: listing(mapping()) if form == "json" else {"type": "string", "format": "binary"} for form, media in TYPES.items()
}
"""What an export can be, by media type."""
EXPORT = shape(
    id=shapes.uuid(), entity=text(), format=one_of(TYPES), state=one_of(Job.State.values), job=shapes.uuid("Tells how far it is."),
    rows=shapes.nullable(shapes.integer(0)), ready=shapes.boolean("Whether there is a file to fetch; it is kept for a week."),
    created_at=shapes.moment(), finished_at=shapes.nullable(shapes.moment()),
)


def shown(job: Job) -> dict[str, Any]:
    """Return an export as the API shows it."""
    ready = job.state == Job.State.SUCCEEDED and path_of(job).is_file()
    return {
        "id": job.pk, "entity": job.params["entity"], "format": job.params["format"], "state": job.state, "job": job.pk,
        "rows": (job.result or {}).get("rows"), "ready": ready, "created_at": job.created_at, "finished_at": job.finished_at,
    }


class ExportsView(APIView):
    """One's own exports."""

    quota_cost = 10

    @describe("List my exports", answer=EXPORT, many=True, parameters=PAGING, errors=(400,), tag="exports")
    def get(self, request: Any) -> Any:
        """Answer a page of them, the latest first."""
        rows = Job.objects.filter(kind=KIND, user=request.user)
        return paged(self, rows, lambda found: [shown(job) for job in found])

    @describe(
        "Export into a file", status=202, answer=EXPORT, parameters=(IDEMPOTENCY_KEY,), errors=(400, 403), tag="exports",
        body=lambda v: shape(
            entity=one_of(_exported()), format=optional(one_of(TYPES)), q=optional(text(max_length=200)),
            filter=optional(mapping(description="Nested conditions of the query builder.")),
            fields=optional(listing(text(max_length=120, min_length=1), least=1, most=200)),
        ),
        description="A job writes it with the rights of the caller; `GET /{entity}/export` streams at once.",
    )
    def post(self, request: Any) -> Any:
        """Start the job."""
        body = self.body()
        of = entity(body["entity"])
        if not rights_of(request.user).may("export", policy_of(of.model).entity):
            raise Denied
        fields = body.get("fields")
        for i, name in enumerate(fields or ()):
            if name != "id" and name not in of.fields_for(request.user):
                raise Invalid.field(f"fields.{i}", _("Unknown field “%(name)s”.") % {"name": name[:80]})
        clauses: tuple[dict[str, Any], ...] = ()
        if body.get("filter"):
            tree = validate(body["filter"], of.model, request.user, path="filter")
            clauses = ({k: v for k, v in tree.items() if k != "version"},)
        state = ListState(of, request.user, q=body.get("q", ""), clauses=clauses)
        job = ask_for_file(state, body.get("format", "csv"), None, fields)
        return answer(shown(job), status=202, headers={"Location": f"/api/v1/exports/{job.pk}"})


class ExportView(APIView):
    """One export."""

    @describe("Get an export", answer=EXPORT, errors=(404,), tag="exports")
    def get(self, request: Any, id: Any) -> Any:
        """Tell how far it is."""
        return answer(shown(_own(request.user, id)))


class ExportFileView(APIView):
    """The file of an export."""

    @describe(
        "Download the file of an export", errors=(404,), tag="exports",
        files=FILES,
    )
    def get(self, request: Any, id: Any) -> Any:
        """Return the file, for whoever asked for it and may still export."""
        job = _own(request.user, id)
        path = path_of(job)
        if job.state != Job.State.SUCCEEDED or not path.is_file():
            raise Missing
        form = job.params["format"]
        name = (job.result or {}).get("name", path.name)
        response = FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type=TYPES[form])
        response["X-Content-Type-Options"] = "nosniff"
        return response


def _exported() -> list[str]:
    return sorted({*able("export")} & {*able("pages")})


def _own(user: Any, pk: Any) -> Job:
    job: Job | None = Job.objects.filter(pk=pk, kind=KIND, user_id=user.pk).first()
    if job is None or not rights_of(user).may("export", policy_of(entity(job.params["entity"]).model).entity):
        raise Missing
    return job
