"""The kinds of interactions that communications start with."""

from communications.models import InteractionType
from crm.records.reference import reference_data

TYPES = (
    ("EMAIL", "E-mail", "mail", "sky"),
    ("CALL", "Call", "phone", "green"),
    ("MEETING", "Meeting", "calendar", "violet"),
    ("SMS", "SMS", "message-square", "amber"),
    ("SOCIAL", "Social", "share-2", "coral"),
    ("WEBSITE", "Website", "globe", "slate"),
)


@reference_data(order=30)
def interaction_types() -> None:
    """Make the six built-in kinds that are missing."""
    known = set(InteractionType.objects.values_list("code", flat=True))
    InteractionType.objects.bulk_create(
        InteractionType(code=code, name=name, icon=icon, hue=hue, is_system=True, position=position)
        for position, (code, name, icon, hue) in enumerate(TYPES)
        if code not in known
    )
