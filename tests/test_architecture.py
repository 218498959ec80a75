"""The drawings are those of the code."""

import subprocess
import sys

from django.conf import settings

from crm.operations import diagrams


def test_the_drawings_are_current() -> None:
    # By itself: other tests in this process declare facts and reactions of their own.
    command = [sys.executable, "manage.py", "diagrams", "--check"]
    drawn = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=120, check=False)
    assert drawn.returncode == 0, drawn.stderr


def test_arrows_between_packages_form_no_circle() -> None:
    graph = diagrams.imports(settings.BASE_DIR)
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, "A circle of imports: " + " → ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for target in sorted(graph.get(name, ())):
                visit(target, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())
