"""Who can see this, and why; and sharing it with one more (U3, A12)."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from crm.access.policy import allows, visible_to
from crm.access.reasons import who_sees
from crm.access.services import share_record, shares_of, unshare_record
from crm.accounts.models import Team, User
from crm.activity.intention import intend
from crm.lib.errors import Invalid, Refusal
from crm.lib.text import whole_number
from crm.ui.pages import page, problems_of, redirect_to, render, toast
from crm.workspace.views.onrecord import named

OFFERED = 10

@page()
def who_can_see(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Show everyone who sees a record, with what he may do and the reasons."""
    of, obj = named(request, entity, pk)
    return _shown(request, of, obj)


@page()
def whom(request: HttpRequest) -> JsonResponse:
    """Return people and teams to share with, whose name contains the words."""
    words = request.GET.get("q", "").strip()[:100].replace("\x00", "").casefold()
    people = visible_to(request.user, User).filter(is_active=True, search_text__contains=words).order_by("sort_key")[:OFFERED]
    teams = visible_to(request.user, Team).filter(sort_key__contains=words).order_by("sort_key")[:OFFERED]
    return JsonResponse({"options": [
        *({"value": f"team:{t.pk}", "text": t.name, "subtitle": _("Team")} for t in teams),
        *({"value": f"user:{u.pk}", "text": u.name, "subtitle": u.email} for u in people),
    ]})


@page("POST")
def share(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Share a record with a person or a team."""
    of, obj = named(request, entity, pk, "share")
    try:
        user, team = _whom(request.POST.get("whom", ""))
        with intend(actor=request.user) as act:
            share_record(obj=obj, user=user, team=team, may_change=request.POST.get("level") == "change", actor=request.user)
    except Refusal as refusal:
        return _shown(request, of, obj, problems_of(refusal), refusal.status)
    toast(request, _("Shared with %(name)s") % {"name": user or team}, undo=act.id)
    return redirect_to(request, f"/access/{of.name}/{obj.pk}")


@page("POST")
def unshare(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Take a share back."""
    of, obj = named(request, entity, pk, "share")
    user, team = _whom(request.POST.get("whom", ""))
    with intend(actor=request.user) as act:
        unshare_record(obj=obj, user=user, team=team, actor=request.user)
    toast(request, _("No longer shared with %(name)s") % {"name": user or team}, undo=act.id)
    return redirect_to(request, f"/access/{of.name}/{obj.pk}" if allows(request.user, "view", obj) else f"/{of.plural}")


def _whom(value: str) -> tuple[User | None, Team | None]:
    """Return whom ``user:<id>`` or ``team:<id>`` names."""
    kind, _colon, key = value.partition(":")
    try:
        pk = uuid.UUID(key)
    except ValueError:
        raise Invalid.field("whom", _("Choose a person or a team.")) from None
    user = User.objects.active().filter(pk=pk).first() if kind == "user" else None
    team = Team.objects.filter(pk=pk).first() if kind == "team" else None
    if user is None and team is None:
        raise Invalid.field("whom", _("Choose a person or a team."))
    return user, team


def _shown(
    request: HttpRequest, of: Any, obj: Any, problems: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    may_share = "share" in of.abilities and allows(request.user, "share", obj)
    words = request.GET.get("q", "").strip()[:100].replace("\x00", "")
    people, after = who_sees(obj, after=whole_number(request.GET.get("after", "")) or 0, words=words)
    context = {
        "entity": of, "obj": obj, "url": of.url(obj), "people": people, "after": after, "q": words, "may_share": may_share,
        "shares": shares_of(obj), "problems": problems or {}, "path": f"/access/{of.name}/{obj.pk}",
    }
    return render(request, "workspace/access.html", context, status=422 if status == 400 else status, part="people")
