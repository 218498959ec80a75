"""What a drill found: checks with a measured figure and its limit."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Check:
    """One thing that must hold: what was measured, and against which limit."""

    what: str
    measured: str
    limit: str
    held: bool

    def __str__(self) -> str:
        limit = f" ({self.limit})" if self.limit else ""
        return f"{self.what}: {self.measured}{limit}"


@dataclass
class Outcome:
    """Everything that one run of a drill found."""

    checks: list[Check] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """What the reader of the table must know: what was scaled down, what was drilled instead."""
    seconds: float = 0.0

    @property
    def held(self) -> bool:
        """Tell whether everything held."""
        return bool(self.checks) and all(c.held for c in self.checks)

    def failed(self) -> set[str]:
        """Return what did not hold."""
        return {c.what for c in self.checks if not c.held}

    def at_most(self, what: str, measured: float | None, most: float, unit: str = "s") -> None:
        """Check a figure against its limit; None stands for what never happened."""
        shown = "never" if measured is None else _shown(measured, unit)
        self.checks.append(Check(what, shown, f"≤ {_shown(most, unit)}", measured is not None and measured <= most))

    def equal(self, what: str, measured: Any, wanted: Any) -> None:
        """Check that something is exactly as it must be."""
        shown = f"{measured:,}" if isinstance(measured, int) else str(measured)
        limit = f"{wanted:,}" if isinstance(wanted, int) else str(wanted)
        self.checks.append(Check(what, shown[:120], limit[:120], measured == wanted))

    def at_least(self, what: str, measured: float, least: float, unit: str = "") -> None:
        """Check that something is not too little."""
        self.checks.append(Check(what, _shown(measured, unit), f"≥ {_shown(least, unit)}", measured >= least))

    def true(self, what: str, found: bool, otherwise: str = "no") -> None:
        """Check a plain fact."""
        self.checks.append(Check(what, "yes" if found else otherwise[:160], "", found))

    def remark(self, text: str) -> None:
        """Note what the reader must know."""
        self.remarks.append(text)


def _shown(figure: float, unit: str) -> str:
    number = f"{figure:,.0f}" if float(figure).is_integer() or abs(figure) >= 100 else f"{figure:.1f}" if abs(figure) >= 1 else f"{figure:.2f}"
    return f"{number} {unit}".strip()


def wait_for(condition: Callable[[], Any], seconds: float, *, pause: float = 0.2) -> float | None:
    """Return after how many seconds the condition became true; None when it did not in time."""
    began = time.monotonic()
    while True:
        if condition():
            return time.monotonic() - began
        if time.monotonic() - began > seconds:
            return None
        time.sleep(pause)


def p95(times: list[float]) -> float:
    """Return the 95th percentile of some times."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))] if ordered else 0.0
