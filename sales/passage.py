"""The way of one deal: the stages before and behind it, how long it stood in each, and what changed of late."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Subquery, Sum
from django.utils import timezone

from crm.access.policy import field_rights, visible_to
from crm.activity.versions import versions
from sales.models import Deal, Stage, StageChange

LATELY = timedelta(days=30)
SHOWN = 200
DAY = 86_400


@dataclass(frozen=True)
class Step:
    """A stage as a deal's page shows it: passed, current or to come, and the seconds spent in it."""

    stage: Stage
    state: str
    seconds: int | None

    @property
    def days(self) -> int | None:
        """Return the whole days spent in it; None where it never was."""
        return None if self.seconds is None else self.seconds // DAY


@dataclass(frozen=True)
class Passed:
    """A change of stage: from where, to where, by whom, and how long the deal then stayed."""

    change: StageChange
    seconds: int
    is_last: bool

    @property
    def days(self) -> int:
        """Return the whole days it stayed."""
        return self.seconds // DAY


@dataclass(frozen=True)
class Lately:
    """What changed within thirty days."""

    since: datetime
    value_before: Decimal | None
    value_now: Decimal | None
    value_changes: int
    close_before: date | None
    close_now: date | None
    pushes: int
    pulls: int
    stage_changes: int

    @property
    def value_moved(self) -> bool:
        """Tell whether the value is another one."""
        return self.value_before is not None and self.value_before != self.value_now

    @property
    def pushed_days(self) -> int:
        """Return by how many days the close moved out (negative: in)."""
        return (self.close_now - self.close_before).days if self.close_before and self.close_now else 0

    @property
    def anything(self) -> bool:
        """Tell whether there is anything to say."""
        return bool(self.value_changes or self.pushes or self.pulls or self.stage_changes)


def steps_of(deal: Deal) -> list[Step]:
    """Return the stages of the deal's pipeline with the time it spent in each: one statement."""
    left = (
        StageChange.objects.filter(deal=deal, from_stage=OuterRef("pk")).order_by().values("from_stage")
        .annotate(seconds=Sum("seconds_in_stage")).values("seconds")
    )
    stages = list(Stage.objects.filter(pipeline=deal.pipeline_id).order_by("position").annotate(spent=Subquery(left)))
    here = next((s.position for s in stages if s.pk == deal.stage_id), 0)
    found = []
    for stage in stages:
        spent = stage.spent
        if stage.pk == deal.stage_id:
            spent = (spent or 0) + _since(deal.entered_stage_at)
            state = "now"
        elif not deal.is_open:
            state = "done" if deal.outcome == Stage.Outcome.WON or spent is not None else "next"
        else:
            state = "done" if stage.position < here else "next"
        found.append(Step(stage, state, spent))
    return found


def passage(deal: Deal, user: Any) -> list[Passed]:
    """Return the changes of stage, the newest first, each with the time the deal stayed in the stage it entered."""
    rows = list(
        visible_to(user, StageChange).filter(deal=deal).select_related("from_stage", "to_stage", "user")
        .order_by("-happened_at", "-id")[:SHOWN]
    )
    found, until = [], timezone.now()
    for index, row in enumerate(rows):
        found.append(Passed(row, max(0, int((until - row.happened_at).total_seconds())), index == 0))
        until = row.happened_at
    return found


def changed_lately(deal: Deal, user: Any) -> Lately:
    """Return how value and close date moved within thirty days, as the log tells it."""
    since = timezone.now() - LATELY
    rows = [v for v in versions(deal, limit=SHOWN) if v.at >= since and v.action == "updated"]
    rights = field_rights(user, Deal)
    values = [v.changes["value"] for v in rows if "value" in v.changes] if rights.can_read("value") else []
    closes = [v.changes["expected_close_date"] for v in rows if "expected_close_date" in v.changes]
    closes = closes if rights.can_read("expected_close_date") else []
    moves = [(_day(before), _day(after)) for before, after in closes]
    return Lately(
        since=since,
        value_before=Decimal(str(values[-1][0])) if values else None,
        value_now=deal.value if values else None,
        value_changes=len(values),
        close_before=moves[-1][0] if moves else None,
        close_now=deal.expected_close_date if moves else None,
        pushes=sum(1 for before, after in moves if before and after and after > before),
        pulls=sum(1 for before, after in moves if before and after and after < before),
        stage_changes=StageChange.objects.filter(deal=deal, happened_at__gte=since, from_stage__isnull=False).count(),
    )


def _since(moment: datetime) -> int:
    return max(0, int((timezone.now() - moment).total_seconds()))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
