"""Files in which hundreds of rows share a name: known again when they come back, at a cost that grows with the rows alone."""

from typing import Any

import pytest

from crm.transfer.engine.finding import Finder
from crm.transfer.engine.staging import staged_chunks
from customers.models import Customer

pytestmark = pytest.mark.django_db
ROWS = 600


def calls(last: str = "") -> str:
    """Return calls of a campaign: two names for all of them, and no address."""
    lines = [f"Client {'admin' if i % 2 else 'other'},{20 + i % 50},{i},{i / 8},2024-01-{1 + i % 28:02}{last}" for i in range(ROWS)]
    return "\n".join(["Last name,Age,Duration,Rate,Birthday" + (",Extra" if last else ""), *lines])


@pytest.mark.parametrize("remembered", [100_000, 50])
@pytest.mark.parametrize("rest", ["custom", "note"])
def test_rows_of_one_name_are_known_again(imported: Any, monkeypatch: pytest.MonkeyPatch, rest: str, remembered: int) -> None:
    monkeypatch.setattr("crm.transfer.engine.namesakes.REMEMBERED", remembered)
    monkeypatch.setattr("crm.transfer.engine.plan.staged_chunks", lambda run: staged_chunks(run, 250))
    mapping = {"columns": {"Last name": "last_name", "Birthday": "birthday", "Extra": None}, "rest": rest}
    assert imported(calls(), "customer", mapping).report["counts"]["create"] == ROWS
    compared = 0
    alike = Finder._alike

    def counted(self: Finder, row: Any, draft: Any) -> bool:
        nonlocal compared
        compared += 1
        return alike(self, row, draft)

    monkeypatch.setattr(Finder, "_alike", counted)
    if rest == "custom":
        made = Customer.objects.first()
        mapping["columns"].update({h: f"custom.{h.lower()}" for h in ("Age", "Duration", "Rate")})  # type: ignore[attr-defined]
        assert made is not None and set(made.custom) == {"age", "duration", "rate"}
    again = imported(calls(last=",x"), "customer", mapping)
    assert again.report["counts"] == {"create": 0, "update": 0, "skip": ROWS, "error": 0}
    assert compared <= ROWS * 2
    assert Customer.objects.count() == ROWS


def test_a_namesake_that_says_something_else_is_another(imported: Any) -> None:
    mapping = {"columns": {"Last name": "last_name", "Birthday": "birthday", "Job": "job_title"}, "rest": "note"}
    imported("Last name,Birthday,Job,Remark\nMoser,1980-01-02,Baker,tall\nMoser,1980-01-02,Baker,small\n", "customer", mapping)
    again = imported(
        "Last name,Birthday,Job,Remark\nMoser,1980-01-02,Baker,tall\nMoser,1980-01-03,Baker,tall\nMoser,1980-01-02,Cook,tall\n"
        "Moser,1980-01-02,Baker,thin\n", "customer", mapping)
    assert again.report["counts"] == {"create": 3, "update": 0, "skip": 1, "error": 0}


def test_a_note_that_came_with_others_is_found(imported: Any) -> None:
    mapping = {"columns": {"Last name": "last_name", "Birthday": "birthday"}, "rest": "note"}
    imported("Last name,Birthday,Remark,Shoes\nMoser,1980-01-02,tall,43\n", "customer", mapping)
    again = imported("Last name,Birthday,Shoes\nMoser,1980-01-02,43\n", "customer", mapping)
    assert again.report["counts"] == {"create": 0, "update": 0, "skip": 1, "error": 0}
