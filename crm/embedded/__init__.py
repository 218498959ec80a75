"""The embedded PostgreSQL and Valkey: where they live, and how the settings reach them.

``DATABASE_URL`` and ``REDIS_URL`` switch to servers of one's own; nothing else in the code knows the
difference.
"""

import hashlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from babel.core import get_global
from django.core.exceptions import ImproperlyConfigured

# A socket's address holds 107 bytes; the longest name in the folder is ".s.PGSQL.5432.lock".
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432.lock")

TLS_OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding")
"""Of a database URL: how its server is to prove who it is (libpq's words)."""
KNOWN_PASSWORDS = frozenset({"", "postgres", "password", "secret", "changeme", "rapport", "admin", "example"})
"""Passwords of a database server that everybody tries first."""


def local_secret(home: Path, production: bool) -> str:
    """Return the secret key kept in the home folder, made on first use; production must name its own."""
    if production:
        return ""
    file = home / "secret_key"
    if not file.is_file():
        home.mkdir(parents=True, exist_ok=True)
        made = home / f"secret_key.{os.getpid()}"
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(64), encoding="ascii")
        try:
            # Several processes may start at once: the first one's key stays.
            os.link(made, file)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return file.read_text(encoding="ascii").strip()


def socket_folder(home: Path) -> Path:
    """Return the folder of the embedded servers' sockets: in the home, or a short one where that is too long."""
    folder = home / "run"
    if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"rapport-{os.getuid()}-{digest}"


def database(url: str, home: Path) -> dict[str, Any]:
    """Return Django's database settings for a URL, or for the embedded server without one."""
    if not url:
        return {
            "ENGINE": "crm.lib.postgres",
            "NAME": "rapport",
            "USER": "postgres",
            "HOST": str(socket_folder(home)),
            "PORT": "5432",
            "OPTIONS": {},
        }
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(set(query) - {"host", *TLS_OPTIONS})
    if unknown:
        raise ImproperlyConfigured(f"DATABASE_URL: unknown option {unknown[0]}. Known: host, {', '.join(TLS_OPTIONS)}.")
    return {
        "ENGINE": "crm.lib.postgres",
        "NAME": unquote(parts.path.lstrip("/")) or "rapport",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host") or parts.hostname or "localhost",
        "PORT": str(parts.port or 5432),
        "OPTIONS": {name: query[name] for name in TLS_OPTIONS if name in query},
    }


def redis_url(home: Path) -> str:
    """Return the URL of the embedded Valkey; each parallel test process has a database of its own."""
    url = f"unix://{socket_folder(home)}/valkey.sock"
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    return f"{url}?db={int(worker) + 1}" if worker.isdigit() else url


def broker_url(url: str) -> str:
    """Return the URL as Celery spells it (it calls a socket ``redis+socket`` and its database ``virtual_host``)."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    query = dict(parse_qsl(parts.query))
    known = urlencode({"virtual_host": query["db"]}) if "db" in query else ""
    return f"redis+socket://{parts.path}{'?' + known if known else ''}"


def currencies() -> set[str]:
    """Return the ISO 4217 codes that Babel knows."""
    return set(get_global("all_currencies"))


def regions() -> set[str]:
    """Return the ISO 3166 codes of the countries that Babel knows."""
    return {code for code in get_global("territory_currencies") if len(code) == 2 and code != "ZZ"}
