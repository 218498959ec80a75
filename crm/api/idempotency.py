"""``Idempotency-Key``: the same POST, sent again, happens once and is answered as the first time.

The key's row is written in the transaction of the act itself: a second request with it waits for the first
one to end. Refusals and failures leave no row, since nothing happened; the key may be used again.
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.response import Response

from crm.api.models import IdempotencyKey
from crm.api.renderers import to_json
from crm.lib.errors import Conflict, Invalid
from crm.lib.ids import uuid7

KEPT_FOR = timedelta(hours=24)
HEADER = "Idempotency-Key"
_KEPT_HEADERS = ("Location", "ETag")
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")
_INSERT = """
INSERT INTO api_idempotencykey (id, user_id, key, fingerprint, body, headers)
VALUES (%s, %s, %s, %s, '', '{}') ON CONFLICT (user_id, key) DO NOTHING
"""


def once(request: Any, act: Callable[[], Response]) -> Response:
    """Return the answer of ``act``, or the kept answer of an earlier request with the same key.

    Runs inside the request's transaction.
    """
    key = request.META.get("HTTP_IDEMPOTENCY_KEY", "")
    if not _KEY.match(key):
        raise Invalid.field(HEADER, _("A key has 1 to 255 visible ASCII characters."))
    fingerprint = _fingerprint(request)
    IdempotencyKey.objects.filter(user=request.user, key=key, created_at__lt=timezone.now() - KEPT_FOR).delete()
    row_id = uuid7()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [row_id, request.user.pk, key, fingerprint])
        first = cursor.rowcount == 1
    if not first:
        return _replay(IdempotencyKey.objects.get(user=request.user, key=key), fingerprint)
    response = act()
    IdempotencyKey.objects.filter(pk=row_id).update(
        status=response.status_code,
        body="" if response.data is None else to_json(response.data).decode(),
        headers={name: response[name] for name in _KEPT_HEADERS if response.has_header(name)},
    )
    return response


def _replay(kept: IdempotencyKey, fingerprint: str) -> Response:
    if kept.fingerprint != fingerprint:
        message = _("This key was used for another request.")
        raise Conflict(message)
    headers = {**kept.headers, "Idempotent-Replayed": "true"}
    return Response(orjson.loads(kept.body) if kept.body else None, status=kept.status, headers=headers)


def _fingerprint(request: Any) -> str:
    """Return a hash of method, address and the body as it was understood (files by their content)."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path().rstrip('/')}\n".encode())
    data = request.data
    if hasattr(data, "lists"):
        for name, values in sorted(data.lists()):
            for value in values:
                digest.update(name.encode() + b"\x00")
                if hasattr(value, "chunks"):
                    digest.update(str(value.name).encode() + b"\x00")
                    for chunk in value.chunks():
                        digest.update(chunk)
                    value.seek(0)
                else:
                    digest.update(str(value).encode())
    else:
        digest.update(json.dumps(data, sort_keys=True).encode())
    return digest.hexdigest()


def forget_old_keys() -> int:
    """Delete the answers that are no longer kept; return how many."""
    return IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()[0]
