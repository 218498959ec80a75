"""Coming in: sign-in, an invitation, a one-time link, the confirmation of an address."""

from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.views import LoginView
from allauth.mfa.base.views import AuthenticateView
from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.password_validation import password_validators_help_texts
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from crm.accounts import addresses, invitations, links, throttle
from crm.accounts.models import User
from crm.activity.facts import record_access
from crm.lib.addresses import client_address, network_of
from crm.lib.errors import Refusal, TooMany


@method_decorator(never_cache, name="dispatch")
class SignInView(LoginView):  # type: ignore[misc]
    """The sign-in page; a refusal is 422, a lock-out 429, in the same words."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the form again."""
        response: HttpResponse = super().form_invalid(form)
        response.status_code = 429 if getattr(self.request, "sign_in_refused", 0) == 429 else 422
        return response


class SecondFactorView(AuthenticateView):  # type: ignore[misc]
    """The second step of sign-in; a refusal is 422."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the form again."""
        response: HttpResponse = super().form_invalid(form)
        response.status_code = 422
        return response


@never_cache
@require_http_methods(["GET", "HEAD"])
def here(request: HttpRequest) -> HttpResponse:
    """Tell a page whose session had ended who is signed in now, and the token its forms need."""
    if not request.user.is_authenticated:
        return JsonResponse({}, status=401)
    return JsonResponse({"user": str(request.user.pk), "token": get_token(request)})


class JoinForm(forms.Form):
    """What an invited person fills in."""

    first_name = forms.CharField(
        label=gettext_lazy("First name"), max_length=100, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = forms.CharField(
        label=gettext_lazy("Last name"), max_length=100, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"), max_length=1000, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Take an invitation: name and password, then in."""
    try:
        _count_token(request)
        found = invitations.find(token)
    except Refusal as refusal:
        return _dead_link(request, refusal)
    _uncount_token(request)
    user = found.user
    initial = {"first_name": user.first_name, "last_name": user.last_name} if user else {}
    form = JoinForm(request.POST or None, initial=initial)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                joined = invitations.accept(token=token, **form.cleaned_data)
            except Refusal as refusal:
                for detail in refusal.details:
                    form.add_error(detail.field or None, detail.message)
                if not refusal.details:
                    form.add_error(None, refusal.message)
            else:
                return sign_in_as(request, joined, "invitation")
    context = {"form": form, "invitation": found, "rules": password_validators_help_texts()}
    return render(request, "account/invitation.html", context, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in by a one-time link: asked first, so that whatever fetches links ahead does not use it up."""
    try:
        _count_token(request)
        if request.method != "POST":
            if not links.known(token):
                return _dead_link(request)
            _uncount_token(request)
            return render(request, "account/sign_in_link.html")
        user = links.use(token)
    except Refusal as refusal:
        return _dead_link(request, refusal)
    _uncount_token(request)
    return sign_in_as(request, user, "link")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_address(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm a new e-mail address: a page with one button, since mail programs follow links by themselves."""
    if request.method != "POST":
        return render(request, "account/confirm_address.html")
    try:
        addresses.confirm(token)
    except Refusal as refusal:
        return _dead_link(request, refusal)
    logout(request)
    messages.success(request, _("Your e-mail address is changed. Sign in with the new one."))
    return HttpResponseRedirect(reverse("account_login"))


def sign_in_as(request: HttpRequest, user: User, method: str) -> HttpResponse:
    """Sign in a person whose identity is proven in another way than by password; a second factor is still due."""
    if request.user.is_authenticated:
        logout(request)
    record_authentication(request, user, method=method)
    response: HttpResponse = perform_login(request, Login(user=user, email=user.email))
    return response


def _count_token(request: HttpRequest) -> None:
    if wait := throttle.take("token", network_of(client_address(request))):
        record_access("accounts.links_guessed")
        raise TooMany(extra={"retry_after": wait})


def _uncount_token(request: HttpRequest) -> None:
    throttle.give_back("token", network_of(client_address(request)))


def _dead_link(request: HttpRequest, refusal: Refusal | None = None) -> HttpResponse:
    context = {"reason": refusal.message if refusal is not None and refusal.status != 404 else ""}
    status = refusal.status if refusal is not None else 404
    return render(request, "account/dead_link.html", context, status=status)
