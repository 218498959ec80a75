"""How interactions are found."""

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from communications.models import Interaction
from crm.search.registry import searchable

searchable(
    "interaction",
    Interaction,
    label=_("Interactions"),
    url="/interactions/{id}",
    columns=("subject", "content"),
    subtitle=F("type__name"),
    icon="messages-square",
    hue="sky",
    weight=0.8,
    through=("user", "-happened_at"),
)
