"""Typed readers of the environment. A wrong value is refused by its name before anything starts."""

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def load_dotenv(path: Path) -> None:
    """Read ``KEY=value`` lines of a ``.env`` file; the real environment wins."""
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.removeprefix("export ").partition("=")
        if not equals:
            raise ImproperlyConfigured(f"{path.name}, line {number}: expected NAME=value.")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        os.environ.setdefault(name.strip(), value)


def text(name: str, default: str = "") -> str:
    """Return the variable as it is."""
    return os.environ.get(name, default).strip() or default


def secret(name: str, default: str = "") -> str:
    """Return a secret from the variable, or from the file that ``NAME_FILE`` names."""
    file = os.environ.get(f"{name}_FILE")
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: cannot read {file}: {error.strerror}.") from None
    return text(name, default)


def flag(name: str, default: bool = False) -> bool:
    """Return a yes or no (1/0, true/false, yes/no, on/off)."""
    value = text(name).lower()
    if not value:
        return default
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name}: “{value}” is neither true nor false.")


def number(name: str, default: int, *, least: int | None = None, most: int | None = None) -> int:
    """Return a whole number within limits."""
    value = text(name)
    try:
        found = int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name}: “{value}” is not a whole number.") from None
    if (least is not None and found < least) or (most is not None and found > most):
        raise ImproperlyConfigured(f"{name}: {found} is not between {least} and {most}.")
    return found


def words(name: str, default: Iterable[str] = ()) -> list[str]:
    """Return a list separated by commas."""
    value = text(name)
    return [w.strip() for w in value.split(",") if w.strip()] if value else list(default)


def one_of(name: str, default: str, allowed: Iterable[str]) -> str:
    """Return one of the allowed words."""
    value = text(name, default)
    options = list(allowed)
    if value not in options:
        raise ImproperlyConfigured(f"{name}: “{value}” is not one of {', '.join(options)}.")
    return value


def path(name: str, default: Path) -> Path:
    """Return an absolute path."""
    value = text(name)
    return Path(value).expanduser().resolve() if value else default


def url(name: str, default: str, schemes: Iterable[str]) -> str:
    """Return a URL with one of the schemes."""
    value = secret(name, default)
    if value and urlsplit(value).scheme not in set(schemes):
        raise ImproperlyConfigured(f"{name}: expected a URL that starts with {' or '.join(f'{s}://' for s in schemes)}.")
    return value
