"""The embedded PostgreSQL and Valkey: where they live, and how the settings reach them.

``DATABASE_URL`` and ``REDIS_URL`` switch to servers of one's own; nothing else in the code knows the
difference.
"""

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from babel.core import get_global


def local_secret(home: Path, production: bool) -> str:
    """Return the secret key kept in the home folder, made on first use; production must name its own."""
    if production:
        return ""
    file = home / "secret_key"
    if not file.is_file():
        home.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(64), encoding="ascii")
    return file.read_text(encoding="ascii").strip()


def socket_folder(home: Path) -> Path:
    """Return the folder of the embedded servers' sockets."""
    return home / "run"


def database(url: str, home: Path) -> dict[str, Any]:
    """Return Django's database settings for a URL, or for the embedded server without one."""
    if not url:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "rapport",
            "USER": "postgres",
            "HOST": str(socket_folder(home)),
            "PORT": "5432",
        }
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "rapport",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host") or parts.hostname or "localhost",
        "PORT": str(parts.port or 5432),
    }


def redis_url(home: Path) -> str:
    """Return the URL of the embedded Valkey."""
    return f"unix://{socket_folder(home)}/valkey.sock"


def currencies() -> set[str]:
    """Return the ISO 4217 codes that Babel knows."""
    return set(get_global("all_currencies"))
