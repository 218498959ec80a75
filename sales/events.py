"""What happens to deals."""

import uuid

from django.utils.translation import pgettext_lazy

from crm.activity.facts import fact


@fact("sales.deal_moved", pgettext_lazy("audit log", "moved to another stage"))
class DealMoved:
    """A deal went from one stage to another."""

    deal_id: uuid.UUID
    from_stage_id: uuid.UUID
    to_stage_id: uuid.UUID
    from_pipeline_id: uuid.UUID
    pipeline_id: uuid.UUID
    owner_id: uuid.UUID | None


@fact("sales.deal_won", pgettext_lazy("audit log", "won"))
class DealWon:
    """A deal was won."""

    deal_id: uuid.UUID
    customer_id: uuid.UUID | None
    company_id: uuid.UUID | None
    owner_id: uuid.UUID | None
    value: str
    currency: str


@fact("sales.deal_lost", pgettext_lazy("audit log", "lost"))
class DealLost:
    """A deal was lost."""

    deal_id: uuid.UUID
    customer_id: uuid.UUID | None
    company_id: uuid.UUID | None
    owner_id: uuid.UUID | None
    value: str
    currency: str
    reason_id: uuid.UUID | None


@fact("sales.deal_reopened", pgettext_lazy("audit log", "reopened"))
class DealReopened:
    """A won or lost deal was opened again."""

    deal_id: uuid.UUID
    from_stage_id: uuid.UUID
    to_stage_id: uuid.UUID
    owner_id: uuid.UUID | None
