"""The pipeline and the reasons that sales start with."""

from crm.records.reference import reference_data
from sales.models import LossReason, Pipeline, Stage

STAGES = (
    ("PROSPECTING", "Prospecting", 10, Stage.Outcome.OPEN, "slate"),
    ("QUALIFICATION", "Qualification", 25, Stage.Outcome.OPEN, "sky"),
    ("PROPOSAL", "Proposal", 50, Stage.Outcome.OPEN, "violet"),
    ("NEGOTIATION", "Negotiation", 75, Stage.Outcome.OPEN, "amber"),
    ("CLOSED_WON", "Closed won", 100, Stage.Outcome.WON, "green"),
    ("CLOSED_LOST", "Closed lost", 0, Stage.Outcome.LOST, "coral"),
)
REASONS = {
    "lost": ("Price", "Competitor", "No budget", "No decision", "Timing", "Missing feature"),
    "won": ("Best fit", "Price", "Relationship"),
}


@reference_data(order=20)
def pipeline() -> None:
    """Make the default pipeline with its stages, if there is no pipeline at all."""
    if Pipeline.objects.exists():
        return
    made = Pipeline.objects.create(name="Sales", code="SALES", is_default=True)
    Stage.objects.bulk_create(
        Stage(
            pipeline=made, code=code, name=name, probability=probability, outcome=outcome, hue=hue, position=position,
            rotting_days=30 if outcome == Stage.Outcome.OPEN else None,
        )
        for position, (code, name, probability, outcome, hue) in enumerate(STAGES)
    )


@reference_data(order=21)
def reasons() -> None:
    """Make the reasons for won and lost deals, if there are none."""
    if LossReason.objects.exists():
        return
    LossReason.objects.bulk_create(
        LossReason(name=name, outcome=outcome, position=position)
        for outcome, names in REASONS.items()
        for position, name in enumerate(names)
    )
