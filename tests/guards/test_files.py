"""Files stay short, say what they are for, and carry nothing of the machine they were written on."""

import ast
import re

from tests.guards.tree import ROOT, parsed, python_files, shown, tracked

LONGEST, LONGEST_TEST = 400, 600
LONG_FOR_A_REASON = {
    "crm/settings.py": "read from top to bottom in one go (design B22)",
}
TEXT = {".py", ".html", ".md", ".toml", ".yml", ".yaml", ".json", ".js", ".mjs", ".css", ".txt", ".lock", ".sh", ".cfg", ".env", ""}


def test_files_are_short() -> None:
    long = []
    for path in python_files(tests=True):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        most = LONGEST_TEST if "tests" in path.parts or "testing" in path.parts else LONGEST
        if lines > most and shown(path) not in LONG_FOR_A_REASON:
            long.append(f"{shown(path)}: {lines} lines (at most {most}); split it by noun")
    assert not long, "\n".join(long)


def test_modules_say_what_they_are_for() -> None:
    silent = [
        shown(path)
        for path in python_files()
        if path.name not in ("__init__.py", "apps.py") and parsed(path).body and not ast.get_docstring(parsed(path))
    ]
    assert not silent, "Begin these with one sentence:\n" + "\n".join(silent)


def test_public_functions_say_what_they_do() -> None:
    silent = []
    for path in python_files():
        if path.name == "apps.py":
            continue
        for node in parsed(path).body:
            if (
                isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
                and not node.name.startswith("_")
                and not ast.get_docstring(node)
                and not any(isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list)
            ):
                silent.append(f"{shown(path)}:{node.lineno} {node.name}")
    assert not silent, "One plain sentence each:\n" + "\n".join(silent)


def test_nothing_names_this_machine_or_a_registry() -> None:
    """A tree that was checked out elsewhere must work: no absolute paths of a home, no package hosts."""
    home = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/[\w.-]+")
    # Spelled in two halves, so that this file does not name them either.
    hosts = (("py", "pi.org"), ("python", "hosted.org"), ("npm", "js.org"), ("yarn", "pkg.com"), ("un", "pkg.com"), ("js", "delivr.net"))
    registry = re.compile("|".join(re.escape(a + b) for a, b in hosts))
    wrong = []
    for name in tracked():
        path = ROOT / name
        if path.suffix not in TEXT or path.stat().st_size > 2_000_000:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            found = home.search(line) or registry.search(line)
            if found:
                wrong.append(f"{name}:{number} {found.group()}")
    assert not wrong, "\n".join(wrong[:40])


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"#\s*(TODO|FIXME|XXX|HACK)\b")
    wrong = [
        f"{shown(path)}:{number}"
        for path in python_files(tests=True)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if words.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_package_has_a_readme() -> None:
    packages = {
        "/".join(p.relative_to(ROOT).parts[: 2 if p.relative_to(ROOT).parts[0] == "crm" else 1])
        for p in python_files()
        if len(p.relative_to(ROOT).parts) > (2 if p.relative_to(ROOT).parts[0] == "crm" else 1)
    }
    missing = sorted(p for p in packages if not (ROOT / p / "README.md").is_file())
    assert not missing, "These packages have no README.md: " + ", ".join(missing)
