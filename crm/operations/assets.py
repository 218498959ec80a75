"""Collecting the static files, only when one of them changed."""

import hashlib

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command


def fingerprint() -> str:
    """Return what identifies the present static files: their names, sizes and times."""
    digest = hashlib.sha256(str(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = storage.path(path)
            try:
                about = storage.size(path), storage.get_modified_time(path).timestamp()
            except OSError:
                continue
            digest.update(f"{found}|{about}".encode())
    return digest.hexdigest()


def are_collected() -> bool:
    """Tell whether the collected files are those of now."""
    stamp = settings.STATIC_ROOT / ".collected"
    return stamp.is_file() and stamp.read_text(encoding="ascii") == fingerprint()


def collect() -> bool:
    """Collect and hash the static files if they changed; tell whether anything was done."""
    if are_collected():
        return False
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    (settings.STATIC_ROOT / ".collected").write_text(fingerprint(), encoding="ascii")
    return True
