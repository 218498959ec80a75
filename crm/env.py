"""Typed readers of the environment. A wrong value is refused by its name before anything starts."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_LINE = re.compile(
    r"""(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*
    (?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<plain>[^"'\s#].*?|))
    (?:\s+\#.*)?""",
    re.VERBOSE,
)
_HOST = re.compile(r"\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]|\*")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9*._-]+(:\d{1,5})?|https?://\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def load_dotenv(path: Path) -> None:
    """Read ``NAME=value`` lines of a ``.env`` file as Docker Compose does; the real environment wins."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{path.name} is not UTF-8 text.") from None
    except OSError as error:
        raise ImproperlyConfigured(f"{path.name} cannot be read: {error.strerror}.") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ImproperlyConfigured(f"{path.name}, line {number}: expected NAME=value.")
        found[match["name"]] = next((match[k] for k in ("double", "single", "plain") if match[k] is not None), "")
    for name, value in found.items():
        os.environ.setdefault(name, value)


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
        except UnicodeDecodeError:
            raise ImproperlyConfigured(f"{name}_FILE: {file} is not UTF-8 text.") from None
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


def hosts(name: str, default: Iterable[str] = ()) -> list[str]:
    """Return host names separated by commas, as ``ALLOWED_HOSTS`` wants them: without scheme and port."""
    found = words(name, default)
    for host in found:
        if not _HOST.fullmatch(host):
            raise ImproperlyConfigured(f"{name}: “{host}” is not a host name (without https:// and without a port).")
    return found


def origins(name: str, default: Iterable[str] = ()) -> list[str]:
    """Return origins separated by commas: scheme, host, and a port if it is not the usual one."""
    found = words(name, default)
    for origin in found:
        if not _ORIGIN.fullmatch(origin):
            raise ImproperlyConfigured(f"{name}: “{origin}” is not like https://crm.example.com.")
    return found


def url(name: str, default: str, schemes: Iterable[str]) -> str:
    """Return a URL with one of the schemes."""
    value = secret(name, default)
    if not value:
        return value
    try:
        parts = urlsplit(value)
        _port = parts.port
    except ValueError:
        raise ImproperlyConfigured(
            f"{name}: this is not a URL. In a password, write / as %2F, ? as %3F, # as %23, @ as %40 and % as %25."
        ) from None
    if parts.scheme not in set(schemes):
        raise ImproperlyConfigured(f"{name}: expected a URL that starts with {' or '.join(f'{s}://' for s in schemes)}.")
    return value
