"""What the guards read: the tracked files and their imports."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOMAINS = ("customers", "sales", "tasks", "communications", "analytics", "integrations")
OURS = ("crm", *DOMAINS)


@cache
def tracked() -> tuple[str, ...]:
    """Return the files of the tree, as git knows them (all files where there is no git)."""
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 0:
        return tuple(name for name in done.stdout.splitlines() if (ROOT / name).is_file())
    skipped = {".venv", "var", "node_modules", ".git", "__pycache__", "dist"}
    return tuple(
        str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file() and not skipped & set(p.relative_to(ROOT).parts)
    )


def python_files(*, tests: bool = False, migrations: bool = False) -> Iterator[Path]:
    """Yield our Python files."""
    for name in tracked():
        parts = Path(name).parts
        if not name.endswith(".py") or parts[0] not in OURS:
            continue
        if not tests and ({"tests", "testing"} & set(parts)):
            continue
        if not migrations and "migrations" in parts:
            continue
        yield ROOT / name


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every module that a file imports, with its line."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno


def shown(path: Path) -> str:
    """Return a path as people write it."""
    return str(path.relative_to(ROOT))
