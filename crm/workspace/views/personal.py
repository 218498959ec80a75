"""Settings of one's own, of the workspace, and the index of them all."""

from typing import Any
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from allauth.mfa.models import Authenticator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from crm.access.policy import allows, visible_to
from crm.accounts import addresses
from crm.accounts.models import User
from crm.accounts.sign_in import EPOCH
from crm.lib.errors import Denied, Refusal
from crm.records.services import update_record
from crm.ui.nav import Section, settings_for
from crm.ui.pages import page, redirect_to, render, toast
from crm.workspace.forms import (
    AddressForm,
    ProfileForm,
    RateForm,
    WorkspaceForm,
    accepted,
    explain,
    plain,
    status_of,
    update,
)
from crm.workspace.models import ExchangeRate, Workspace
from crm.workspace.services.users import end_session, sessions_of, sign_out_everywhere
from crm.workspace.services.workspace import change_workspace, remove_rate, set_rate


@page()
def index(request: HttpRequest) -> HttpResponse:
    """Every setting that one may open, found by a word."""
    wanted = request.GET.get("q", "").strip().casefold()[:60]
    found = []
    for section in settings_for(request.user):
        items = [i for i in section.items if wanted in f"{section.label} {i.label} {i.help}".casefold()]
        if items:
            found.append(Section(section.label, items))
    context = {"found": found, "q": request.GET.get("q", "")[:60]}
    return render(request, "workspace/settings/index.html", context, part="found")


@page("GET POST")
def profile(request: HttpRequest) -> HttpResponse:
    """Name, language, time zone and look."""
    user: Any = request.user
    form = ProfileForm(request.POST or None, instance=User.objects.get(pk=user.pk))
    if act := accepted(form, lambda: update(user, plain(form), user)):
        toast(request, _("Saved."), undo=act.id)
        return redirect_to(request, "/settings/profile")
    return render(request, "workspace/settings/profile.html", {"form": form}, status=status_of(form))


@page("POST")
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the light or dark look that one has switched to."""
    user: Any = request.user
    update_record(obj=user, data={"theme": request.POST.get("theme", "")}, actor=user)
    return HttpResponse(status=204)


@page("GET POST")
def security(request: HttpRequest) -> HttpResponse:
    """Password, second factor, passkeys, address, and where one is signed in."""
    user: Any = request.user
    form = AddressForm(request.POST if request.POST.get("what") == "address" else None)
    status = 200
    if request.method == "POST":
        what, key = request.POST.get("what"), request.POST.get("session", "")
        if what == "session":
            end_session(user=user, key=key, actor=user)
            toast(request, _("This session is ended."))
            return redirect_to(request, "/settings/security")
        if what == "everywhere":
            _end_others(request)
            toast(request, _("Everything else is signed out."))
            return redirect_to(request, "/settings/security")
        if what == "address":
            return change_address(request, form)
        status = 422
    return render(request, "workspace/settings/security.html", _security(request, form), status=status)


@reauthentication_required
def change_address(request: HttpRequest, form: AddressForm) -> HttpResponse:
    """Ask for the mails of a new address; the password is asked for again first."""
    if form.is_valid():
        try:
            addresses.request_change(actor=request.user, email=form.cleaned_data["email"])  # type: ignore[arg-type]
        except Refusal as refusal:
            explain(form, refusal)
        else:
            toast(request, _("Open the link that was sent to the new address."))
            return redirect_to(request, "/settings/security")
    return render(request, "workspace/settings/security.html", _security(request, form), status=422)


def _end_others(request: HttpRequest) -> None:
    """Sign out everywhere, and keep this browser."""
    user: Any = request.user
    sign_out_everywhere(user=user, actor=user)
    user.refresh_from_db(fields=["auth_epoch"])
    request.session[EPOCH] = user.auth_epoch


def _security(request: HttpRequest, form: AddressForm) -> dict[str, Any]:
    user: Any = request.user
    browsers, families = sessions_of(user)
    kinds = list(Authenticator.objects.filter(user_id=user.pk).values_list("type", flat=True))
    return {
        "form": form,
        "browsers": browsers,
        "families": families,
        "current": request.session.session_key,
        "has_password": user.has_usable_password(),
        "has_app": Authenticator.Type.TOTP in kinds,
        "has_codes": Authenticator.Type.RECOVERY_CODES in kinds,
        "passkeys": kinds.count(Authenticator.Type.WEBAUTHN),
        "required": getattr(user, "second_factor_required", False),
    }


def _governed(request: HttpRequest) -> Workspace:
    row = Workspace.objects.get()
    if not allows(request.user, "change", row):
        raise Denied
    return row


@page("GET POST")
def workspace(request: HttpRequest) -> HttpResponse:
    """Name, currency, language, time zone and calendar of the installation."""
    form = WorkspaceForm(request.POST or None, instance=_governed(request))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            change_workspace(actor=request.user, values=form.cleaned_data)
            toast(request, _("Saved."))
            return redirect_to(request, "/settings/workspace")
    return render(request, "workspace/settings/workspace.html", {"form": form}, status=status)


@page("GET POST")
def rates(request: HttpRequest) -> HttpResponse:
    """What other currencies are worth."""
    row = _governed(request)
    form = RateForm(request.POST or None)
    if accepted(form, lambda: set_rate(actor=request.user, **form.cleaned_data)):
        toast(request, _("Saved."))
        return redirect_to(request, "/settings/exchange-rates")
    context = {"form": form, "rates": visible_to(request.user, ExchangeRate)[:200], "workspace": row}
    return render(request, "workspace/settings/rates.html", context, status=status_of(form))


@page("POST")
def rate_remove(request: HttpRequest, rate_id: UUID) -> HttpResponse:
    """Remove a dated rate."""
    _governed(request)
    try:
        rate = get_object_or_404(visible_to(request.user, ExchangeRate), pk=rate_id)
    except ValueError:
        raise Http404 from None
    remove_rate(actor=request.user, rate=rate)
    toast(request, _("The rate is removed."))
    return redirect_to(request, "/settings/exchange-rates")
