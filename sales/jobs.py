"""What is done for deals by the clock."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.jobs.engine import Run, job
from crm.jobs.schedule import every
from sales.totals import fold


@job("sales.fold_totals", queue="low", label=_("Fold the sums of the boards"))
def fold_totals(run: Run) -> dict[str, Any]:
    """Keep the sums of the boards few."""
    return {"folded": fold()}


every("sales.fold_totals", minutes=2)
