"""Ends browser sessions that no longer hold, and leads to the set-up of a second factor that a role requires."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from crm.accounts.second_factor import has_second_factor
from crm.accounts.sign_in import DEVICE_COOKIE, DEVICE_DAYS, new_device, note_use, session_holds

SEEN_EVERY = 300
FACTOR = "second_factor_set"
OPEN_WITHOUT_FACTOR = ("/account/", "/static/", "/health/", "/jsi18n")


class AccountMiddleware:
    """Stands after authentication. It costs no query for people without a required second factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Check the session, answer the request, and remember the device of a fresh sign-in."""
        user: Any = request.user
        if request.session.session_key and user.is_authenticated:
            if not session_holds(request.session, user):
                logout(request)
            elif getattr(user, "second_factor_required", False) and not request.session.get(FACTOR):
                if has_second_factor(user):
                    request.session[FACTOR] = True
                elif request.path.startswith("/api/"):
                    request.user = AnonymousUser()
                elif not request.path.startswith(OPEN_WITHOUT_FACTOR):
                    return HttpResponseRedirect(reverse("mfa_index"))
            if request.user.is_authenticated:
                note_use(request.session)
                _seen(request.session.session_key)
        response = self.get_response(request)
        fresh = getattr(request, "signed_in_as", None)
        if fresh is not None:
            response.set_cookie(
                DEVICE_COOKIE, new_device(fresh), max_age=DEVICE_DAYS * 86_400, httponly=True, samesite="Lax",
                secure=request.is_secure(), path="/",
            )
        return response


def _seen(session_key: str) -> None:
    """Note that a session is in use, once in five minutes (not while the cache is down)."""
    if cache.add(f"seen:{session_key}", 1, SEEN_EVERY):
        now = timezone.now()
        UserSession.objects.filter(
            session_key=session_key, last_seen_at__lt=now - timedelta(seconds=SEEN_EVERY)
        ).update(last_seen_at=now)
