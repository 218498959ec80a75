"""Reference data: rows that every installation starts with. Each app registers its own in ``reference.py``.

    @reference_data(order=20)
    def pipelines() -> None: ...

A function makes what is missing the first time and never touches what people have changed since; it runs after
every migration (``crm.workspace.services.setup``), in test databases too.
"""

from collections.abc import Callable

_FUNCTIONS: list[tuple[int, str, Callable[[], None]]] = []


def reference_data(*, order: int = 50) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function that makes reference data; lower orders run first."""

    def register(function: Callable[[], None]) -> Callable[[], None]:
        _FUNCTIONS.append((order, f"{function.__module__}.{function.__qualname__}", function))
        return function

    return register


def all_reference_data() -> list[Callable[[], None]]:
    """Return the registered functions in their order."""
    return [function for _order, _name, function in sorted(_FUNCTIONS, key=lambda f: f[:2])]
