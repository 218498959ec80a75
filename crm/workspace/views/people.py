"""Users and teams in the settings."""

from typing import Any
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from allauth.mfa.models import Authenticator
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import require, visible_to
from crm.access.rights import rights_of
from crm.accounts.models import Role, Team, User
from crm.activity.intention import intend
from crm.lib.errors import Conflict, Denied, Refusal, TooMany
from crm.lib.ids import parse_uuid
from crm.records.entity import entity
from crm.records.services import create_record, delete_record
from crm.ui.figures import day_and_time
from crm.ui.pages import page, redirect_to, render, toast
from crm.workspace.forms import InviteForm, LeaveForm, PersonForm, TeamForm, accepted, plain, status_of, update
from crm.workspace.selectors import STATES, in_state, seen_last, state_of
from crm.workspace.services.users import (
    belongings,
    deactivate_user,
    forget_factors,
    invite_again,
    invite_user,
    reactivate_user,
    sessions_of,
    sign_out_everywhere,
    withdraw_invitation,
)

PEOPLE = "/settings/users"
TEAMS = "/settings/teams"
ACTS: dict[str, tuple[Any, Any]] = {
    "reactivate": (reactivate_user, gettext_lazy("%(name)s can sign in again.")),
    "invite": (invite_again, gettext_lazy("The invitation of %(name)s is sent again.")),
    "withdraw": (withdraw_invitation, gettext_lazy("The invitation of %(name)s is withdrawn.")),
    "sign-out": (sign_out_everywhere, gettext_lazy("%(name)s is signed out everywhere.")),
    "forget-factors": (forget_factors, gettext_lazy("%(name)s signs in without a second factor until a new one is set up.")),
}
FACTORS = {
    Authenticator.Type.TOTP: gettext_lazy("Authenticator app"), Authenticator.Type.WEBAUTHN: gettext_lazy("Passkeys"),
    Authenticator.Type.RECOVERY_CODES: gettext_lazy("Recovery codes"),
}


def _may_manage(request: HttpRequest) -> None:
    if not rights_of(request.user).may("manage", "user"):
        raise Denied


def _person(request: HttpRequest, user_id: UUID) -> User:
    _may_manage(request)
    people = seen_last(visible_to(request.user, User.objects.signing_in())).select_related("role", "team", "invitation__invited_by")
    found: User = get_object_or_404(people, pk=user_id)
    return found


@page()
def users(request: HttpRequest) -> HttpResponse:
    """Everybody, the active first, narrowed by words, role, team and state."""
    _may_manage(request)
    people = seen_last(visible_to(request.user, User)).select_related("role", "team", "invitation")
    q, state = request.GET.get("q", "").strip()[:100], request.GET.get("state", "")
    if q and "\x00" not in q:
        people = people.filter(search_text__contains=q.casefold())
    for name in ("role", "team"):
        if (key := parse_uuid(request.GET.get(name, ""))) is not None:
            people = people.filter(**{name: key})
    if state in dict(STATES):
        people = people.filter(in_state(state))
    listed = Paginator(people.order_by("-is_active", "sort_key", "id"), 50).get_page(request.GET.get("page"))
    for person in listed:
        person.state = state_of(person)
    context = {
        "people": listed, "q": q, "asked": request.GET, "states": STATES, "may_invite": rights_of(request.user).may("create", "user"),
        "roles": visible_to(request.user, Role).order_by("name"), "teams": visible_to(request.user, Team).order_by("sort_key"),
    }
    return render(request, "workspace/settings/users.html", context, part="people")


@page("GET POST")
def invite(request: HttpRequest) -> HttpResponse:
    """Invite a person."""
    require(request.user, "create", User)
    return invite_send(request) if request.method == "POST" else _invite_form(request, InviteForm())


@reauthentication_required
def invite_send(request: HttpRequest) -> HttpResponse:
    """Invite: whoever gives rights proves first who he is."""
    form = InviteForm(request.POST)
    if made := accepted(form, lambda: invite_user(actor=request.user, **form.cleaned_data)):
        toast(request, _("%(email)s is invited.") % {"email": made.email})
        return redirect_to(request, PEOPLE)
    return _invite_form(request, form)


def _invite_form(request: HttpRequest, form: InviteForm) -> HttpResponse:
    context = {"form": form, "title": _("Invite a person"), "back": PEOPLE, "back_label": _("Users"), "action": f"{PEOPLE}/invite", "submit": _("Invite")}
    return render(request, "workspace/settings/form.html", context, status=status_of(form))


@page("GET POST")
def user(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """One person: name, role, team, and the way out."""
    person = _person(request, user_id)
    if request.method == "POST":
        return user_save(request, person)
    return render(request, "workspace/settings/user.html", _shown(request, person, _person_form(person)))


def _person_form(person: User, data: Any = None) -> PersonForm:
    return PersonForm(data, initial={n: getattr(person, n) for n in PersonForm.base_fields})


@reauthentication_required
def user_save(request: HttpRequest, person: User) -> HttpResponse:
    """Change a person: whoever gives rights proves first who he is."""
    form = _person_form(person, request.POST)
    if act := accepted(form, lambda: update(person, plain(form, changed=True), request.user)):
        toast(request, _("Saved."), undo=act.id)
        return redirect_to(request, f"{PEOPLE}/{person.pk}")
    return render(request, "workspace/settings/user.html", _shown(request, person, form), status=status_of(form))


def _shown(request: HttpRequest, person: Any, form: PersonForm, leave: LeaveForm | None = None) -> dict[str, Any]:
    held = belongings(person)
    person.state = state_of(person)
    invitation = getattr(person, "invitation", None)
    if invitation is not None:
        invitation.until = day_and_time(timezone.localtime(invitation.expires_at))
    kinds = set(Authenticator.objects.filter(user_id=person.pk).values_list("type", flat=True))
    return {
        "person": person,
        "invitation": invitation,
        "factors": [label for kind, label in FACTORS.items() if kind in kinds],
        "signed_in": sum(len(several) for several in sessions_of(person)),
        "may_audit": rights_of(request.user).may("view", "audit"),
        "form": form,
        "leave": leave or LeaveForm(leaving=person),
        "held": [(entity(name).label_plural, count) for name, count in held.counts.items()],
        "waiting": person.state in ("invited", "expired", "withdrawn"),
    }


@page("POST")
@reauthentication_required
def user_act(request: HttpRequest, user_id: UUID, act: str) -> HttpResponse:
    """Deactivate, reactivate, invite again, and whatever else ``ACTS`` names. The password is asked for again first."""
    if act != "deactivate" and act not in ACTS:
        raise Http404
    person = _person(request, user_id)
    actor = request.user
    if act == "deactivate":
        form = LeaveForm(request.POST, leaving=person)
        if not form.is_valid():
            return render(request, "workspace/settings/user.html", _shown(request, person, _person_form(person), form), status=422)
        with intend(actor=actor) as done:
            deactivate_user(user=person, actor=actor, successor=form.cleaned_data["successor"])
        toast(request, _("%(name)s is deactivated and signed out.") % {"name": person.name}, undo=done.id)
    else:
        do, said = ACTS[act]
        try:
            do(user=person, actor=actor)
            toast(request, said % {"name": person.name})
        except (Conflict, TooMany) as refusal:
            toast(request, refusal.message, level="error")
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
