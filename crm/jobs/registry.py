"""The kinds of jobs: which function does a kind, on which queue, and how it is called for people."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import autodiscover_modules

if TYPE_CHECKING:
    from crm.jobs.models import Job
    from crm.jobs.run import Run

QUEUES = ("default", "import", "export", "mail", "low")


@dataclass(frozen=True)
class Kind:
    """One kind of job."""

    name: str
    run: Callable[["Run"], dict[str, Any] | None]
    queue: str
    label: Any
    max_attempts: int
    source: str
    """The source its change set names (``crm.activity`` knows the words)."""
    retry_on: tuple[type[Exception], ...]


_KINDS: dict[str, Kind] = {}
_finished: list[Callable[["Job"], None]] = []
_around: list[Callable[["Job", Kind], AbstractContextManager[None]]] = []


def job(
    name: str,
    *,
    queue: str = "default",
    label: Any = "",
    max_attempts: int = 3,
    source: str = "job",
    retry_on: tuple[type[Exception], ...] = (),
) -> Callable[[Callable[["Run"], Any]], Callable[["Run"], Any]]:
    """Declare the function that does jobs of this kind; it returns the result as plain values.

    Failures of the network and the database are tried again after a pause, and those in ``retry_on``; any
    other exception ends the job as failed.
    """
    if queue not in QUEUES:
        raise ValueError(f"There is no queue {queue}.")

    def declare(function: Callable[["Run"], Any]) -> Callable[["Run"], Any]:
        if name in _KINDS:
            raise ValueError(f"The job {name} is declared twice.")
        _KINDS[name] = Kind(name, function, queue, label or name, max_attempts, source, retry_on)
        return function

    return declare


def kind_of(name: str) -> Kind | None:
    """Return a kind by its name, or None when it is not declared any more."""
    return _KINDS.get(name)


def all_kinds() -> dict[str, Kind]:
    """Return every declared kind by name."""
    return dict(_KINDS)


def when_finished(function: Callable[["Job"], None]) -> Callable[["Job"], None]:
    """Register what is called in the transaction that ends a job."""
    _finished.append(function)
    return function


def around_jobs(
    function: Callable[["Job", Kind], AbstractContextManager[None]],
) -> Callable[["Job", Kind], AbstractContextManager[None]]:
    """Register a context that every job runs in (who is acting, and under which change set)."""
    _around.append(function)
    return function


def tell_finished(job: "Job") -> None:
    """Call whoever wants to know that a job has ended."""
    for function in _finished:
        function(job)


@contextmanager
def contexts(job: "Job", kind: Kind) -> Iterator[None]:
    """Enter every registered context."""
    with ExitStack() as stack:
        for context in _around:
            stack.enter_context(context(job, kind))
        yield


def discover() -> None:
    """Load the ``jobs`` module of every app, so that every kind is declared."""
    autodiscover_modules("jobs")
