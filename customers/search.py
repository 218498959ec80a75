"""How people and companies are found."""

from django.db.models import F, Value
from django.db.models.functions import Coalesce, Concat, NullIf, Trim
from django.utils.translation import gettext_lazy as _

from crm.search.registry import searchable
from customers.models import Company, Customer

searchable(
    "customer",
    Customer,
    label=_("Customers"),
    url="/customers/{id}",
    columns=("first_name", "last_name", "email", "phone"),
    title=Coalesce(NullIf(Trim(Concat(F("first_name"), Value(" "), F("last_name"))), Value("")), F("email")),
    subtitle=F("job_title"),
    subtitle_fields=("job_title",),
    icon="user-round",
    hue="teal",
    weight=1.3,
    begins=("sort_key", "search_text"),
    begins_of_owner=("sort_key",),
)
searchable(
    "company",
    Company,
    label=_("Companies"),
    url="/companies/{id}",
    columns=("name", "domain", "email", "phone"),
    subtitle=F("domain"),
    subtitle_fields=("domain",),
    icon="building-2",
    hue="blue",
    weight=1.4,
    begins=("sort_key",),
    begins_of_owner=("sort_key",),
)
