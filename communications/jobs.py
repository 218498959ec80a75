"""What is done for interactions by the clock."""

from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from crm.jobs.engine import Run, job
from crm.jobs.schedule import every

# What was planned and has passed counts from then on; two days, in case nobody looked for a while.
PASSED = """
SELECT count(*), communications_settle_activity(
    array_agg(DISTINCT customer_id), array_agg(DISTINCT company_id), array_agg(DISTINCT deal_id))
  FROM communications_interaction
 WHERE deleted_at IS NULL AND completed_at IS NULL AND happened_at BETWEEN now() - interval '2 days' AND now()
"""


@job("communications.passed", queue="low", label=_("Count passed meetings as activity"))
def passed(run: Run) -> dict[str, Any]:
    """Let meetings that have passed be the last activity of whom they were with."""
    with connection.cursor() as cursor:
        cursor.execute(PASSED)
        return {"passed": cursor.fetchone()[0]}


every("communications.passed", minutes=10)
