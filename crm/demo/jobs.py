"""Loading and removing the demo as jobs: both take longer than a page."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.demo.service import load_demo, remove_demo
from crm.jobs.engine import Run, job


@job("demo.load", queue="default", label=_("Load the demo data"))
def load(run: Run) -> dict[str, Any]:
    """Load the demo team and its year."""
    companies, people, deals, _change_set = load_demo()
    return {"companies": companies, "people": people, "deals": deals}


@job("demo.remove", queue="default", label=_("Remove the demo data"))
def remove(run: Run) -> dict[str, Any]:
    """Remove it; the account of whoever asked stays."""
    return {"deactivated": remove_demo(keep=run.user)}
