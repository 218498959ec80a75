"""The import wizard, the history of imports, and the download of a list."""

import json
import uuid
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.activity.intention import intend
from crm.activity.undo import ENTRIES_AT_ONCE, LIMIT, count_entries, preview_undo, require_undo, undo, undone_by
from crm.jobs.engine import cancel, enqueue
from crm.jobs.models import Job
from crm.lib.errors import Conflict, Refusal
from crm.lib.ids import parse_uuid
from crm.lists import query
from crm.lists.state import title_key
from crm.lists.views.base import state_for_act
from crm.lists.views.bulk import MAX_IDS
from crm.records.entity import all_entities, entity
from crm.records.models import CustomField
from crm.records.undoing import titled
from crm.transfer.export import export_response, exportable
from crm.transfer.export.files import AT_ONCE, ask_for_file, export_of, path_of
from crm.transfer.export.writers import TYPES
from crm.transfer.forms import choices_from, mapping_from, mapping_rows, questions_of, reading_from, rows_to_mend
from crm.transfer.jobs import change_set_of, start_check, start_import
from crm.transfer.models import ImportRun
from crm.transfer.services import (
    discard,
    failed_rows,
    importable_by,
    is_remembered,
    mend,
    open_another_way,
    receive,
    settle,
    suggest,
)
from crm.ui.pages import page, problems_of, redirect_to, render, toast, wants_part

State = ImportRun.State
WORKING = (State.CHECKING, State.RUNNING)
DELIMITERS = [
    ("", gettext_lazy("Detect")), (",", gettext_lazy("Comma")), (";", gettext_lazy("Semicolon")), ("\t", gettext_lazy("Tab")),
    ("|", gettext_lazy("Bar")), ("none", gettext_lazy("None: one column")),
]
STEPS = [gettext_lazy("File"), gettext_lazy("Columns"), gettext_lazy("Check"), gettext_lazy("Import"), gettext_lazy("Result")]
PREVIEWED = 300_000
"""A larger undo is not looked through before it is done."""
ENCODINGS = [
    "", "utf-8", "utf-16", "cp1252", "iso8859_15", "mac_roman", "cp850", "cp1250", "iso8859_2", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255",
    "cp1256", "cp1257", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr",
]
READING: dict[str, Any] = {"delimiters": DELIMITERS, "encodings": ENCODINGS}
FIELD_KINDS = [k for k in CustomField.Kind.choices if k[0] not in ("user", "link")]


@page("GET")
def imports(request: HttpRequest) -> HttpResponse:
    """Show the history of imports: the own ones, an administrator's are everybody's."""
    user: Any = request.user
    seen = ImportRun.objects.select_related("user")
    runs = list((seen if user.is_admin else seen.filter(user=user))[:100])
    if not runs and not importable_by(user):
        raise PermissionDenied
    rows = [{"run": r, "entity": all_entities().get(r.entity), "undone": _undone(r), "result": r.report.get("result", {})} for r in runs]
    return render(request, "transfer/list.html", {"rows": rows, "may_import": bool(importable_by(user))})


@page("GET POST")
def upload(request: HttpRequest) -> HttpResponse:
    """Take a file; what cannot be read is told at once, and what the rows are is told by the columns."""
    kinds = importable_by(request.user)
    if not kinds:
        raise PermissionDenied
    wanted = request.POST.get("entity", request.GET.get("entity", ""))
    context = {"kinds": kinds, "wanted": wanted, **READING, "problems": {}, "steps": STEPS, "at": 1, "opened": {}}
    if request.method == "POST":
        file = request.FILES.get("file")
        if file is None:
            context["problems"] = {"file": [_("Choose a file.")]}
            return render(request, "transfer/new.html", context, status=422)
        try:
            run = receive(file=file, name=file.name or "file", of=wanted, actor=request.user, options=reading_from(request.POST) or None)
        except Refusal as refusal:
            return render(request, "transfer/new.html", {**context, "opened": request.POST, "problems": problems_of(refusal)}, status=422)
        return redirect_to(request, f"/imports/{run.pk}")
    return render(request, "transfer/new.html", context)


@page("POST")
def read_again(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Open the stored file another way, or take its rows for something else."""
    run = _of(request, pk)
    if run.state in (*WORKING, State.DONE, State.UNDONE) or change_set_of(run) is not None:
        raise Conflict(_("This import is under way or done; import the file again."))
    try:
        open_another_way(run, request.user, of=request.POST.get("entity") or run.entity, options=reading_from(request.POST))
    except Refusal as refusal:
        return _mapping_step(request, run, problems=problems_of(refusal), status=422)
    return redirect_to(request, f"/imports/{run.pk}")


@page("GET POST")
def run_page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show the step that an import is at; a post settles the mapping and starts the check."""
    run = _of(request, pk)
    if request.method == "POST":
        return _settle(request, run)
    job = Job.objects.filter(pk=run.job_id).first() if run.job_id else None
    working = run.state in WORKING or bool(job and not job.is_finished)
    if job and job.is_finished and run.state in WORKING:
        run.error = run.error or job.error
    step = "map" if request.GET.get("step") == "map" and not working and run.state not in (State.DONE, State.UNDONE) else _step(run, working)
    change_set = change_set_of(run)
    context = {
        "run": run, "entity": entity(run.entity), "step": step, "job": job, "report": run.report, "problems": {},
        "undone": _undone(run), "change_set": change_set, "source": run.source, "also": _also(run), "undoing": _undoing(run),
        "steps": STEPS, "at": {"map": 2, "check": 3, "done": 5}.get(step, 4 if run.started_at else 3), "links": _links(run),
        "to_write": sum(run.report.get("counts", {}).get(k, 0) for k in ("create", "update")),
        "undo_until": run.finished_at + LIMIT if run.finished_at else None,
        "failing": run.report.get("counts", {}).get("error", 0) - run.report.get("waiting", 0),
        "rows_to_mend": rows_to_mend(run) if step == "check" else [], "questions": questions_of(run) if step == "check" else [],
    }
    if step == "map":
        return _mapping_step(request, run)
    return render(request, "transfer/run.html", context, part="import-step")


def _mapping_step(request: HttpRequest, run: ImportRun, *, status: int = 200, **more: Any) -> HttpResponse:
    """Show where the columns go, and how the file was read."""
    mapping = run.mapping or {**suggest(run, request.user).as_dict(), "rest": "note"}
    context = {
        "run": run, "entity": entity(run.entity), "step": "map", "problems": {}, "source": run.source, "report": run.report, "steps": STEPS, "at": 2,
        "rows": mapping_rows(run, mapping, request.user), "mapping_json": json.dumps(mapping, ensure_ascii=False, indent=2),
        "remembered": not run.mapping and is_remembered(run), "kinds": importable_by(request.user), "opened": run.source,
        "field_kinds": FIELD_KINDS, **READING, **more,
    }
    return render(request, "transfer/run.html", context, part="import-step", status=status)


def _links(run: ImportRun) -> dict[str, str]:
    """Return the lists that show what the import made and changed, as filters on the time it took."""
    if run.started_at is None or run.finished_at is None:
        return {}
    during: dict[str, Any] = {"op": "between", "value": [run.started_at.isoformat(), run.finished_at.isoformat()]}
    before: dict[str, Any] = {"field": "created_at", "op": "before", "value": run.started_at.isoformat()}
    declared = entity(run.entity)
    found = {}
    lists: dict[str, list[dict[str, Any]]] = {"created": [{"field": "created_at", **during}], "updated": [{"field": "updated_at", **during}, before]}
    for name, clauses in lists.items():
        if "pages" in declared.abilities and all(c["field"] in declared.own_fields for c in clauses):
            found[name] = f"/{declared.plural}?{urlencode({'filter': json.dumps(clauses)})}"
    return found


def _undoing(run: ImportRun) -> Job | None:
    """Return the job that is taking the import back, if one is at it."""
    jobs = Job.objects.filter(kind="activity.undo", params__change_set=str(run.change_set))
    return jobs.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING]).first()


def _also(run: ImportRun) -> list[tuple[Any, int]]:
    """Return what else the import makes, by its name for people."""
    made = run.report.get("result", run.report).get("also", {})
    declared = all_entities()
    return [(declared[name].label_plural if name in declared and n != 1 else declared[name].label if name in declared else name, n) for name, n in made.items()]


def _step(run: ImportRun, working: bool) -> str:
    if working:
        return "working"
    return {State.CHECKED: "check", State.DONE: "done", State.FAILED: "failed", State.CANCELLED: "failed"}.get(State(run.state), "map")


def _settle(request: HttpRequest, run: ImportRun) -> HttpResponse:
    """Take the mapping of the form (or its JSON), and check the file by it."""
    if run.state in (*WORKING, State.DONE):
        return redirect_to(request, f"/imports/{run.pk}")
    mapping: Any = run.mapping
    try:
        mapping = choices_from(run, request.POST) if request.POST.get("choices") else mapping_from(run, request.POST)
        settle(run, mapping, request.user)
    except Refusal as refusal:
        more = {"mapping_json": request.POST["json"]} if request.POST.get("json") else {}
        return _mapping_step(request, run, problems=problems_of(refusal), refusal=refusal, status=422, **more)
    start_check(run, request.user)
    return redirect_to(request, f"/imports/{run.pk}")


@page("POST")
def mend_row(request: HttpRequest, pk: uuid.UUID, number: int) -> HttpResponse:
    """Take the mended cells of a row that failed, and show what would become of it now."""
    run = _of(request, pk)
    cells = {int(name[5:]): text for name, text in request.POST.items() if name[:5] == "cell-" and name[5:].isdecimal() and len(name) < 10}
    before = dict(run.report.get("counts", {}))
    run = mend(run, request.user, number, cells)
    if not wants_part(request):
        return redirect_to(request, f"/imports/{run.pk}")
    row = next((r for r in rows_to_mend(run) if r["number"] == number), {"number": number, "errors": []})
    becomes = next((a for a, n in run.report["counts"].items() if n > before.get(a, 0)), "error")
    context = {"run": run, "report": run.report, "row": row, "becomes": becomes, "mended": True,
               "failing": run.report["counts"]["error"] - run.report.get("waiting", 0)}
    return render(request, "transfer/run.html#import-mended", context)


@page("POST")
def start(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Carry out what the check decided, or go on where a run stopped."""
    run = _of(request, pk)
    if run.report.get("blocked") or run.planned_at is None or run.state not in (State.CHECKED, State.CANCELLED, State.FAILED):
        raise Conflict(_("This import is not checked, or questions of the check are still open."))
    if run.state == State.FAILED:
        run.state = State.CHECKED if run.started_at is None else State.RUNNING
        run.save(update_fields=["state"])
    start_import(run, request.user)
    return redirect_to(request, f"/imports/{run.pk}")


@page("POST")
def stop(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask the job to stop; what was committed stays, and can be taken back or gone on with."""
    run = _of(request, pk)
    job = Job.objects.filter(pk=run.job_id).first()
    if job is not None and not job.is_finished:
        cancel(job)
    return redirect_to(request, f"/imports/{run.pk}")


@page("GET POST")
def take_back(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show what an undo would do and what was edited since; a post does it."""
    run = _of(request, pk)
    change_set = change_set_of(run)
    if change_set is None or undone_by(change_set) is not None:
        raise Conflict(_("This import wrote nothing, or was undone already."))
    entries = count_entries(change_set)
    if request.method == "POST":
        force = request.POST.get("force") == "1"
        if entries > ENTRIES_AT_ONCE:
            require_undo(change_set, request.user)
            if _undoing(run) is None:
                with intend(actor=request.user):
                    params = {"change_set": str(change_set.pk), "force": force}
                    enqueue("activity.undo", user=request.user, params=params, label=_("Undo: %(name)s") % {"name": run.file_name})
            return redirect_to(request, f"/imports/{run.pk}")
        undo(change_set=change_set, actor=request.user, force=force)
        toast(request, _("The import was undone."))
        return redirect_to(request, f"/imports/{run.pk}")
    preview = preview_undo(change_set, request.user) if entries <= PREVIEWED else None
    counts = [(capfirst(str(c.model._meta.verbose_name_plural)), c) for c in preview.counts] if preview else []
    conflicts = titled(preview.conflicts, request.user) if preview else []
    context = {"run": run, "preview": preview, "counts": counts, "conflicts": conflicts, "entries": entries, "entity": entity(run.entity)}
    return render(request, "transfer/undo.html", context)


@page("POST")
def forget(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Throw away an import that wrote nothing."""
    run = _of(request, pk)
    if run.state in WORKING or change_set_of(run) is not None:
        raise Conflict(_("This import has written records; undo it instead."))
    discard(run)
    toast(request, _("The file was thrown away."))
    return redirect_to(request, "/imports")


@page("GET")
def errors(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Download the rows that failed, to mend and load again."""
    run = _of(request, pk)
    if run.planned_at is None:
        raise Http404
    response = StreamingHttpResponse(failed_rows(run), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="errors-{run.pk}.csv"'
    return response


@page("GET")
def begin(request: HttpRequest) -> HttpResponse:
    """Go from a list to the wizard."""
    return redirect_to(request, "/imports/new", entity=request.GET.get("entity", ""))


@page("GET POST")
def export(request: HttpRequest) -> HttpResponseBase:
    """Download the list that the address describes, all of it; a form may send the ids of those that were selected."""
    name = request.GET.get("entity", "")
    declared = all_entities().get(name)
    if declared is None or "export" not in declared.abilities:
        raise Http404
    form = request.GET.get("format", "csv")
    state = state_for_act(request, declared)
    form = form if form in TYPES else "csv"
    rows, ids = query.matching(state), None
    if request.method == "POST" and request.POST.get("all") != "1":
        ids = [i for i in request.POST.getlist("ids")[:MAX_IDS] if parse_uuid(i)]
        rows = rows.filter(pk__in=ids)
    rows = rows.order_by(*query.ordering(state))
    # From a list: its title and its columns, in their order. Without that: every field that one may read.
    fields = ["id", title_key(declared), *(f.key for f in state.shown)] if request.GET.get("shown") == "1" else None
    if form == "xlsx" and exportable(request.user, declared, rows).order_by()[: AT_ONCE + 1].count() > AT_ONCE:
        return redirect_to(request, f"/exports/{ask_for_file(state, form, ids, fields).pk}")
    return export_response(request, of=declared, queryset=rows, form=form, fields=fields)


@page("GET")
def export_page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show how far a large export is, and its file once it is there."""
    job = export_of(request, pk)
    context = {"job": job, "ready": job.state == Job.State.SUCCEEDED and path_of(job).is_file(), "entity": entity(job.params["entity"])}
    return render(request, "transfer/export.html", context, part="export-step")


@page("GET")
def export_file(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Send the file of an export."""
    job = export_of(request, pk)
    path = path_of(job)
    if job.state != Job.State.SUCCEEDED or not path.is_file():
        raise Http404
    response = FileResponse(path.open("rb"), as_attachment=True, filename=(job.result or {}).get("name", path.name), content_type=TYPES[job.params["format"]])
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _of(request: HttpRequest, pk: uuid.UUID) -> ImportRun:
    user: Any = request.user
    found = ImportRun.objects.filter(pk=pk).first()
    if found is None or (found.user_id != user.pk and not user.is_admin):
        raise Http404
    return found


def _undone(run: ImportRun) -> bool:
    change_set = change_set_of(run)
    return change_set is not None and undone_by(change_set) is not None


