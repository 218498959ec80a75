"""The drawings are those of the code."""

from django.conf import settings

from crm.operations import diagrams


def test_the_drawings_are_current() -> None:
    drawn = (settings.BASE_DIR / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert drawn == diagrams.page(settings.BASE_DIR), "The code has moved on. Draw it again: make docs"


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
