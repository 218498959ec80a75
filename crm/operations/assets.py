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


def collect() -> bool:
    """Collect and hash the static files if they changed; tell whether anything was done."""
    stamp = settings.STATIC_ROOT / ".collected"
    wanted = fingerprint()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
        return False
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(wanted, encoding="ascii")
    return True
