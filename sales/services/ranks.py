"""The order of the cards of a board's column: fractional ranks, spread again when a gap is used up."""

import uuid
from typing import Any

from django.db import connection

from crm.access.policy import visible_to
from sales.models import Deal, Stage
from sales.models.deal import top_rank

_SPREAD = """
WITH column_cards AS (
    SELECT id, rank FROM sales_deal WHERE stage_id = %s AND deleted_at IS NULL AND id <> %s
    FOR UPDATE SKIP LOCKED
), spread AS (
    SELECT id, %s + row_number() OVER (ORDER BY rank, id) AS rank FROM column_cards
)
UPDATE sales_deal d SET rank = spread.rank FROM spread WHERE d.id = spread.id
"""


def lock_column(stage: Stage) -> None:
    """Let one card at a time be placed in a column (until the end of the transaction)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [f"board:{stage.pk}"])


def rank_between(
    deal: Deal, stage: Stage, before_id: uuid.UUID | None, after_id: uuid.UUID | None, actor: Any, *, spread: bool = True
) -> float:
    """Return a rank above the card ``before_id`` and below ``after_id``; on top when both have left the column, or are none the actor sees."""
    cards = Deal.objects.filter(stage=stage).exclude(pk=deal.pk)
    seen = visible_to(actor, cards)
    above = seen.filter(pk=after_id).values_list("rank", "pk").first() if after_id else None
    below = seen.filter(pk=before_id).values_list("rank", "pk").first() if before_id else None
    if below is None and above is None:
        return top_rank()
    if above is not None:
        # The card that really follows decides: the page may not have seen the newest one.
        below = _next(cards, above)
    elif below is not None:
        above = _previous(cards, below)
    if above is None:
        assert below is not None
        return min(top_rank(), float(below[0]) - 1)
    if below is None:
        return float(above[0]) + 1
    middle = (above[0] + below[0]) / 2
    if above[0] < middle < below[0]:
        return float(middle)
    if not spread:
        return float(above[0])
    with connection.cursor() as cursor:
        cursor.execute(_SPREAD, [stage.pk, deal.pk, top_rank()])
    return rank_between(deal, stage, None, above[1], actor, spread=False)


def _next(cards: Any, card: tuple[float, uuid.UUID]) -> Any:
    later = cards.filter(rank=card[0], pk__gt=card[1]) | cards.filter(rank__gt=card[0])
    return later.order_by("rank", "pk").values_list("rank", "pk").first()


def _previous(cards: Any, card: tuple[float, uuid.UUID]) -> Any:
    earlier = cards.filter(rank=card[0], pk__lt=card[1]) | cards.filter(rank__lt=card[0])
    return earlier.order_by("-rank", "-pk").values_list("rank", "pk").first()
