"""Static files with a hash in their name, compressed and kept for a year."""

import re
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

_HASHED = re.compile(r"(^|/)chunks/[^/]+-[0-9A-Z]{8}\.js(\.map)?$")


class Storage(CompressedManifestStaticFilesStorage):
    """Adds hashes to our entry files; the bundler's chunks have theirs already and name each other."""

    manifest_strict = False
    support_js_module_import_aggregation = False

    def hashed_name(self, name: str, content: Any = None, filename: str | None = None) -> str:
        """Return the name with the hash of its content, unless the bundler put one there."""
        if _HASHED.search(name):
            return name
        found: str = super().hashed_name(name, content, filename)
        return found
