"""What happens to the sharing of records."""

import uuid

from django.utils.translation import pgettext_lazy

from crm.activity.facts import fact


@fact("access.shared", pgettext_lazy("audit log", "shared"))
class RecordShared:
    """A record was shared with a person or a team."""

    entity: str
    record_id: uuid.UUID
    user_id: uuid.UUID | None
    team_id: uuid.UUID | None
    may_change: bool


@fact("access.unshared", pgettext_lazy("audit log", "no longer shared"))
class RecordUnshared:
    """A share was taken back."""

    entity: str
    record_id: uuid.UUID
    user_id: uuid.UUID | None
    team_id: uuid.UUID | None
