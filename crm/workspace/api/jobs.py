"""Jobs over the API: one's own, and by the matrix those of others."""

from typing import Any

from crm.access.policy import visible_to
from crm.api.keyset import paged
from crm.api.schema import describe
from crm.api.schema.operations import PAGING, Parameter
from crm.api.schema.shapes import anything, integer, moment, nullable, one_of, reference, shape, text
from crm.api.schema.shapes import uuid as identifier
from crm.api.views import APIView, answer
from crm.jobs.engine import cancel, retry
from crm.jobs.models import Job
from crm.lib.errors import Missing

JOB = shape(
    id=identifier(), kind=text(), label=text(), queue=text(), state=one_of(Job.State.values), attempts=integer(0),
    progress=shape(done=integer(0), total=integer(0), percent=nullable(integer(0, 100)), message=text()),
    result=nullable(anything("What the job gave, when it went well.")), error=text(description="What went wrong, in words."),
    user=nullable(reference()), change_set=identifier("The change set that everything it writes belongs to."),
    created_at=moment(), started_at=nullable(moment()), finished_at=nullable(moment()),
)


class JobsView(APIView):
    """The jobs that the caller may see."""

    @describe(
        "List jobs", answer=JOB, many=True, errors=(400,),
        parameters=(*PAGING, Parameter("state", one_of(Job.State.values)), Parameter("kind", text(max_length=80))),
    )
    def get(self, request: Any) -> Any:
        """Return one page of the jobs, newest first."""
        rows = visible_to(request.user, Job).select_related("user")
        for name in ("state", "kind"):
            if value := self.parameter(name):
                rows = rows.filter(**{name: value})
        return paged(self, rows, lambda found: [shown(j) for j in found])


class JobView(APIView):
    """One job."""

    @describe("Get a job", answer=JOB, errors=(404,))
    def get(self, request: Any, id: Any) -> Any:
        """Return a job with its progress."""
        return answer(shown(seen(request.user, id)))


class CancelView(APIView):
    """The end of a job."""

    @describe("Cancel a job", answer=JOB, errors=(404, 409))
    def post(self, request: Any, id: Any) -> Any:
        """Ask the job to stop; a running one stops within seconds."""
        return answer(shown(cancel(seen(request.user, id, "change"))))


class RetryView(APIView):
    """Another attempt at a job."""

    @describe("Try a job again", answer=JOB, errors=(404, 409))
    def post(self, request: Any, id: Any) -> Any:
        """Put a job that failed or was cancelled back into its queue; it goes on where it was."""
        return answer(shown(retry(seen(request.user, id, "change"))))


def seen(user: Any, id: Any, action: str = "view") -> Job:
    """Return a job that the user may see, or refuse as missing."""
    found = visible_to(user, Job, action).select_related("user").filter(pk=id).first()
    if found is None:
        raise Missing
    return found


def shown(job: Job) -> dict[str, Any]:
    """Return a job as plain values."""
    return {
        "id": job.pk, "kind": job.kind, "label": job.label, "queue": job.queue, "state": job.state,
        "attempts": job.attempts,
        "progress": {
            "done": job.progress_done, "total": job.progress_total, "percent": job.percent,
            "message": job.progress_message,
        },
        "result": job.result, "error": job.error,
        "user": {"id": str(job.user.pk), "name": job.user.name} if job.user else None,
        "change_set": job.change_set, "created_at": job.created_at, "started_at": job.started_at,
        "finished_at": job.finished_at,
    }
