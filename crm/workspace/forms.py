"""The forms of the settings. They only read what was typed; the verbs check and write."""

from collections.abc import Callable
from typing import Any, TypeVar
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.translation import gettext_lazy as _

from crm.accounts.models import Role, Team, User
from crm.activity.intention import Intention, intend
from crm.lib.errors import Refusal
from crm.records.entity import all_entities
from crm.records.services import update_record
from crm.ui.remote import RemoteSelect
from crm.workspace.models import Workspace

T = TypeVar("T")

def zones() -> list[tuple[str, str]]:
    """Return the time zones that people know, by name."""
    return [("UTC", "UTC"), *((z, z.replace("_", " ")) for z in sorted(available_timezones()) if "/" in z and not z.startswith("Etc/"))]


def watchable() -> list[tuple[str, Any]]:
    """Return the kinds of records that people open."""
    return [(of.name, of.label_plural) for of in all_entities().values() if "pages" in of.abilities]


def currencies() -> list[tuple[str, str]]:
    """Return the currencies by code."""
    return [(c, c) for c in sorted(settings.CURRENCIES)]


def explain(form: forms.BaseForm, refusal: Refusal) -> None:
    """Show a refusal in the form: each sentence at its field, the rest above."""
    for detail in refusal.details:
        form.add_error(detail.field if detail.field in form.fields else None, detail.message)
    if not refusal.details:
        form.add_error(None, refusal.message)


def accepted(form: forms.BaseForm, write: Callable[[], T]) -> T | None:
    """Run ``write`` if the form is valid; return what it gives, or None with every reason shown in the form."""
    if not form.is_valid():
        return None
    try:
        return write()
    except Refusal as refusal:
        explain(form, refusal)
        return None


def status_of(form: forms.BaseForm) -> int:
    """Return the status of the page that shows a form: 422 when what was typed was not accepted."""
    return 422 if form.is_bound else 200


def plain(form: forms.BaseForm, *, changed: bool = False) -> dict[str, Any]:
    """Return what was typed (``changed``: what differs) as verbs take it: records by their ids."""
    names = form.changed_data if changed else list(form.cleaned_data)
    return {n: getattr(form.cleaned_data[n], "pk", form.cleaned_data[n]) for n in names if n in form.cleaned_data}


def update(obj: Any, data: dict[str, Any], actor: Any) -> Intention:
    """Change a record as an act of its own, so that the toast can offer to take it back."""
    with intend(actor=actor) as act:
        update_record(obj=obj, data=data, actor=actor)
    return act


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """One's own profile."""

    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    class Meta:
        model = User
        fields = (
            "first_name", "last_name", "phone", "language", "time_zone", "theme", "density", "single_key_shortcuts",
        )


class AddressForm(forms.Form):
    """A new address for signing in."""

    email = forms.EmailField(label=_("New e-mail address"), max_length=254)


class InviteForm(forms.Form):
    """A person to invite."""

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    first_name = forms.CharField(label=_("First name"), max_length=100, required=False)
    last_name = forms.CharField(label=_("Last name"), max_length=100, required=False)
    role = forms.ModelChoiceField(Role.objects.order_by("name"), label=_("Role"), empty_label=None)
    team = forms.ModelChoiceField(Team.objects.order_by("sort_key"), label=_("Team"), required=False)


class PersonForm(forms.Form):
    """What those who manage users change of a person."""

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    first_name = forms.CharField(label=_("First name"), max_length=100, required=False)
    last_name = forms.CharField(label=_("Last name"), max_length=100, required=False)
    department = forms.CharField(label=_("Department"), max_length=120, required=False)
    role = forms.ModelChoiceField(Role.objects.order_by("name"), label=_("Role"), empty_label=None)
    team = forms.ModelChoiceField(Team.objects.order_by("sort_key"), label=_("Team"), required=False)


class LeaveForm(forms.Form):
    """Who goes on with the work of a person who leaves."""

    successor = forms.ModelChoiceField(
        User.objects.none(), label=_("Hand open records over to"), required=False, empty_label=_("Nobody: leave them"),
        widget=RemoteSelect("user"),
    )

    def __init__(self, *args: Any, leaving: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["successor"].queryset = User.objects.active().exclude(pk=leaving.pk)  # type: ignore[attr-defined]


class RoleForm(forms.Form):
    """A role without its matrix."""

    name = forms.CharField(label=_("Name"), max_length=80)
    code = forms.CharField(label=_("Code"), max_length=40, help_text=_("Capital letters, for the API and imports."))
    description = forms.CharField(label=_("Description"), max_length=300, required=False)
    parent = forms.ModelChoiceField(
        Role.objects.filter(is_admin=False).order_by("name"), label=_("Inherits from"), required=False,
        empty_label=_("Nobody"),
    )
    require_second_factor = forms.BooleanField(label=_("Requires a second factor"), required=False)


class TeamForm(forms.Form):
    """A team."""

    name = forms.CharField(label=_("Name"), max_length=120)
    parent = forms.ModelChoiceField(
        Team.objects.order_by("sort_key"), label=_("Parent team"), required=False, empty_label=_("None")
    )
    manager = forms.ModelChoiceField(
        User.objects.active(), label=_("Manager"), required=False, empty_label=_("None"), widget=RemoteSelect("user"),
    )


class WorkspaceForm(forms.ModelForm):  # type: ignore[type-arg]
    """What holds for the whole installation."""

    currency = forms.ChoiceField(label=_("Base currency"), choices=currencies)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones)
    fiscal_year_starts = forms.TypedChoiceField(label=_("First month of the fiscal year"), choices=list(MONTHS.items()), coerce=int)
    first_day_of_week = forms.TypedChoiceField(
        label=_("First day of the week"), choices=[(day, WEEKDAYS[day - 1]) for day in (1, 7, 6)], coerce=int
    )

    watched = forms.MultipleChoiceField(
        label=_("Note in the audit log who opens"), required=False, choices=watchable, widget=forms.CheckboxSelectMultiple,
        help_text=_("Once an hour for each person and record, on pages and over the API."),
    )

    class Meta:
        model = Workspace
        fields = ("name", "currency", "language", "time_zone", "fiscal_year_starts", "first_day_of_week", "watched")


class RateForm(forms.Form):
    """What a currency is worth from a day on."""

    currency = forms.ChoiceField(label=_("Currency"), choices=currencies)
    day = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    rate = forms.DecimalField(label=_("One unit in the base currency"), max_digits=18, decimal_places=8)
