"""Imports point down, domains come in through doors, and nothing hides inside a function."""

import ast

from tests.guards.tree import DOMAINS, imports_of, parsed, python_files, shown

DOORS = {"models", "services", "selectors", "events"}

# Why each of these may import inside a function.
INSIDE: dict[str, str] = {}


def test_other_domains_come_in_through_a_door() -> None:
    trespassers = []
    for path in python_files():
        app = shown(path).split("/")[0]
        if app not in DOMAINS:
            continue
        for module, line in imports_of(path):
            target, _, inside = module.partition(".")
            if target in DOMAINS and target != app and inside.split(".")[0] not in DOORS:
                trespassers.append(f"{shown(path)}:{line} imports {module}; the doors are {', '.join(sorted(DOORS))}")
    assert not trespassers, "\n".join(trespassers)


def test_the_platform_knows_no_domain() -> None:
    """Only the composition root, operations and the demo may know what is built on the platform."""
    allowed = ("crm/urls.py", "crm/demo/", "crm/operations/")
    wrong = [
        f"{shown(path)}:{line} imports {module}"
        for path in python_files()
        if shown(path).startswith("crm/") and not shown(path).startswith(allowed)
        for module, line in imports_of(path)
        if module.split(".")[0] in DOMAINS
    ]
    assert not wrong, "\n".join(wrong)


def test_no_import_inside_a_function() -> None:
    """A hidden import hides a circle. ``apps.py`` may: its ``ready()`` runs before there are models."""
    found = []
    for path in python_files():
        if path.name == "apps.py":
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Import | ast.ImportFrom):
                        found.append(f"{shown(path)}:{inner.lineno}")
    wrong = sorted(set(found) - set(INSIDE))
    assert not wrong, "Move these imports to the top of the file:\n" + "\n".join(wrong)
    stale = sorted(set(INSIDE) - set(found))
    assert not stale, "No longer needed in the allow-list:\n" + "\n".join(stale)


def test_events_import_only_the_bus() -> None:
    wrong = [
        f"{shown(path)}:{line} imports {module}"
        for path in python_files()
        if path.name == "events.py"
        for module, line in imports_of(path)
        if module.split(".")[0] in {"crm", *DOMAINS} and module != "crm.activity.facts"
    ]
    assert not wrong, "Facts are ids and plain values:\n" + "\n".join(wrong)


def test_no_catch_all_packages() -> None:
    banned = {"common", "core", "utils", "helpers", "util", "misc"}
    wrong = [shown(p) for p in python_files(tests=True) if banned & {part.removesuffix(".py") for part in p.parts}]
    assert not wrong, "Name these by what they are for:\n" + "\n".join(wrong)
