"""Deliveries: what could not be handed to its reaction, to be looked at, replayed or discarded."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.access.policy import require, visible_to
from crm.activity.deliveries import discard, replay
from crm.activity.models import ActivityLog, Delivery
from crm.activity.relay import is_alive, lag
from crm.jobs.alive import missing, oldest_waiting
from crm.ui.pages import page, redirect_to, render, toast

ADDRESS = "/settings/deliveries"
SHOWN = 200


@page()
def deliveries(request: HttpRequest) -> HttpResponse:
    """Show the dead letters, what waits after a failure, and whether the background is at work."""
    require(request.user, "manage", Delivery)
    rows = visible_to(request.user, Delivery)
    dead = list(rows.filter(state=Delivery.State.DEAD).order_by("-created_at")[:SHOWN])
    waiting = list(rows.filter(state=Delivery.State.WAITING, attempts__gt=0).order_by("due_at")[:50])
    facts = {e.id: e for e in ActivityLog.objects.filter(id__in=[d.log_id for d in (*dead, *waiting)])}
    context = {
        "dead": [(d, facts.get(d.log_id)) for d in dead], "waiting": [(d, facts.get(d.log_id)) for d in waiting],
        "lag": round(lag()), "alive": is_alive(), "missing": missing(),
        "queues": [(q, round(age)) for q, age in oldest_waiting().items()],
    }
    return render(request, "workspace/activity/deliveries.html", context)


@page("POST")
def deliveries_act(request: HttpRequest, act: str) -> HttpResponse:
    """Replay or discard the chosen dead letters, or all of them."""
    require(request.user, "manage", Delivery)
    rows = visible_to(request.user, Delivery).filter(state=Delivery.State.DEAD)
    if request.POST.get("all") != "1":
        rows = rows.filter(pk__in=_ids(request.POST.getlist("delivery")))
    if act == "replay":
        count = replay(rows[:10_000], actor=request.user)
        text = ngettext("%(n)d delivery is tried again.", "%(n)d deliveries are tried again.", count)
    else:
        count = discard(rows[:10_000], actor=request.user)
        text = ngettext("%(n)d delivery was discarded.", "%(n)d deliveries were discarded.", count)
    toast(request, text % {"n": count} if count else _("Choose at least one."), level="success" if count else "warning")
    return redirect_to(request, ADDRESS)


def _ids(texts: list[str]) -> list[uuid.UUID]:
    found = []
    for text in texts:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue
    return found
