"""What is said of a job."""

from django.utils.translation import gettext as _

from crm.jobs.models import Job


def how_it_ended(job: Job) -> str:
    """Return the sentence that tells how a job ended, in the language that is active."""
    if job.state == Job.State.SUCCEEDED:
        return _("“%(job)s” is done.") % {"job": job}
    if job.state == Job.State.CANCELLED:
        return _("“%(job)s” was cancelled.") % {"job": job}
    return _("“%(job)s” failed.") % {"job": job}


def where_it_led(job: Job) -> str:
    """Return the page that shows what a job made, or its own."""
    return str((job.result or {}).get("url") or f"/jobs/{job.pk}")
