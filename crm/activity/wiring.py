"""What ties the log to the rest, once all models are there: triggers after migrations, the relay's alarm after
commits, and jobs (who acts in one, under which change set, and the fact that it has ended)."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models.signals import post_migrate

from crm.activity.events import JobFinished
from crm.activity.facts import on_facts_committed, publish
from crm.activity.intention import Origin, acting_from
from crm.activity.triggers import install
from crm.activity.wake import ring
from crm.jobs.models import Job
from crm.jobs.registry import Kind, around_jobs, when_finished


@contextmanager
def act_for_its_user(job: Job, kind: Kind) -> Iterator[None]:
    """Run a job as the person who started it; all that it writes is one change set, over all its attempts."""
    origin = Origin(
        user_id=job.user_id, source=kind.source, change_set=job.change_set, label=job.label, request_id=f"job:{job.pk}"
    )
    with acting_from(origin):
        yield


def publish_the_end(job: Job) -> None:
    """Publish that a job has ended, for its notification."""
    publish(
        JobFinished(job_id=job.pk, kind=job.kind, state=job.state, user_id=job.user_id, label=job.label), entity="job"
    )


post_migrate.connect(install, dispatch_uid="activity_triggers")
on_facts_committed(ring)
around_jobs(act_for_its_user)
when_finished(publish_the_end)
