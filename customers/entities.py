"""Customers and companies, declared."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.records.entity import Entity, register
from crm.records.fields import Field, Kind, choices_of
from crm.workspace.selectors import base_currency
from customers.models import Company, Customer, CustomerContact

ABOUT, ACCOUNT, COMMERCIAL = _("About"), _("Account"), _("Commercial")


class CompanyEntity(Entity):
    """An organisation."""

    name = "company"
    plural = "companies"
    model = Company
    label = _("Company")
    label_plural = _("Companies")
    icon = "building-2"
    hue = "blue"
    title = ("name",)
    sort = ("name",)
    columns = ("industry", "assigned_user", "open_deals", "last_activity_at", "next_step")
    abilities = Entity.abilities | {"merge", "share", "timeline"}
    fields = (
        Field("name", Kind.TEXT, _("Name"), required=True, max_length=200, group=ABOUT, in_list=True, quick=True,
              aliases=("company", "company name", "account", "account name", "organization", "organisation", "account_name")),
        Field("domain", Kind.TEXT, _("Domain"), max_length=253, group=ABOUT, in_list=True, quick=True,
              aliases=("company domain", "company domain name")),
        Field("website", Kind.URL, _("Website"), max_length=500, group=ABOUT, aliases=("web", "web page 1", "url", "homepage")),
        Field("phone", Kind.PHONE, _("Phone"), max_length=40, group=ABOUT, aliases=(
            "phone number", "phone_number", "telephone", "office phone", "main phone", "company phone", "primary phone", "business phone",
        )),
        Field("email", Kind.EMAIL, _("E-mail"), max_length=254, group=ABOUT, aliases=("email address", "primary email", "company email", "business email")),
        Field("industry", Kind.TEXT, _("Industry"), max_length=120, group=ABOUT, in_list=True, quick=True, aliases=("sector",)),
        Field("employees", Kind.INTEGER, _("Employees"), min_value=0, group=ABOUT, in_list=True, aggregate="sum",
              aliases=("number of employees", "numberofemployees", "size", "headcount", "no of employees")),
        Field("annual_revenue", Kind.MONEY, _("Annual revenue"), currency="currency", min_value=0, group=COMMERCIAL,
              in_list=True, aggregate="sum", aliases=("revenue", "annualrevenue", "turnover")),
        Field("currency", Kind.CURRENCY, _("Currency"), max_length=3, group=COMMERCIAL, default=base_currency),
        Field("founded_year", Kind.INTEGER, _("Founded"), min_value=1000, max_value=2200, group=ABOUT,
              aliases=("year established", "year_established", "yearstarted", "founded")),
        Field("parent", Kind.LINK, _("Parent company"), link="company", group=ACCOUNT, extra={"by_name": True},
              aliases=("subsidiary of", "subsidiary_of", "parent account", "parentid", "parent")),
        Field("address", Kind.ADDRESS, _("Address"), group=ABOUT, sortable=False,
              aliases=("office location", "office_location", "location", "billingaddress")),
        Field("description", Kind.LONG_TEXT, _("Description"), max_length=20_000, group=ABOUT, sortable=False,
              aliases=("notes", "about")),
        Field("source", Kind.TEXT, _("Source"), max_length=120, group=ACCOUNT, aliases=("account source", "accountsource")),
        Field("assigned_user", Kind.USER, _("Owner"), group=ACCOUNT, in_list=True,
              aliases=("owner", "account owner", "ownerid", "sales rep", "sales")),
        Field("last_activity_at", Kind.DATETIME, _("Last activity"), writable=False, in_form=False, group=ACCOUNT, width=196, place="first",
              formula=_("When the last e-mail, call, meeting or message was")),
        Field("is_active", Kind.BOOLEAN, _("Active"), group=ACCOUNT, default=True),
        Field("tags", Kind.TAGS, _("Tags"), group=ACCOUNT, in_list=True, sortable=False, aliases=("labels",)),
        Field("created_at", Kind.DATETIME, _("Created"), writable=False, group=ACCOUNT),
        Field("updated_at", Kind.DATETIME, _("Last changed"), writable=False, group=ACCOUNT),
    )

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, Any]]:
        """Refuse a circle of parents."""
        if "parent" in changed and draft.parent is not None:
            seen, above = {draft.pk}, draft.parent
            while above is not None:
                if above.pk in seen:
                    yield "parent", _("A company cannot stand below itself.")
                    return
                seen.add(above.pk)
                above = above.parent

    def timeline_subjects(self, obj: Any) -> list[uuid.UUID | None]:
        """Return the parent: its timeline shows the news of its subsidiaries."""
        return [obj.parent_id]


class CustomerEntity(Entity):
    """A person."""

    name = "customer"
    plural = "customers"
    model = Customer
    label = _("Customer")
    label_plural = _("Customers")
    icon = "user-round"
    hue = "teal"
    title = ("first_name", "last_name")
    sort = ("name",)
    columns = ("company", "status", "assigned_user", "open_deals", "last_activity_at", "next_step")
    abilities = Entity.abilities | {"merge", "share", "timeline"}
    constraint_messages = {
        "customer_has_a_name_or_email": _("A customer needs a name or an e-mail address."),
    }
    fields = (
        Field("name", Kind.TEXT, _("Name"), path="sort_key", writable=False, in_list=True, in_form=False,
              extra={"display": "name"}),
        Field("first_name", Kind.TEXT, _("First name"), max_length=150, group=ABOUT, quick=True,
              aliases=("firstname", "given name", "forename", "fname")),
        Field("last_name", Kind.TEXT, _("Last name"), max_length=150, group=ABOUT, quick=True,
              aliases=("lastname", "surname", "family name", "lname")),
        Field("email", Kind.EMAIL, _("E-mail"), max_length=254, unique=True, group=ABOUT, in_list=True, quick=True,
              extra={"empty": None},
              aliases=("email address", "primary email", "e-mail 1 - value", "lead email", "correo", "mail", "email_work")),
        Field("phone", Kind.PHONE, _("Phone"), max_length=40, group=ABOUT, in_list=True, quick=True,
              aliases=("phone number", "phone_number", "mobile", "mobile number", "work phone", "telefono", "telephone", "phone_work")),
        Field("salutation", Kind.TEXT, _("How to address"), max_length=60, group=ABOUT, aliases=("salutation", "title prefix", "honorific", "prefix")),
        Field("company", Kind.LINK, _("Company"), link="company", find_or_make=True, group=ABOUT, in_list=True, quick=True,
              aliases=("company name", "company_name", "organization", "organisation", "account", "account name", "organization name", "employer", "empresa")),
        Field("job_title", Kind.TEXT, _("Job title"), max_length=200, group=ABOUT, in_list=True,
              aliases=("title", "position", "role", "jobtitle")),
        Field("department", Kind.TEXT, _("Department"), max_length=120, group=ABOUT),
        Field("website", Kind.URL, _("Website"), max_length=500, group=ABOUT, aliases=("web page 1", "url", "linkedin_url")),
        Field("birthday", Kind.DATE, _("Birthday"), group=ABOUT, sensitive=True, extra={"past": True}, aliases=("birthdate", "date of birth", "birth date")),
        Field("address", Kind.ADDRESS, _("Address"), group=ABOUT, sortable=False, aliases=("mailing address", "home address")),
        Field("status", Kind.CHOICE, _("Status"), group=ACCOUNT, in_list=True, quick=True, default=Customer.Status.LEAD,
              choices=choices_of(Customer.Status, LEAD="neutral", PROSPECT="info", CUSTOMER="success", INACTIVE="warning"),
              aliases=("status", "lead status", "lifecycle stage", "lifecycle", "crm status", "statu")),
        Field("source", Kind.TEXT, _("Source"), max_length=120, group=ACCOUNT,
              aliases=("lead source", "leadsource", "data source", "platform", "origin")),
        Field("description", Kind.LONG_TEXT, _("Description"), max_length=20_000, group=ABOUT, sortable=False,
              aliases=("notes", "background", "remarks", "notas", "about")),
        Field("score", Kind.INTEGER, _("Score"), writable=False, group=COMMERCIAL, aggregate="avg"),
        Field("lifetime_value", Kind.MONEY, _("Lifetime value"), writable=False, group=COMMERCIAL, aggregate="sum"),
        Field("assigned_user", Kind.USER, _("Owner"), group=ACCOUNT, in_list=True,
              aliases=("owner", "lead owner", "contact owner", "sales rep", "account manager", "sales")),
        Field("last_activity_at", Kind.DATETIME, _("Last activity"), writable=False, in_form=False, group=ACCOUNT, width=196, place="first",
              formula=_("When the last e-mail, call, meeting or message was")),
        Field("is_active", Kind.BOOLEAN, _("Active"), group=ACCOUNT, default=True),
        Field("tags", Kind.TAGS, _("Tags"), group=ACCOUNT, in_list=True, sortable=False, aliases=("labels", "groups")),
        Field("created_at", Kind.DATETIME, _("Created"), writable=False, group=ACCOUNT),
        Field("updated_at", Kind.DATETIME, _("Last changed"), writable=False, group=ACCOUNT),
    )

    def find(self, queryset: Any, title: str) -> Any:
        """Find a person by e-mail address or by full name."""
        if "@" in title:
            return queryset.filter(email__iexact=title).first()
        first, _blank, last = title.rpartition(" ")
        return queryset.filter(first_name__iexact=first, last_name__iexact=last).order_by("created_at").first()

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, Any]]:
        """A customer needs a name or an address."""
        if not (draft.first_name or draft.last_name or draft.email):
            yield "last_name", _("A customer needs a name or an e-mail address.")

    def after_merge(self, obj: Any, merged: list[Any], actor: Any) -> None:
        """Keep the other addresses and numbers as further ways to reach the person."""
        for other in merged:
            for kind, value, own in (
                (CustomerContact.Kind.EMAIL, other.email or "", obj.email or ""),
                (CustomerContact.Kind.PHONE, other.phone, obj.phone),
            ):
                if value and value.casefold() != own.casefold():
                    CustomerContact.objects.get_or_create(customer=obj, kind=kind, value=value)

    def timeline_subjects(self, obj: Any) -> list[uuid.UUID | None]:
        """Return the company: its timeline shows the news of its people."""
        return [obj.company_id]


register(CompanyEntity())
register(CustomerEntity())
