"""A change set: what it did, what an undo would do, and the undo itself."""

import uuid
from typing import Any

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.access.rights import rights_of
from crm.activity.intention import intend
from crm.activity.models import ActivityLog, ChangeSet
from crm.activity.undo import ENTRIES_AT_ONCE, UndoPreview, count_entries, preview_undo, undo, undone_by
from crm.jobs.engine import enqueue
from crm.lib.errors import Refusal
from crm.lib.ids import parse_uuid
from crm.records.audit import entities, lines
from crm.records.told import told
from crm.records.undoing import titled
from crm.ui.pages import done, page, redirect_to, render, toast, wants_part

SHOWN = 50
PAGE = 50


@page()
def change_sets(request: HttpRequest) -> HttpResponse:
    """Show what one did lately; by the matrix what others did, too."""
    rows = visible_to(request.user, ChangeSet).select_related("user").order_by("-id")
    before = parse_uuid(request.GET.get("before", ""))
    if before is not None:
        rows = rows.filter(id__lt=before)
    found = list(rows[: PAGE + 1])
    context = {"sets": found[:PAGE], "older": found[PAGE - 1].pk if len(found) > PAGE else None}
    return render(request, "workspace/activity/changes.html", context)


@page()
def change_set(request: HttpRequest, change_set_id: uuid.UUID) -> HttpResponse:
    """Show a change set and, before anything is done, what an undo would do."""
    found = _visible(request, change_set_id)
    entries = ActivityLog.objects.filter(change_set_id=found.pk).order_by("-id")
    preview, refused = _preview(found, request.user)
    names = dict(entities())
    by_entity = (
        ActivityLog.objects.filter(change_set_id=found.pk, kind="change")
        .values("entity", "action").annotate(n=Count("id")).order_by("-n")
    )
    context = {
        "set": found, "lines": told(lines(entries[:SHOWN], request.user), request.user), "total": count_entries(found), "shown": SHOWN,
        "by_entity": by_entity[:30], "preview": preview, "refused": refused, "undone_by": undone_by(found),
        "counts": [(names.get(c.entity, c.entity), c) for c in preview.counts] if preview else [],
        "conflicts": titled(preview.conflicts, request.user) if preview else [],
        "may_audit": rights_of(request.user).may("view", "audit"),
    }
    return render(request, "workspace/activity/change.html", context)


@page("POST")
def change_set_undo(request: HttpRequest, change_set_id: uuid.UUID) -> HttpResponse:
    """Undo a change set. What others have edited since is shown first, unless that was seen (``seen``)."""
    found = _visible(request, change_set_id)
    address = f"/changes/{found.pk}"
    force = request.POST.get("force") == "1"
    try:
        if count_entries(found) > ENTRIES_AT_ONCE:
            preview_rights(found, request.user)
            with intend(actor=request.user):
                job = enqueue(
                    "activity.undo", user=request.user, params={"change_set": str(found.pk), "force": force},
                    label=_("Undo: %(name)s") % {"name": found}, key=None,
                )
            toast(request, _("The undo runs in the background."), level="info")
            return redirect_to(request, f"/jobs/{job.pk}")
        if not force and request.POST.get("seen") != "1" and preview_undo(found, request.user).conflict_count:
            toast(request, _("Some of it was edited since. Look at it first."), level="warning")
            return redirect_to(request, address)
        made = undo(change_set=found, actor=request.user, force=force)
    except Refusal as refusal:
        toast(request, refusal.message, level="error")
        return done(request) if wants_part(request) else redirect_to(request, address)
    toast(request, _("Undone."), undo=made.pk)
    if wants_part(request):
        return done(request, **{"page:refresh": {}})
    return redirect_to(request, f"/changes/{made.pk}")


def preview_rights(found: ChangeSet, user: Any) -> None:
    """Refuse early what the job would refuse later."""
    if found.user_id != user.pk and not rights_of(user).may("manage", "audit"):
        raise Http404


def _preview(found: ChangeSet, user: Any) -> tuple[UndoPreview | None, str]:
    if count_entries(found) > ENTRIES_AT_ONCE:
        return None, ""
    try:
        return preview_undo(found, user), ""
    except Refusal as refusal:
        return None, refusal.message


def _visible(request: HttpRequest, pk: uuid.UUID) -> ChangeSet:
    found = visible_to(request.user, ChangeSet).select_related("user", "undoes").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found
