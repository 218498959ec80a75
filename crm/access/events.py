"""What happens to the sharing of records."""

import uuid

from crm.activity.facts import fact


@fact("access.shared")
class RecordShared:
    """A record was shared with a person or a team."""

    entity: str
    record_id: uuid.UUID
    user_id: uuid.UUID | None
    team_id: uuid.UUID | None
    may_change: bool


@fact("access.unshared")
class RecordUnshared:
    """A share was taken back."""

    entity: str
    record_id: uuid.UUID
    user_id: uuid.UUID | None
    team_id: uuid.UUID | None
