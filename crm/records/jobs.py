"""What is done for records by the clock, and with many duplicates at once."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.activity.intention import intend
from crm.jobs.engine import Run, job
from crm.jobs.schedule import daily, every
from crm.lib.errors import Refusal
from crm.records.alike import groups, merge_group, search_all, search_recent, searched, waiting
from crm.records.entity import entity
from crm.records.services.documents import sweep

LATELY = timedelta(minutes=40)
"""Longer than the time between two looks, so that a late one misses nothing; the night catches the rest."""


@job("records.sweep_documents", queue="low", label=_("Remove files without a document"))
def sweep_documents(run: Run) -> dict[str, Any]:
    """Remove the files that a rolled back upload left behind."""
    return {"removed": sweep()}


@job("records.find_duplicates", queue="low", label=_("Look for duplicates"))
def find_duplicates(run: Run) -> dict[str, Any]:
    """Compare all records with those they share something with."""
    return {of.name: search_all(of, run.check) for of in searched()}


@job("records.find_new_duplicates", queue="low", label=_("Look for duplicates of new records"))
def find_new_duplicates(run: Run) -> dict[str, Any]:
    """Compare what was written lately."""
    since = timezone.now() - LATELY
    return {of.name: search_recent(of, since) for of in searched()}


@job("records.merge_duplicates", queue="default", label=_("Merge duplicates"))
def merge_duplicates(run: Run) -> dict[str, Any]:
    """Merge every group that is sure enough, under one change set; what is refused stays in the queue."""
    of, least = entity(run.params["entity"]), int(run.params["least"])
    kept = run.checkpoint or {"merged": 0, "refused": [], "total": waiting(of, run.user, least).count()}
    while True:
        left = [g for g in groups(of, run.user, least) if g.score >= least and str(g.records[0].pk) not in kept["refused"]]
        if not left:
            return {"merged": kept["merged"], "refused": len(kept["refused"]), "change_set": str(run.job.change_set)}
        for group in left:
            run.check()
            first = str(group.records[0].pk)
            try:
                with intend(actor=run.user):
                    merge_group(group, run.user)
                kept = {**kept, "merged": kept["merged"] + len(group.records) - 1}
            except Refusal:
                kept = {**kept, "refused": [*kept["refused"], first]}
            run.save(kept)
            run.progress(kept["merged"], max(kept["total"], kept["merged"]))


daily("records.sweep_documents", at="03:50")
daily("records.find_duplicates", at="02:40")
every("records.find_new_duplicates", minutes=15)
