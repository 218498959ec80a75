"""Who can see this, and why; and sharing it with one more (U3, A12)."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.access.policy import allows
from crm.access.reasons import MAX_PEOPLE, who_sees
from crm.access.services import share_record, shares_of, unshare_record
from crm.accounts.models import Team, User
from crm.lib.errors import Invalid, Refusal
from crm.ui.pages import page, problems_of, redirect_to, render, toast
from crm.workspace.views.onrecord import named


@page()
def who_can_see(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Show everyone who sees a record, with what he may do and the reasons."""
    of, obj = named(request, entity, pk)
    return _shown(request, of, obj)


@page("POST")
def share(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Share a record with a person or a team."""
    of, obj = named(request, entity, pk, "share")
    try:
        user, team = _whom(request.POST.get("whom", ""))
        share_record(obj=obj, user=user, team=team, may_change=request.POST.get("level") == "change", actor=request.user)
    except Refusal as refusal:
        return _shown(request, of, obj, problems_of(refusal), refusal.status)
    toast(request, _("Shared with %(name)s") % {"name": user or team})
    return redirect_to(request, f"/access/{of.name}/{obj.pk}")


@page("POST")
def unshare(request: HttpRequest, entity: str, pk: uuid.UUID) -> HttpResponse:
    """Take a share back."""
    of, obj = named(request, entity, pk, "share")
    user, team = _whom(request.POST.get("whom", ""))
    unshare_record(obj=obj, user=user, team=team, actor=request.user)
    toast(request, _("No longer shared with %(name)s") % {"name": user or team})
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
    context = {
        "entity": of, "obj": obj, "url": of.url(obj), "people": who_sees(obj), "most": MAX_PEOPLE, "may_share": may_share,
        "shares": shares_of(obj), "problems": problems or {}, "chosen": request.POST.get("whom", ""),
        "users": [(f"user:{u.pk}", u) for u in User.objects.active().order_by("sort_key")[:MAX_PEOPLE]] if may_share else [],
        "teams": [(f"team:{t.pk}", t) for t in Team.objects.order_by("sort_key")[:MAX_PEOPLE]] if may_share else [],
    }
    return render(request, "workspace/access.html", context, status=422 if status == 400 else status)
