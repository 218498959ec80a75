"""How deals and products are found."""

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from crm.search.registry import searchable
from sales.models import Deal, Product

searchable(
    "deal",
    Deal,
    label=_("Deals"),
    url="/deals/{id}",
    columns=("title", "external_id", "next_step"),
    subtitle=F("stage__name"),
    subtitle_fields=("stage",),
    icon="handshake",
    hue="violet",
    weight=1.2,
    begins=("sort_key",),
)
searchable(
    "product",
    Product,
    label=_("Products"),
    url="/products/{id}",
    columns=("name", "code", "family"),
    subtitle=F("code"),
    subtitle_fields=("code",),
    icon="package",
    hue="olive",
    weight=0.9,
    begins=("sort_key",),
)
