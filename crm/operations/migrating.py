"""Migrations of large bases: no statement of theirs is cut off, however long it takes."""

from typing import Any

from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


def take_time(**kwargs: Any) -> None:
    """Let statements of this connection run to their end."""
    with connections[kwargs.get("using", "default")].cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")


def hurry_again(**kwargs: Any) -> None:
    """Give statements their limit back."""
    with connections[kwargs.get("using", "default")].cursor() as cursor:
        cursor.execute("RESET statement_timeout")


def watch_migrations() -> None:
    """Lift the limit of statements while migrations run."""
    pre_migrate.connect(take_time, dispatch_uid="crm.operations.migrating")
    post_migrate.connect(hurry_again, dispatch_uid="crm.operations.migrating")
