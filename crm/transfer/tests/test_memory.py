"""What a long import leaves behind: nothing that waits for the collector, which sleeps meanwhile."""

import gc
from typing import Any

import pytest

from crm.transfer.adapters import Draft
from crm.transfer.engine import plan

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("cells", [
    "{i},nobody,,", "{i},a{i}@b.example,call me,", "{i},a{i}@b.example,,31.31.2024", "{i},a{i}@b.example,+1555{i:07},2024-01-02",
])
def test_rows_that_are_done_with_are_gone(checked: Any, monkeypatch: pytest.MonkeyPatch, cells: str) -> None:
    """An error that held on to its frames would keep the rows of its chunk."""
    left: list[int] = []
    decide = plan.Planner._plan_chunk

    def watched(self: plan.Planner, chunk: Any) -> Any:
        found = decide(self, chunk)
        left.append(sum(isinstance(o, Draft) for o in gc.get_objects()))
        return found

    monkeypatch.setattr(plan.Planner, "_plan_chunk", watched)
    rows = "\n".join(cells.format(i=i) for i in range(4_100))
    columns = {"Last name": "last_name", "E-mail": "email", "Phone": "phone", "Birthday": "birthday"}
    checked(f"Last name,E-mail,Phone,Birthday\n{rows}\n", "customer", {"columns": columns})
    assert max(left) <= 2_050, left
