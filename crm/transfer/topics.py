"""Who may hear how far an import or an export is."""

import uuid
from typing import Any

from crm.jobs.models import Job
from crm.realtime.topics import topic
from crm.transfer.models import ImportRun


@topic("import")
def an_import(user: Any, parts: list[str], data: dict[str, Any] | None) -> bool:
    """``import:<id>``: whoever brought the file, and administrators."""
    pk = _id(parts)
    runs = ImportRun.objects.filter(pk=pk)
    return pk is not None and (runs if user.is_admin else runs.filter(user=user)).exists()


@topic("export")
def an_export(user: Any, parts: list[str], data: dict[str, Any] | None) -> bool:
    """``export:<id>``: whoever asked for it."""
    pk = _id(parts)
    return pk is not None and Job.objects.filter(pk=pk, user=user, kind="transfer.export").exists()


def _id(parts: list[str]) -> uuid.UUID | None:
    try:
        return uuid.UUID(parts[0]) if len(parts) == 1 else None
    except ValueError:
        return None
