"""Two sprites of the Lucide icons that templates and Python files name: those that are shown often, and the others."""

import ast
import re
import zipfile
from collections.abc import Iterable, Set
from pathlib import Path

import lucide

from crm.ui.marks import OFTEN

_WORD = re.compile(r"""['"]([a-z][a-z0-9]*(?:-[a-z0-9]+)*)['"]""")
_DRAWING = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_SKIPPED = {".venv", "node_modules", "migrations", "tests", "locale"}


def sprites(root: Path, packages: Iterable[str]) -> dict[str, str]:
    """Return the sprites by the names of their files: a ``<symbol>`` for every icon whose name stands in quotes somewhere."""
    with zipfile.ZipFile(next(Path(lucide.__file__).parent.glob("*.zip"))) as archive:
        drawn = {Path(n).stem: n for n in archive.namelist() if n.endswith(".svg")}
        used = (_words(root, packages) | OFTEN) & drawn.keys()
        symbols = {name: _symbol(name, archive.read(drawn[name]).decode()) for name in sorted(used)}
    return {"icons.svg": _sprite(symbols, used & OFTEN), "icons-more.svg": _sprite(symbols, used - OFTEN)}


def _sprite(symbols: dict[str, str], names: Set[str]) -> str:
    return '<svg xmlns="http://www.w3.org/2000/svg">' + "".join(s for name, s in symbols.items() if name in names) + "</svg>\n"


def _symbol(name: str, svg: str) -> str:
    found = _DRAWING.search(svg)
    body = re.sub(r"\s+", " ", found.group(1)).strip() if found else ""
    return f'<symbol id="{name}" viewBox="0 0 24 24">{body.replace(" />", "/>").replace("> <", "><")}</symbol>'


def sources(root: Path, packages: Iterable[str]) -> list[Path]:
    """Return the files that may name an icon, in a stable order."""
    found = [*(root / "templates").rglob("*.html"), *(root / "static" / "src" / "js").rglob("*.js")]
    for package in packages:
        found += [p for p in (root / package).rglob("*") if p.suffix in {".py", ".html"}]
    return sorted(p for p in found if not _SKIPPED & set(p.relative_to(root).parts))


def _words(root: Path, packages: Iterable[str]) -> set[str]:
    words: set[str] = set()
    for file in sources(root, packages):
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".py":
            words |= {
                n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant) and isinstance(n.value, str)
            }
        else:
            words |= set(_WORD.findall(text))
    return words
