"""Jobs run once at a time, tell how far they are, can be cancelled and resumed, and end in words."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from crm.activity.intention import intend
from crm.activity.models import ActivityLog, ChangeSet
from crm.jobs import leases, registry, schedule
from crm.jobs.alive import is_alive, missing, oldest_waiting, pulse
from crm.jobs.engine import Cancelled, LeaseLost, Run, cancel, enqueue, job, retry, run_next, run_now
from crm.jobs.models import Checkpoint, Job
from crm.lib.errors import Conflict, Detail, Invalid
from crm.records.models import Tag

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_kinds() -> Iterator[None]:
    """Forget the kinds and slots that a test declares."""
    kinds, slots = dict(registry._KINDS), dict(schedule._SLOTS)
    yield
    registry._KINDS.clear(), registry._KINDS.update(kinds)
    schedule._SLOTS.clear(), schedule._SLOTS.update(slots)


def test_a_job_runs_and_keeps_its_result(admin: Any) -> None:
    @job("test.add", label="Add")
    def add(run: Run) -> dict[str, Any]:
        run.progress(2, 2, "both")
        return {"sum": run.params["a"] + run.params["b"], "who": run.user.email}

    done = run_now(enqueue("test.add", params={"a": 1, "b": 2}, user=admin))
    assert (done.state, done.result, done.percent, done.attempts) == (
        "succeeded", {"sum": 3, "who": admin.email}, 100, 1,
    )
    assert (done.label, done.progress_message) == ("Add", "both")
    assert ActivityLog.objects.filter(action="jobs.finished", changes__job_id=str(done.pk)).exists()


def test_what_a_job_writes_is_one_change_set_of_its_user(admin: Any) -> None:
    @job("test.tags", source="import")
    def tags(run: Run) -> None:
        for name in "abc":
            with intend():
                Tag.objects.create(name=name)

    done = run_now(enqueue("test.tags", user=admin, label="tags.csv"))
    change_set = ChangeSet.objects.get(pk=done.change_set)
    assert (change_set.user, change_set.source, change_set.label) == (admin, "import", "tags.csv")
    assert ActivityLog.objects.filter(change_set=change_set, kind="change").count() == 3


def test_a_refusal_ends_it_in_its_own_words() -> None:
    @job("test.refuse")
    def refuse(run: Run) -> None:
        raise Invalid("The file is empty.", details=[Detail("file", "Choose one with rows.")])

    done = run_now(enqueue("test.refuse"))
    assert (done.state, done.error) == ("failed", "The file is empty.\nChoose one with rows.")


def test_a_bug_ends_it_without_showing_its_trace() -> None:
    @job("test.bug")
    def bug(run: Run) -> None:
        raise KeyError("secret detail")

    done = run_now(enqueue("test.bug"))
    assert done.state == "failed" and "secret" not in done.error and "secret detail" in done.trace


def test_a_passing_failure_is_tried_again_and_resumes() -> None:
    seen: list[Any] = []

    @job("test.flaky")
    def flaky(run: Run) -> dict[str, int]:
        seen.append(run.checkpoint.get("row"))
        if len(seen) < 3:
            with transaction.atomic():
                run.save({"row": len(seen)})
            raise OperationalError("gone")
        return {"row": run.checkpoint["row"]}

    made = enqueue("test.flaky")
    for attempt in (1, 2):
        run_now(made)
        made.refresh_from_db()
        assert (made.state, made.attempts) == ("queued", attempt)
        Job.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    done = run_now(made)
    assert (seen, done.state, done.result) == ([None, 1, 2], "succeeded", {"row": 2})


def test_a_key_is_queued_only_once() -> None:
    @job("test.once")
    def once(run: Run) -> None: ...

    assert enqueue("test.once", key="k").pk == enqueue("test.once", key="k").pk
    assert enqueue("test.once").pk != enqueue("test.once").pk


def test_a_rolled_back_enqueue_leaves_no_job() -> None:
    @job("test.never")
    def never(run: Run) -> None: ...

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue("test.never")
        _ = 1 / 0
    assert run_next(["default"]) is None


def test_a_waiting_job_is_cancelled_at_once_and_can_be_tried_again() -> None:
    @job("test.wait")
    def wait(run: Run) -> None: ...

    made = cancel(enqueue("test.wait"))
    assert made.state == "cancelled" and run_next(["default"]) is None
    with pytest.raises(Conflict):
        cancel(made)
    assert run_now(retry(made)).state == "succeeded"
    with pytest.raises(Conflict):
        retry(Job.objects.get(pk=made.pk))


def test_a_lost_lease_may_not_save() -> None:
    @job("test.slow")
    def slow(run: Run) -> None:
        Job.objects.filter(pk=run.job.pk).update(leased_by="somebody else")
        with pytest.raises(LeaseLost):
            run.save({"row": 9})

    made = run_now(enqueue("test.slow"))
    assert made.state == "running" and not Checkpoint.objects.exists()


def test_an_expired_lease_is_taken_over_and_the_third_death_is_the_last() -> None:
    @job("test.poison")
    def poison(run: Run) -> None: ...

    made = enqueue("test.poison")
    for attempt in (1, 2, 3):
        claimed = leases.claim(["default"])
        assert claimed is not None and claimed.attempts == attempt
        assert leases.claim(["default"]) is None, "it is held"
        Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert leases.claim(["default"]) is None
    schedule.sweep()
    made.refresh_from_db()
    assert made.state == "dead" and "3" in made.error
    assert retry(made).attempts == 0


def test_queues_do_not_see_one_another() -> None:
    @job("test.low", queue="low")
    def low(run: Run) -> None: ...

    enqueue("test.low")
    assert run_next(["default", "mail"]) is None
    assert run_next(["low"]) is not None


def test_each_due_time_is_one_job_whoever_asks() -> None:
    @job("test.hourly")
    def hourly(run: Run) -> None: ...

    schedule._SLOTS.clear()
    schedule.every("test.hourly", hours=1)
    now = timezone.now().replace(minute=30)
    assert len(schedule.enqueue_due(now)) == 1
    assert schedule.enqueue_due(now + timedelta(minutes=5)) == []
    assert len(schedule.enqueue_due(now + timedelta(hours=5))) == 1, "missed slots do not storm"


def test_a_daily_job_that_was_missed_by_far_waits_for_tomorrow() -> None:
    @job("test.nightly")
    def nightly(run: Run) -> None: ...

    schedule._SLOTS.clear()
    schedule.daily("test.nightly", at="03:00")
    day = timezone.now()
    assert schedule.enqueue_due(day.replace(hour=23, minute=0)) == []
    assert len(schedule.enqueue_due(day.replace(hour=4, minute=0))) == 1


def test_signs_of_life() -> None:
    assert "relay" in missing()
    pulse("relay")
    assert is_alive("relay") and "relay" not in missing()
    assert oldest_waiting()["mail"] == 0.0


@pytest.mark.django_db(transaction=True)
def test_of_eight_parallel_claims_one_wins() -> None:
    @job("test.race")
    def race(run: Run) -> None: ...

    enqueue("test.race")
    won: list[Job] = []
    barrier = threading.Barrier(8)

    def claim() -> None:
        barrier.wait()
        if found := leases.claim(["default"]):
            won.append(found)
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(won) == 1 and won[0].attempts == 1


@pytest.mark.django_db(transaction=True)
def test_a_running_job_hears_of_its_cancellation_and_shows_its_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT", 0.5)
    started = threading.Event()

    @job("test.long")
    def long(run: Run) -> None:
        for i in range(100):
            run.progress(i, 100)
            started.set()
            time.sleep(0.1)

    made = enqueue("test.long")
    worker = threading.Thread(target=lambda: (run_next(["default"]), connection.close()))
    worker.start()
    started.wait(5)
    time.sleep(1.2)
    made.refresh_from_db()
    assert made.state == "running" and made.progress_total == 100
    cancel(made)
    worker.join(5)
    made.refresh_from_db()
    assert made.state == "cancelled" and made.progress_done < 99
    assert Cancelled


def expired(made: Job) -> None:
    """Let the lease of a running job run out, as if its worker had died."""
    Job.objects.filter(pk=made.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_only_attempts_that_got_nowhere_count_against_a_job() -> None:
    @job("test.far")
    def far(run: Run) -> None: ...

    made = enqueue("test.far")
    for attempt in range(1, 6):
        claimed = leases.claim(["default"])
        assert claimed is not None and (claimed.attempts, claimed.fruitless) == (attempt, 1)
        Run(claimed).save({"row": attempt})
        Checkpoint.objects.filter(pk=made.pk).update(updated_at=timezone.now() + timedelta(seconds=5))
        expired(made)
        assert leases.bury() == 0
    Checkpoint.objects.filter(pk=made.pk).update(updated_at=timezone.now() - timedelta(days=1))
    for _attempt in range(2):
        assert leases.claim(["default"]) is not None
        expired(made)
    assert leases.claim(["default"]) is None
    assert leases.bury() == 1
    made.refresh_from_db()
    assert (made.state, made.attempts, made.fruitless) == ("dead", 7, 3)


def test_the_job_of_a_dead_process_need_not_wait_for_the_clock() -> None:
    @job("test.orphan")
    def orphan(run: Run) -> None: ...

    made = enqueue("test.orphan")
    assert leases.claim(["default"]) is not None
    assert leases.release_dead() == 0
    nobody = 4_194_305  # above the largest process id
    Job.objects.filter(pk=made.pk).update(leased_by=f"{leases.here()}:1:{nobody}:1:x")
    assert leases.release_dead() == 1
    Job.objects.filter(pk=made.pk).update(leased_by=f"elsewhere/1:1:{nobody}:1:x", lease_until=timezone.now() + leases.LEASE)
    assert leases.release_dead() == 0


def test_low_jobs_leave_room_for_the_others() -> None:
    @job("test.low", queue="low")
    def low(run: Run) -> None: ...

    enqueue("test.low")
    assert not leases.is_full("low")
    claimed = leases.claim(["low"])
    assert claimed is not None
    assert leases.is_full("low") and not leases.is_full("export")
    expired(claimed)
    assert not leases.is_full("low")
