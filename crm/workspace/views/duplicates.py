"""The queue of likely duplicates: to review, merge or tell apart one by one, or to merge the sure ones at once."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.access.rights import rights_of
from crm.jobs.engine import enqueue
from crm.lib.text import whole_number
from crm.records.alike import LEAST, Group, groups, searched, waiting
from crm.records.entity import Entity
from crm.ui.figures import number
from crm.ui.pages import page, redirect_to, render, toast
from crm.ui.values import display, record_mark
from crm.workspace.views.merging import merge_url

THRESHOLDS = (98, 95, 90)
SAMPLE = 20
CAP = 1000
_TOLD = {"customer": ("company", "email", "phone"), "company": ("domain", "industry", "phone")}


@dataclass(frozen=True)
class Member:
    """One record of a group, as the queue shows it."""

    obj: Any
    url: str
    mark: Any
    told: list[Any]


@dataclass(frozen=True)
class Shown:
    """A group with the addresses of what can be done with it."""

    group: Group
    members: list[Member]
    review: str


@page("GET")
def queue(request: HttpRequest) -> HttpResponse:
    """Show the groups of what looks alike, the surest first."""
    kinds = [of for of in searched() if rights_of(request.user).may("merge", of.name)]
    if not kinds:
        raise PermissionDenied
    counts = {one.name: waiting(one, request.user)[: CAP + 1].count() for one in kinds}
    kinds.sort(key=lambda one: -counts[one.name])
    of = _wanted(request, kinds)
    back = f"/duplicates?entity={of.name}"
    found = groups(of, request.user)
    tabs = [
        {"url": f"/duplicates?entity={one.name}", "label": one.label_plural, "icon": one.icon, "count": _capped(counts[one.name]),
         "current": one is of} for one in kinds
    ]
    sure = [(t, sum(group.score >= t for group in found)) for t in THRESHOLDS]
    context = {
        "entity": of, "tabs": tabs, "shown": [_shown(of, group, request.user, back) for group in found[:50]], "back": back,
        "sure": [(t, n) for t, n in sure if n], "may_search": rights_of(request.user).is_admin,
    }
    return render(request, "workspace/duplicates.html", context)


@page("GET POST")
def merge_sure(request: HttpRequest) -> HttpResponse:
    """Show a sample of what would be merged, then merge it in the background."""
    kinds = [of for of in searched() if rights_of(request.user).may("merge", of.name)]
    params = request.POST if request.method == "POST" else request.GET
    of = next((one for one in kinds if one.name == params.get("entity")), None)
    least = whole_number(params.get("least", ""))
    if of is None or least is None or not LEAST <= least <= 100:
        raise Http404
    back = f"/duplicates?entity={of.name}"
    if request.method == "POST":
        started = enqueue(
            "records.merge_duplicates", params={"entity": of.name, "least": least}, user=request.user,
            label=_("Merge duplicates: %(what)s") % {"what": of.label_plural},
        )
        toast(request, _("This runs in the background; you are told when it is done."), level="info", url=f"/jobs/{started.pk}", link=_("Progress"))
        return redirect_to(request, back)
    found = [group for group in groups(of, request.user, least) if group.score >= least]
    context = {
        "entity": of, "least": least, "back": back, "count": len(found), "sample": [_shown(of, g, request.user, back) for g in found[:SAMPLE]],
    }
    return render(request, "workspace/duplicates_sure.html", context)


@page("POST")
def look_again(request: HttpRequest) -> HttpResponse:
    """Search for duplicates now instead of tonight."""
    if not rights_of(request.user).is_admin:
        raise PermissionDenied
    started = enqueue("records.find_duplicates", user=request.user, key="records.find_duplicates")
    toast(request, _("Looking for duplicates"), level="info", url=f"/jobs/{started.pk}", link=_("Progress"))
    return redirect_to(request, "/duplicates")


def _wanted(request: HttpRequest, kinds: list[Entity]) -> Entity:
    name = request.GET.get("entity", "")
    found = next((of for of in kinds if of.name == name), None)
    if found is None and name:
        raise Http404
    return found or kinds[0]


def _capped(count: int) -> str:
    return f"{number(CAP)}+" if count > CAP else number(count)


def _shown(of: Entity, group: Group, user: Any, back: str) -> Shown:
    fields = of.fields_for(user)
    told = [fields[name] for name in _TOLD.get(of.name, ()) if name in fields]
    members = [
        Member(obj, of.url(obj), record_mark(of, obj, "av-lg"), [html for f in told if (html := display(obj, f, link=False))])
        for obj in group.records
    ]
    return Shown(group, members, merge_url(of, [obj.pk for obj in group.records], back))
