"""``python -m crm.operations.probe [URL] [PART …]``: whether a container is healthy, asked from inside it.

Without arguments: whether the web server of this container answers. With the address of a web server and the names of
parts (``worker:mail``, ``beat``): whether ``/health/ready`` has seen these parts at work. Needs no Django, so that it costs little.
"""

import json
import os
import sys
import urllib.error
import urllib.request

PATIENCE = 4


def main(arguments: list[str]) -> int:
    """Return 0 when all is well; 1 otherwise, having said what is not."""
    base, *parts = arguments or [f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"]
    path = "/health/ready" if parts else "/health/live"
    try:
        with urllib.request.urlopen(base + path, timeout=PATIENCE) as answer:  # noqa: S310
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        sys.stderr.write(f"{base}{path} answers {error.code}.\n")
        return 1
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{base}{path}: {error}\n")
        return 1
    away = [part for part in parts if part in found.get("degraded", [])]
    if away:
        sys.stderr.write(f"Not seen at work for a minute: {', '.join(away)}\n")
    return 1 if away else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
