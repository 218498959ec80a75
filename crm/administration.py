"""Django's admin: entered through the same sign-in, under the same second factor and the same log."""

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.apps import apps
from django.conf import settings
from django.contrib import messages
from django.contrib.admin.sites import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.activity.intention import intend
from crm.admin_models import admin_class


class Site(AdminSite):
    """The stock admin, for administrators: no sign-in of its own, and every write is one change set."""

    site_header = gettext_lazy("Rapport administration")
    site_title = gettext_lazy("Rapport administration")
    index_title = gettext_lazy("All tables")
    site_url = "/"

    def get_urls(self) -> Any:
        """Register what the apps' own ``admin`` modules have not, then return the addresses."""
        for config in apps.get_app_configs():
            if config.name.split(".")[0] not in settings.OUR_PACKAGES:
                continue
            for model in config.get_models():
                if not self.is_registered(model) and not model._meta.is_composite_pk:
                    self.register(model, admin_class(model))
        return super().get_urls()

    def has_permission(self, request: HttpRequest) -> bool:
        """Let administrators in."""
        user: Any = request.user
        return bool(user.is_authenticated and user.is_active and user.is_staff and not getattr(user, "previewing", ""))

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., HttpResponseBase]:  # type: ignore[override]
        """Ask who it is, then run writes under one intention of that person."""
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
            if not self.has_permission(request):
                raise PermissionDenied
            if request.method in ("GET", "HEAD", "OPTIONS"):
                return inner(request, *args, **kwargs)
            return _confirmed(request, inner, *args, **kwargs)

        return guarded

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Send everybody to the one sign-in page."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        if request.user.is_authenticated:
            return HttpResponseRedirect(reverse("admin:index"))
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"), settings.LOGIN_URL)

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Send to the one sign-out page."""
        return HttpResponseRedirect(reverse("account_logout"))

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Send to the one page for passwords."""
        return HttpResponseRedirect(reverse("account_change_password"))


@reauthentication_required
def _confirmed(request: HttpRequest, view: Callable[..., HttpResponseBase], *args: Any, **kwargs: Any) -> HttpResponseBase:
    """Write, once the person has proven again who it is: every write here is a risky one."""
    return _write(request, lambda: view(request, *args, **kwargs))


def _write(request: HttpRequest, act: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Run a write as one transaction under one change set; a broken rule of the database is a message."""
    try:
        with intend(actor=request.user, source="admin", label=_("Administration")):
            response = act()
            render = getattr(response, "render", None)
            return render() if callable(render) else response
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        reason = getattr(diagnosis, "message_primary", "") or str(error)
        messages.error(request, _("Nothing was saved: %(reason)s") % {"reason": reason})
        return HttpResponseRedirect(request.get_full_path())
