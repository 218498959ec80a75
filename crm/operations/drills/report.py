"""The table of drills: on the screen, and in docs/drills.md."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from crm.operations.drills.outcome import Outcome
from crm.operations.drills.registry import Drill, all_drills

PAGE = Path("docs/drills.md")
HEAD = """# Fault drills

Written by `make drills`: an installation of its own is started (PostgreSQL, Valkey, web, two workers, relay, beat), hurt, and
watched. Each drill has a *control*: the same script with one protection taken away, or with a worse fault, which must fail at
the check named in the last column; so each check is known to be able to fail. What stands for a protection is in
`crm/operations/drills/faults.py`, which only `RAPPORT_ENV=drill` loads (decision {decision}). Figures are those of the machine, also of a busy one; the limits
stay. `make drills DRILLS="FD-02 --quick"` runs one of them, small.

| Drill | Fault | Measured (limit) | Held | Control, and where it fails | Run |
| --- | --- | --- | --- | --- | --- |
"""


@dataclass
class Row:
    """One line of the table."""

    drill: Drill
    outcome: Outcome
    control: Outcome | None = None

    @property
    def control_failed(self) -> bool:
        """Tell whether the control failed where it must."""
        return self.control is not None and self.drill.fails_at in self.control.failed()

    @property
    def fine(self) -> bool:
        """Tell whether the drill held and its control failed."""
        return self.outcome.held and (self.control is None or self.control_failed)


def line(row: Row) -> str:
    """Return one drill for the screen."""
    text = [f"{row.drill.id} {row.drill.title}: {'held' if row.outcome.held else 'DID NOT HOLD'} ({row.outcome.seconds:.0f} s)"]
    text += [f"    {'ok ' if c.held else 'NOT'} {c}" for c in row.outcome.checks]
    text += [f"    ({remark})" for remark in row.outcome.remarks]
    if row.control is not None:
        word = "failed as it should" if row.control_failed else "DID NOT FAIL AS IT SHOULD"
        text.append(f"    control {word} ({row.control.seconds:.0f} s)")
        text += [f"        {'ok ' if c.held else 'NOT'} {c}" for c in row.control.checks]
    return "\n".join(text)


def write(rows: list[Row], *, quick: bool) -> None:
    """Write the table; drills that were not run now keep their lines."""
    path = settings.BASE_DIR / PAGE
    known = {}
    if path.is_file():
        known = {m[1]: m[0] for m in re.finditer(r"^\| (FD-\d\d) \|.*$", path.read_text(encoding="utf-8"), re.MULTILINE)}
    known |= {row.drill.id: _row(row, quick) for row in rows}
    lines = [known[name] for name in all_drills() if name in known]
    decision = next((p.name[:4] for p in sorted((settings.BASE_DIR / "docs" / "decisions").glob("*drill*"))), "")
    path.write_text(HEAD.format(decision=decision) + "\n".join(lines) + "\n", encoding="utf-8")


def _row(row: Row, quick: bool) -> str:
    measured = "<br>".join(str(c) if c.held else f"**{c}**" for c in row.outcome.checks)
    measured += "".join(f"<br>_{remark}_" for remark in row.outcome.remarks)
    if row.control is None:
        control = "not run"
    else:
        fault = row.drill.fault or "without " + ", ".join(row.drill.without)
        shown = next((str(c) for c in row.control.checks if c.what == row.drill.fails_at), row.drill.fails_at)
        control = f"{fault}: {shown}" if row.control_failed else f"**{fault} did not fail at {row.drill.fails_at}**"
    when = f"{timezone.now():%Y-%m-%d}, {os.cpu_count()} cores, {'quick' if quick else 'full'}, {row.outcome.seconds:.0f} s"
    cells = [row.drill.id, row.drill.title, measured, "yes" if row.outcome.held else "**no**", control, when]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
