"""What is done for records by the clock."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.jobs.engine import Run, job
from crm.jobs.schedule import daily
from crm.records.services.documents import sweep


@job("records.sweep_documents", queue="low", label=_("Remove files without a document"))
def sweep_documents(run: Run) -> dict[str, Any]:
    """Remove the files that a rolled back upload left behind."""
    return {"removed": sweep()}


daily("records.sweep_documents", at="03:50")
