"""Users and teams in the settings."""

from typing import Any
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from crm.access.policy import require, visible_to
from crm.access.rights import rights_of
from crm.accounts.models import Team, User
from crm.activity.intention import intend
from crm.lib.errors import Denied, Refusal
from crm.records.entity import entity
from crm.records.services import create_record, delete_record
from crm.ui.pages import page, redirect_to, render, toast
from crm.workspace.forms import InviteForm, LeaveForm, PersonForm, TeamForm, accepted, plain, status_of, update
from crm.workspace.services.users import (
    belongings,
    deactivate_user,
    invite_again,
    invite_user,
    reactivate_user,
    sign_out_everywhere,
)

PEOPLE = "/settings/users"
TEAMS = "/settings/teams"


def _may_manage(request: HttpRequest) -> None:
    if not rights_of(request.user).may("manage", "user"):
        raise Denied


def _person(request: HttpRequest, user_id: UUID) -> User:
    _may_manage(request)
    people = visible_to(request.user, User).select_related("role", "team", "invitation")
    found: User = get_object_or_404(people, pk=user_id)
    return found


@page()
def users(request: HttpRequest) -> HttpResponse:
    """Everybody, the active first."""
    _may_manage(request)
    people = visible_to(request.user, User).select_related("role", "team", "invitation").order_by("-is_active", "sort_key", "id")
    q = request.GET.get("q", "").strip()[:100]
    if q and "\x00" not in q:
        people = people.filter(search_text__contains=q.casefold())
    listed = Paginator(people, 50).get_page(request.GET.get("page"))
    return render(request, "workspace/settings/users.html", {"people": listed, "q": q}, part="people")


@page("GET POST")
def invite(request: HttpRequest) -> HttpResponse:
    """Invite a person."""
    require(request.user, "create", User)
    form = InviteForm(request.POST or None)
    if made := accepted(form, lambda: invite_user(actor=request.user, **form.cleaned_data)):
        toast(request, _("%(email)s is invited.") % {"email": made.email})
        return redirect_to(request, PEOPLE)
    context = {"form": form, "title": _("Invite a person"), "back": PEOPLE, "submit": _("Invite")}
    return render(request, "workspace/settings/form.html", context, status=status_of(form))


@page("GET POST")
def user(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """One person: name, role, team, and the way out."""
    person = _person(request, user_id)
    names = PersonForm.base_fields
    form = PersonForm(request.POST or None, initial={n: getattr(person, n) for n in names})
    if act := accepted(form, lambda: update(person, plain(form, changed=True), request.user)):
        toast(request, _("Saved."), undo=act.id)
        return redirect_to(request, f"{PEOPLE}/{person.pk}")
    return render(request, "workspace/settings/user.html", _shown(person, form), status=status_of(form))


def _shown(person: User, form: PersonForm, leave: LeaveForm | None = None) -> dict[str, Any]:
    held = belongings(person)
    return {
        "person": person,
        "form": form,
        "leave": leave or LeaveForm(leaving=person),
        "held": [(entity(name).label_plural, count) for name, count in held.counts.items()],
        "waiting": getattr(person, "invitation", None) is not None and person.invitation.accepted_at is None
        and not person.has_usable_password(),
    }


@page("POST")
@reauthentication_required
def user_act(request: HttpRequest, user_id: UUID, act: str) -> HttpResponse:
    """Deactivate, reactivate, invite again, sign out everywhere. The password is asked for again first."""
    if act not in ("deactivate", "reactivate", "invite", "sign-out"):
        raise Http404
    person = _person(request, user_id)
    actor = request.user
    if act == "deactivate":
        form = LeaveForm(request.POST, leaving=person)
        if not form.is_valid():
            start = PersonForm(initial={n: getattr(person, n) for n in PersonForm.base_fields})
            return render(request, "workspace/settings/user.html", _shown(person, start, form), status=422)
        with intend(actor=actor) as done:
            deactivate_user(user=person, actor=actor, successor=form.cleaned_data["successor"])
        toast(request, _("%(name)s is deactivated and signed out.") % {"name": person.name}, undo=done.id)
    elif act == "reactivate":
        reactivate_user(user=person, actor=actor)
        toast(request, _("%(name)s can sign in again.") % {"name": person.name})
    elif act == "invite":
        invite_again(user=person, actor=actor)
        toast(request, _("The invitation is sent again."))
    else:
        sign_out_everywhere(user=person, actor=actor)
        toast(request, _("%(name)s is signed out everywhere.") % {"name": person.name})
    return redirect_to(request, f"{PEOPLE}/{person.pk}")


@page("GET POST")
def teams(request: HttpRequest) -> HttpResponse:
    """The tree of teams, and a new one."""
    require(request.user, "change", Team)
    form = TeamForm(request.POST or None)
    if accepted(form, lambda: create_record(of="team", data=plain(form), actor=request.user)):
        toast(request, _("Saved."))
        return redirect_to(request, TEAMS)
    return render(request, "workspace/settings/teams.html", {"form": form, "tree": _tree(request)}, status=status_of(form))


def _tree(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the teams as a tree, in two queries."""
    rows = visible_to(request.user, Team).select_related("manager").annotate(
        people=Count("members", filter=Q(members__is_active=True))
    )
    nodes = {t.pk: {"team": t, "below": []} for t in rows.order_by("sort_key")}
    roots: list[dict[str, Any]] = []
    for node in nodes.values():
        above = nodes.get(node["team"].parent_id)  # type: ignore[attr-defined]
        (above["below"] if above else roots).append(node)  # type: ignore[union-attr, attr-defined]
    return roots


@page("GET POST")
def team(request: HttpRequest, team_id: UUID) -> HttpResponse:
    """One team."""
    found = get_object_or_404(visible_to(request.user, Team), pk=team_id)
    require(request.user, "change", found)
    form = TeamForm(request.POST or None, initial={n: getattr(found, n) for n in TeamForm.base_fields})
    if act := accepted(form, lambda: update(found, plain(form), request.user)):
        toast(request, _("Saved."), undo=act.id)
        return redirect_to(request, TEAMS)
    members = visible_to(request.user, User).filter(team=found, is_active=True).select_related("role")
    context = {"form": form, "team": found, "members": members}
    return render(request, "workspace/settings/team.html", context, status=status_of(form))


@page("POST")
def team_delete(request: HttpRequest, team_id: UUID) -> HttpResponse:
    """Delete a team that nothing hangs on."""
    found = get_object_or_404(visible_to(request.user, Team), pk=team_id)
    try:
        with intend(actor=request.user) as act:
            delete_record(obj=found, actor=request.user)
    except Refusal as refusal:
        toast(request, refusal.message, level="error")
        return redirect_to(request, f"{TEAMS}/{team_id}")
    toast(request, _("The team is deleted."), undo=act.id)
    return redirect_to(request, TEAMS)
