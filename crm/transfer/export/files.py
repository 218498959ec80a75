"""Large workbooks: made by a job, kept for a week, fetched by whoever asked for them."""

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from crm.access.policy import policy_of
from crm.access.rights import rights_of
from crm.activity.intention import intend
from crm.jobs.engine import Run, enqueue
from crm.jobs.models import Job
from crm.lists import query
from crm.lists.state import ListState
from crm.records.entity import entity
from crm.transfer.export import export_pieces

KIND = "transfer.export"
KEPT = 7 * 24 * 3600
AT_ONCE = 5_000
"""A workbook with more rows than this is made by a job: nothing of it can be sent before its end."""


def path_of(job: Job) -> Path:
    """Return where the file of an export lies; its name is ours."""
    return Path(settings.MEDIA_ROOT) / "exports" / f"{job.pk.hex}.{job.params['format']}"


def ask_for_file(state: ListState, form: str, ids: list[str] | None, fields: list[str] | None) -> Job:
    """Let a worker write what a list shows (of it the records with these ids) into a file."""
    params = {
        "entity": state.entity.name, "format": form, "q": state.q, "clauses": list(state.clauses), "sort": list(state.sort),
        "group": state.group, "archived": state.archived, "ids": ids, "fields": fields,
    }
    with intend(actor=state.user):
        return enqueue(KIND, params=params, user=state.user, label=_("Export of %(what)s") % {"what": state.entity.label_plural})


def write_file(run: Run, told: Any) -> dict[str, Any]:
    """Write the file of an export; what is there is seen with the rights of this moment."""
    p = run.params
    of = entity(p["entity"])
    state = ListState(
        of, run.user, q=p["q"], clauses=tuple(p["clauses"]), sort=tuple(p["sort"]), group=p["group"], archived=p["archived"]
    )
    rows = query.matching(state)
    if p["ids"] is not None:
        rows = rows.filter(pk__in=p["ids"])
    total = rows.count()
    name, count, pieces = export_pieces(
        of=of, queryset=rows.order_by(*query.ordering(state)), form=p["format"], actor=run.user, fields=p["fields"],
        told=lambda done: told(done, total),
    )
    path = path_of(run.job)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            for piece in pieces:
                file.write(piece)
                run.check()
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return {"rows": count, "name": name, "url": f"/exports/{run.job.pk}"}


def export_of(request: HttpRequest, pk: Any) -> Job:
    """Return an export that the user asked for; 404 for anybody else, and for whoever may not export any more."""
    job = Job.objects.filter(pk=pk, kind=KIND, user_id=request.user.pk).first()
    if job is None or not rights_of(request.user).may("export", policy_of(entity(job.params["entity"]).model).entity):
        raise Http404
    return job


def remove_old_files() -> int:
    """Remove the files of exports that are a week old; return how many."""
    removed = 0
    for path in (Path(settings.MEDIA_ROOT) / "exports").glob("*"):
        if path.stat().st_mtime < time.time() - KEPT:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
