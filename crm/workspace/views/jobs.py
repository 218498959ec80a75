"""Jobs: what runs in the background, how far it is, and how it ended."""

import uuid
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.activity.models import ChangeSet
from crm.jobs.alive import is_alive
from crm.jobs.engine import cancel, retry
from crm.jobs.models import Job
from crm.jobs.words import how_it_ended, where_it_led
from crm.lib.errors import Refusal
from crm.lib.ids import parse_uuid
from crm.ui.figures import number
from crm.ui.pages import done, page, redirect_to, render, toast

PAGE = 50
WORDS = {
    "done": gettext_lazy("Changed"), "refused": gettext_lazy("Refused"), "merged": gettext_lazy("Merged"),
    "removed": gettext_lazy("Removed"), "sent": gettext_lazy("Sent"), "made": gettext_lazy("Made"),
}


@page()
def jobs(request: HttpRequest) -> HttpResponse:
    """Show one's own jobs; by the matrix those of others, too."""
    rows = visible_to(request.user, Job).select_related("user").order_by("-id").defer("params", "trace", "result")
    state = request.GET.get("state", "")
    if state in Job.State.values:
        rows = rows.filter(state=state)
    if rights_of(request.user).may("manage", "job") and request.GET.get("all") != "1":
        rows = rows.filter(user=request.user)
    before = parse_uuid(request.GET.get("before", ""))
    if before is not None:
        rows = rows.filter(id__lt=before)
    found = list(rows[: PAGE + 1])
    context = {
        "jobs": found[:PAGE], "older": found[PAGE - 1].pk if len(found) > PAGE else None, "states": Job.State.choices,
        "state": state, "all": request.GET.get("all") == "1", "governs": rights_of(request.user).may("manage", "job"),
    }
    return render(request, "workspace/activity/jobs.html", context)


@page()
def job(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """Show one job; while it runs, its part of the page reads itself again."""
    found = _visible(request, job_id)
    context: dict[str, Any] = {
        "job": found, "changes": _changes(found),
        "stuck": not found.is_finished and found.state == Job.State.QUEUED and not is_alive(f"worker:{found.queue}"),
        "results": _results(found.result),
        "governs": rights_of(request.user).may("manage", "job"),
    }
    return render(request, "workspace/activity/job.html", context, part="job-progress")


@page("POST")
def job_told(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """Tell on the page that is open how a job ended, with the way to what it made and back."""
    found = _visible(request, job_id)
    url = where_it_led(found)
    here = urlsplit(request.headers.get("HX-Current-URL", "")).path
    if found.is_finished and here not in (url, f"/jobs/{found.pk}"):
        changes = _changes(found)
        own = changes is not None and found.state == Job.State.SUCCEEDED and changes.user_id == request.user.pk
        level = {Job.State.SUCCEEDED: "success", Job.State.CANCELLED: "info"}.get(Job.State(found.state), "error")
        toast(request, how_it_ended(found), level=level, url=url, link=_("Show"), undo=changes.pk if own and changes else None, many=True)
    return done(request)


def _changes(job: Job) -> ChangeSet | None:
    """Return what a finished job changed: under its own change set, or under the one that its result names."""
    named = job.result.get("change_set") if isinstance(job.result, dict) else None
    wanted = [pk for pk in (job.change_set, parse_uuid(str(named or ""))) if pk]
    return ChangeSet.objects.filter(pk__in=wanted).order_by("-id").first() if job.is_finished and wanted else None


def _results(result: Any) -> list[tuple[Any, Any]]:
    """Return the figures of a result in words; what leads to a page is a link elsewhere."""
    figures = [(k, v) for k, v in result.items() if k not in ("change_set", "import", "url")] if isinstance(result, dict) else []
    return [(WORDS.get(name, name.replace("_", " ").capitalize()), number(value) if isinstance(value, int) else value) for name, value in figures]


@page("POST")
def job_act(request: HttpRequest, job_id: uuid.UUID, act: str) -> HttpResponse:
    """Cancel a job, or try it again."""
    found = _visible(request, job_id, "change")
    try:
        if act == "cancel":
            cancel(found)
            toast(request, _("The job stops."))
        else:
            retry(found)
            toast(request, _("The job is tried again."))
    except Refusal as refusal:
        toast(request, refusal.message, level="error")
    return redirect_to(request, f"/jobs/{found.pk}")


def _visible(request: HttpRequest, pk: uuid.UUID, action: str = "view") -> Job:
    found = visible_to(request.user, Job, action).select_related("user").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found
