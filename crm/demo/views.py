"""The first sign-in of an administrator: three questions. And the end of the demo data."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.rights import rights_of
from crm.accounts.models import Preference
from crm.accounts.preferences import remember
from crm.demo.service import demo_set
from crm.jobs.engine import enqueue
from crm.lib.errors import Denied
from crm.ui.pages import page, redirect_to, render, toast
from crm.workspace.forms import currencies
from crm.workspace.models import Workspace
from crm.workspace.services.workspace import change_workspace

NAME = "welcome"


class WelcomeForm(forms.Form):
    """The three questions."""

    name = forms.CharField(label=gettext_lazy("Name of your workspace"), max_length=120)
    currency = forms.ChoiceField(label=gettext_lazy("Base currency"), choices=currencies)
    demo = forms.BooleanField(label=gettext_lazy("Start with demo data"), required=False)


def welcomed() -> bool:
    """Tell whether an administrator has answered the questions, or put them off."""
    return Preference.objects.filter(name=NAME).exists()


@page("GET POST")
def welcome(request: HttpRequest) -> HttpResponseBase:
    """Ask an administrator at the first sign-in; everybody else goes on to Home."""
    user: Any = request.user
    if not rights_of(user).is_admin or welcomed():
        return redirect_to(request, "/")
    row = Workspace.objects.get()
    form = WelcomeForm(request.POST or None, initial={"name": row.name, "currency": row.currency, "demo": True})
    if request.method == "POST" and "later" in request.POST:
        remember(user, NAME, answered=False)
        return redirect_to(request, "/")
    if request.method == "POST" and form.is_valid():
        change_workspace(actor=user, values={k: form.cleaned_data[k] for k in ("name", "currency")})
        loaded = demo_set() is not None
        if form.cleaned_data["demo"] and not loaded:
            enqueue("demo.load", user=user, key="demo.load")
            toast(request, _("The demo data is being loaded. It is here in a moment."), level="info")
        elif loaded and not form.cleaned_data["demo"]:
            enqueue("demo.remove", user=user)
            toast(request, _("The demo data is being removed."), level="info")
        remember(user, NAME, answered=True)
        return redirect_to(request, "/")
    context = {"form": form, "loaded": demo_set() is not None}
    return render(request, "workspace/welcome.html", context, status=422 if request.method == "POST" else 200)


@page("GET POST")
def demo(request: HttpRequest) -> HttpResponseBase:
    """Load the demo data, or remove it after a clear warning."""
    user: Any = request.user
    if not rights_of(user).is_admin:
        raise Denied
    loaded = demo_set()
    if request.method == "POST":
        if "load" in request.POST and loaded is None:
            enqueue("demo.load", user=user)
            toast(request, _("The demo data is being loaded. It is here in a moment."), level="info")
        elif "remove" in request.POST and loaded is not None:
            enqueue("demo.remove", user=user)
            toast(request, _("The demo data is being removed."), level="info", url="/jobs", link=_("Jobs"))
        return redirect_to(request, "/settings/demo")
    return render(request, "workspace/settings/demo.html", {"loaded": loaded})
