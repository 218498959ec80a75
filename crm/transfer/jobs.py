"""The jobs of transfers: check a file, carry the import out, write a large export."""

import time
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.activity.models import ChangeSet
from crm.jobs.engine import PASSING, Cancelled, LeaseLost, Run, Stopped, enqueue, job
from crm.jobs.models import Job
from crm.jobs.registry import when_finished
from crm.jobs.schedule import daily
from crm.lib.errors import Refusal
from crm.realtime.push import push, push_now
from crm.transfer.export.files import remove_old_files, write_file
from crm.transfer.models import ImportRun
from crm.transfer.services import carry_out, check

TOLD_EVERY = 0.7


@job("transfer.check", queue="import", label=gettext_lazy("Check of a file"), source="import")
def check_file(run: Run) -> dict[str, Any]:
    """Decide what would become of every row."""
    found = ImportRun.objects.get(pk=run.params["import"])
    return _guarded(found, lambda: _checked(found, run))


@job("transfer.import", queue="import", label=gettext_lazy("Import"), source="import")
def import_file(run: Run) -> dict[str, Any]:
    """Write what the check decided; with ``check`` in the parameters, check first and stop at open questions."""
    found = ImportRun.objects.get(pk=run.params["import"])

    def work() -> dict[str, Any]:
        if found.report.get("mended") or (run.params.get("check") and found.planned_at is None):
            _checked(found, run)
        if run.params.get("dry_run") or found.report.get("blocked"):
            return {"import": str(found.pk), "url": f"/imports/{found.pk}", **found.report["counts"]}
        if found.state == ImportRun.State.DONE:
            return {"import": str(found.pk), **found.report["result"]}
        carry_out(found, run.user, _telling(found, run), lambda number: run.save({"row": number}))
        return {"import": str(found.pk), "url": f"/imports/{found.pk}", "change_set": str(found.change_set), **found.report["result"]}

    return _guarded(found, work)


def _checked(found: ImportRun, run: Run) -> dict[str, Any]:
    report = check(found, run.user, _telling(found, run, _("Checking")))
    return {"import": str(found.pk), "url": f"/imports/{found.pk}", **report["counts"]}


def _telling(found: ImportRun, run: Run, words: str = "") -> Callable[[int, int], None]:
    return telling(run, f"import:{found.pk}", words)


def telling(run: Run, topic: str, words: str = "") -> Callable[[int, int], None]:
    """Return what tells the job, and every second the open pages, how far the work is."""
    last = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal last
        run.progress(done, total, words)
        if time.monotonic() - last > TOLD_EVERY:
            last = time.monotonic()
            push_now(topic, "progress")

    return tell


@job("transfer.export", queue="export", label=gettext_lazy("Export"))
def export_file(run: Run) -> dict[str, Any]:
    """Write a large workbook."""
    return write_file(run, telling(run, f"export:{run.job.pk}"))


@job("transfer.tidy", queue="low", label=gettext_lazy("Remove old exports"))
def tidy_exports(run: Run) -> dict[str, Any]:
    """Remove the files of old exports."""
    return {"removed": remove_old_files()}


daily("transfer.tidy", at="03:40")


@when_finished
def tell_the_page(job: Job) -> None:
    """Let the open page show how it ended."""
    if job.kind in ("transfer.check", "transfer.import"):
        push(f"import:{job.params.get('import')}", "ended")
    elif job.kind == "transfer.export":
        push(f"export:{job.pk}", "ended")


def _guarded(found: ImportRun, work: Any) -> dict[str, Any]:
    """Run ``work``; how it ends shows on the import too. What was committed stays, and can be gone on with."""
    try:
        result: dict[str, Any] = work()
    except Cancelled:
        _end(found, ImportRun.State.CANCELLED, _("Cancelled."))
        raise
    except (Stopped, LeaseLost):
        raise
    except Refusal as refusal:
        _end(found, ImportRun.State.FAILED, refusal.message)
        raise
    except PASSING:
        raise
    except Exception:
        _end(found, ImportRun.State.FAILED, _("An unexpected error stopped the import. What was committed stays; it can go on."))
        raise
    return result


def _end(found: ImportRun, state: str, words: str) -> None:
    found.refresh_from_db()
    found.state, found.error = state, words
    found.save(update_fields=["state", "error", "updated_at"])


def start_check(found: ImportRun, user: Any) -> Job:
    """Let a worker check a file."""
    return _start("transfer.check", found, user, {})


def start_import(found: ImportRun, user: Any, **params: Any) -> Job:
    """Let a worker import a file."""
    return _start("transfer.import", found, user, params)


def _start(kind: str, found: ImportRun, user: Any, params: dict[str, Any]) -> Job:
    # The first job bears the id of the import: whoever knows one of them can ask for either.
    pk = None if found.job_id else found.pk
    made = enqueue(kind, params={"import": str(found.pk), **params}, user=user, label=found.file_name, pk=pk)
    found.job_id, found.error = made.pk, ""
    found.save(update_fields=["job_id", "error", "updated_at"])
    return made


def change_set_of(found: ImportRun) -> ChangeSet | None:
    """Return the change set of an import, if it wrote anything."""
    return ChangeSet.objects.filter(pk=found.change_set).first()
