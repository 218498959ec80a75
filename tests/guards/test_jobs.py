"""Every background job names its queue, and every queue has a worker."""

import ast
from pathlib import Path

from crm.jobs.registry import QUEUES, all_kinds, discover
from crm.operations import programs
from tests.guards.tree import parsed, python_files, shown


def test_every_job_names_its_queue() -> None:
    discover()
    wrong = []
    for path in python_files():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "job" and node.args:
                if not any(k.arg == "queue" for k in node.keywords):
                    wrong.append(f"{shown(path)}:{node.lineno}")
    assert not wrong, "A job without a queue waits behind everything else:\n" + "\n".join(wrong)
    assert all(kind.queue in QUEUES for kind in all_kinds().values())


def test_every_queue_has_a_worker(tmp_path: Path) -> None:
    served: set[str] = set()
    for program in programs.application(base=tmp_path, logs=tmp_path):
        launch = program.launch.__closure__ or ()
        for cell in launch:
            if isinstance(cell.cell_contents, list) and "--queues" in cell.cell_contents:
                served |= set(cell.cell_contents[cell.cell_contents.index("--queues") + 1].split(","))
    assert served == set(QUEUES)
