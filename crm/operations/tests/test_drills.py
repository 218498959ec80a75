"""The drills themselves: each can fail, and nothing of them reaches an installation that is used."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings

from crm.operations.drills import outcome, registry, report
from crm.operations.drills.outcome import Outcome


def test_every_drill_has_a_control() -> None:
    drills = registry.all_drills()
    assert len(drills) >= 21
    faults = (Path(registry.__file__).parent / "faults.py").read_text(encoding="utf-8")
    known = {name.replace("_", "-") for name in re.findall(r"@fault\ndef (\w+)", faults)}
    for found in drills.values():
        assert found.without or (found.control and found.fault), f"{found.id} has no control."
        assert set(found.without) <= known, f"{found.id} does without what nobody takes away."


def test_the_check_of_a_control_is_one_of_its_drill() -> None:
    texts = "".join(p.read_text(encoding="utf-8") for p in (Path(registry.__file__).parent / "cases").glob("*.py"))
    for found in registry.all_drills().values():
        assert texts.count(f'"{found.fails_at}"') >= 2, f"{found.id}: nothing checks “{found.fails_at}”."


def test_no_fault_is_loaded_here() -> None:
    assert settings.FAULTS == []
    assert not apps.is_installed("crm.operations.drills")


def test_a_figure_holds_up_to_its_limit() -> None:
    found = Outcome()
    assert not found.held, "What checked nothing has proven nothing."
    found.at_most("recovery", 60.0, 60)
    assert found.held
    found.at_most("recovery", None, 60)
    assert found.failed() == {"recovery"}
    assert str(found.checks[-1]) == "recovery: never (≤ 60 s)"
    assert outcome.p95([float(n) for n in range(100)]) == 95.0


def test_the_page_keeps_the_lines_of_drills_that_did_not_run(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs" / "decisions").mkdir(parents=True)
    first, second = list(registry.all_drills().values())[:2]
    held, failed = Outcome(), Outcome()
    held.equal("rows", 5, 5)
    failed.equal(second.fails_at, 6, 5)
    report.write([report.Row(first, held)], quick=True)
    report.write([report.Row(second, held, failed)], quick=False)
    page = (tmp_path / "docs" / "drills.md").read_text(encoding="utf-8")
    assert [line[2:7] for line in page.splitlines() if line.startswith("| FD")] == [first.id, second.id]
    assert report.Row(second, held, failed).fine
    assert not report.Row(second, held, held).fine
