"""Entity tags: what was read, and refusing a write to what has changed since."""

import hashlib
import re
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.api.renderers import to_json
from crm.lib.errors import Outdated
from crm.records.services import update_record

_TAG = re.compile(r'^(?:W/)?"(\d+)-[0-9a-f]+"$')


def tag_of(version: int | None, shown: Any) -> str:
    """Return the entity tag of a record as it is shown: its version, and a hash of the rest."""
    digest = hashlib.sha256(to_json(shown)).hexdigest()[:20]
    return f'"{version or 0}-{digest}"'


def check_match(request: Any, obj: Any, data: dict[str, Any], actor: Any) -> int | None:
    """Refuse with both versions unless ``If-Match`` names the record's version; return that version.

    Without the header nothing is refused. The record is locked, so that nobody comes in between.
    """
    header = request.META.get("HTTP_IF_MATCH", "").strip()
    if not header or header == "*":
        return None
    model = type(obj)
    current = model._default_manager.select_for_update(of=("self",)).filter(pk=obj.pk).first()
    versions = [int(m.group(1)) for m in (_TAG.match(t.strip()) for t in header.split(",")) if m and len(m.group(1)) < 10]
    now = getattr(current, "version", 0) if current is not None else None
    if now in versions:
        return now or None
    if data and versions:
        # Contested fields are refused with both values …
        with transaction.atomic():
            sid = transaction.savepoint()
            update_record(obj=obj, data=data, actor=actor, version=max(versions))
            transaction.savepoint_rollback(sid)
    # … and whatever else changed is enough too.
    raise Outdated(_("Someone changed this in the meantime."), extra={"version": now})
