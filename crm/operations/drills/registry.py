"""The list of drills: each names its faults, its script, and the check by which its control must fail."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from crm.operations.drills.outcome import Outcome

CASES = ("killed", "messages", "database", "records", "load", "front", "pages", "imports")


@dataclass(frozen=True)
class Sizes:
    """How large a run is: full, quick, or the control's."""

    quick: bool = False
    control: bool = False

    def pick(self, full: Any, quick: Any, control: Any) -> Any:
        """Return the size of this run."""
        return control if self.control else quick if self.quick else full


Script = Callable[[Any, Sizes], Outcome]


@dataclass(frozen=True)
class Drill:
    """One fault drill. The control runs the same script with a protection taken away (``without``)."""

    id: str
    title: str
    run: Script
    without: tuple[str, ...]
    fails_at: str
    """The check that must fail in the control: the proof that it can."""
    control: Script | None = None
    """The control's own script, where the fault itself is another one."""
    fault: str = ""
    """What that other fault is."""


_drills: dict[str, Drill] = {}


def drill(
    number: str, title: str, *, without: tuple[str, ...] = (), fails_at: str, control: Script | None = None, fault: str = ""
) -> Callable[[Script], Script]:
    """Declare a drill."""

    def declare(script: Script) -> Script:
        _drills[number] = Drill(number, title, script, without, fails_at, control, fault)
        return script

    return declare


def all_drills() -> dict[str, Drill]:
    """Return every drill by its number, in order."""
    for name in CASES:
        import_module(f"crm.operations.drills.cases.{name}")
    return dict(sorted(_drills.items()))
