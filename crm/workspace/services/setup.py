"""Reference data after every migration: roles, pipeline, kinds of interactions, the workspace itself.

It hangs on ``post_migrate`` of the last app rather than in a data migration, so that a test database that was
flushed has it again, and so that a later version can add a row without a migration.
"""

from typing import Any

from django.db import connections, transaction
from django.utils import translation

from crm.activity.intention import intend
from crm.records.reference import all_reference_data
from crm.workspace.models import Workspace


def ensure_reference_data() -> None:
    """Make what is missing of every app's reference data. Running it again changes nothing."""
    with intend(source="system", label="Reference data"), transaction.atomic(), translation.override("en"):
        for make in all_reference_data():
            make()


def after_migrate(**kwargs: Any) -> None:
    """Run once the last app is migrated, if the tables are there (they are not while migrating backwards)."""
    connection = connections[kwargs.get("using", "default")]
    plan = kwargs.get("plan") or []
    if any(backwards for _migration, backwards in plan):
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [Workspace._meta.db_table])
        if cursor.fetchone()[0] is None:
            return
    ensure_reference_data()
