"""What communication adds to timelines: every e-mail, call, meeting and message."""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from communications.models import Interaction
from crm.access.policy import visible_to
from crm.records.entity import entity
from crm.records.timeline import Asked, Entry, timeline_source
from crm.ui.figures import duration


@timeline_source("interaction", gettext_lazy("Interactions"), entities={"customer", "company", "deal"})
def interactions(asked: Asked) -> Iterable[Entry]:
    """Read the interactions with the record."""
    rows = visible_to(asked.user, Interaction).filter(**{asked.entity.name: asked.obj}).select_related("type")
    for row in asked.older(rows, "happened_at", texts=("subject", "content", "outcome")):
        # A meeting has two sides, whoever asked for it.
        came = row.direction == "INBOUND" and row.type.code != "MEETING"
        words = _("%(type)s received") if came else _("%(type)s")
        yield Entry(
            kind="interaction", id=str(row.pk), at=row.happened_at, icon=row.type.icon, hue=row.type.hue,
            actor_id=row.user_id, text=words % {"type": row.type.name}, title=row.subject, body=row.content[:2000],
            details=tuple(filter(None, (duration(row.duration_seconds), row.outcome))),
            url=entity("interaction").url(row) if "pages" in entity("interaction").abilities else "",
        )
