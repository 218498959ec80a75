"""Which tables are logged: every table of ours, unless its model says why not.

The triggers are put in place after every migration, so that a new table cannot be forgotten. A model may
say ``activity_skip = "the reason"`` (not logged), ``activity_never = ("column",)`` (a column that is not
logged) and ``activity_masked = ("column",)`` (logged without its value).
"""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections, models

ALWAYS_NEVER = ("search_text", "sort_key", "rank")
MASKED = ("password", "token_hash", "secret")
SKIPPED_APPS = {"jobs": "their own rows are their history"}
SKIPPED_MODELS = {
    "activity.changeset": "the log's own",
    "activity.activitylog": "the log itself",
    "activity.delivery": "their state is their history",
    "accounts.refreshtoken": "written at every refresh; sign-ins are logged as accesses",
    "accounts.loginfailure": "a counter",
    "access.stamp": "a counter",
}


def logged_models() -> dict[type[models.Model], str]:
    """Return the models whose changes are logged, each with the entity name it is logged under."""
    found: dict[type[models.Model], str] = {}
    for config in apps.get_app_configs():
        if not _ours(config.name) or config.label in SKIPPED_APPS:
            continue
        for model in config.get_models(include_auto_created=True):
            if not model._meta.managed or model._meta.proxy or model._meta.label_lower in SKIPPED_MODELS:
                continue
            if getattr(model, "activity_skip", ""):
                continue
            found[model] = str(model._meta.model_name)
    return found


def _ours(name: str) -> bool:
    return name.split(".")[0] in settings.OUR_PACKAGES


def install(**kwargs: Any) -> None:
    """Create the three triggers of every logged table (a receiver of ``post_migrate``)."""
    connection = connections[kwargs.get("using", "default")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('rapport_log()') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return
        tables = set(connection.introspection.table_names(cursor))
        for model, name in logged_models().items():
            if model._meta.db_table in tables:
                cursor.execute(_sql(model, name))


def _sql(model: type[models.Model], name: str) -> str:
    table = model._meta.db_table
    never = [*ALWAYS_NEVER, *getattr(model, "activity_never", ())]
    masked = [*MASKED, *getattr(model, "activity_masked", ())]
    # A table without a UUID key of its own (many-to-many) is logged under the record that it belongs to.
    key = model._meta.pk.column if isinstance(model._meta.pk, models.UUIDField) else _owner_column(model)
    arguments = ", ".join(f"'{a}'" for a in (name, key, ",".join(never), ",".join(masked)))
    made = []
    for operation, tables in (
        ("INSERT", "NEW TABLE AS new_rows"),
        ("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
        ("DELETE", "OLD TABLE AS old_rows"),
    ):
        trigger = f"rapport_log_{operation.lower()}"
        made.append(
            f'CREATE OR REPLACE TRIGGER "{trigger}" AFTER {operation} ON "{table}" REFERENCING {tables} '
            f"FOR EACH STATEMENT EXECUTE FUNCTION rapport_log({arguments});"
        )
    return "\n".join(made)


def _owner_column(model: type[models.Model]) -> str:
    for f in model._meta.fields:
        if isinstance(f, models.ForeignKey) and isinstance(f.target_field, models.UUIDField):
            return str(f.column)
    return str(model._meta.pk.column)
