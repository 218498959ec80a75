"""What is done for the API by the clock."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.api.idempotency import forget_old_keys
from crm.jobs.engine import Run, job
from crm.jobs.schedule import daily


@job("api.forget_keys", queue="low", label=_("Forget old idempotency keys"))
def forget_keys(run: Run) -> dict[str, Any]:
    """Delete the answers that are no longer kept for a repeated request."""
    return {"removed": forget_old_keys()}


daily("api.forget_keys", at="03:40")
