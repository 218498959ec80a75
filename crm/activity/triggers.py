"""Which tables are logged: every table of ours, unless its model says why not.

The triggers are put in place after every migration, so that a new table cannot be forgotten. A model may
say ``activity_skip = "the reason"`` (not logged), ``activity_never = ("column",)`` (a column that is not
logged) and ``activity_masked = ("column",)`` (logged without its value). Generated columns are never logged:
they follow from the others.

Each table has a function of its own with its columns written out: three times as fast as one that takes
every row apart as JSON (see README.md for the figures). Its plan is made once for a connection: PostgreSQL would make it anew
for the first five writes, each of which took four times as long as those after it.
"""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, models

MASKED = ("password", "token_hash", "secret")
SKIPPED_APPS = {"jobs": "their own rows are their history"}
SKIPPED_MODELS = {
    "activity.changeset": "the log's own",
    "activity.activitylog": "the log itself",
    "activity.delivery": "their state is their history",
    "accounts.refreshtoken": "written at every refresh; sign-ins are logged as accesses",
    "accounts.loginfailure": "a counter",
    "access.stamp": "a counter",
    "api.idempotencykey": "answers kept for a day, so that a repeated request gets the same one",
}


_names: dict[type[models.Model], str] = {}


def log_as(model: type[models.Model], name: str) -> None:
    """Have the changes of a model logged under this entity name instead of the model's."""
    _names[model] = name


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
            found[model] = _names.get(model, str(model._meta.model_name))
    return found


def _ours(name: str) -> bool:
    return name.split(".")[0] in settings.OUR_PACKAGES


def install(**kwargs: Any) -> None:
    """Create the function and the three triggers of every logged table (a receiver of ``post_migrate``)."""
    connection = connections[kwargs.get("using", "default")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regprocedure('rapport_change_set()') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return
        columns: dict[str, set[str]] = {}
        cursor.execute("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
        for table, column in cursor.fetchall():
            columns.setdefault(table, set()).add(column)
        # Two that migrate at once (or two test runs) wait for each other here.
        cursor.execute("SELECT pg_advisory_lock(hashtext('rapport_triggers'))")
        try:
            for model, name in logged_models().items():
                # While migrations run, a model may be ahead of its table.
                there = columns.get(model._meta.db_table)
                if there and all(f.column in there for f in model._meta.concrete_fields):
                    cursor.execute(_sql(model, name))
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('rapport_triggers'))")


def logged_columns(model: type[models.Model]) -> list[str]:
    """Return the columns whose values are logged (the masked ones too, without their values)."""
    never = getattr(model, "activity_never", ())
    return [f.column for f in model._meta.concrete_fields if not f.generated and f.column not in never]


def masked_columns(model: type[models.Model]) -> frozenset[str]:
    """Return the columns that are logged without their values."""
    return frozenset({*MASKED, *getattr(model, "activity_masked", ())})


def key_column(model: type[models.Model]) -> str:
    """Return the column that a row is logged under: its key, or the record that a row without a UUID belongs to."""
    if isinstance(model._meta.pk, models.UUIDField) or isinstance(_target(model._meta.pk), models.UUIDField):
        return str(model._meta.pk.column)
    return _owner_column(model)


_FUNCTION = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql
    SET timezone TO 'UTC' SET plan_cache_mode TO force_generic_plan AS $body$
DECLARE
    acting_user uuid; acting_ip inet; acting_agent text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT 1 FROM new_rows) THEN RETURN NULL; END IF;
    ELSIF NOT EXISTS (SELECT 1 FROM old_rows) THEN
        RETURN NULL;
    END IF;
    acting_user := nullif(current_setting('rapport.user', true), '')::uuid;
    acting_ip := nullif(current_setting('rapport.ip', true), '')::inet;
    acting_agent := coalesce(current_setting('rapport.agent', true), '');
    IF TG_OP = 'INSERT' THEN
        INSERT INTO activity_log (id, created_at, kind, action, entity, entity_id, table_name, changes,
                                  user_id, change_set_id, ip_address, user_agent)
        SELECT rapport_uuid7(), clock_timestamp(), 'change', 'created', '{entity}', {n_key}, TG_TABLE_NAME,
               ('{{' || concat_ws(',', {created}) || '}}')::jsonb, acting_user, (SELECT rapport_change_set()), acting_ip, acting_agent
          FROM new_rows n;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO activity_log (id, created_at, kind, action, entity, entity_id, table_name, changes,
                                  user_id, change_set_id, ip_address, user_agent)
        SELECT rapport_uuid7(), clock_timestamp(), 'change', 'removed', '{entity}', {o_key}, TG_TABLE_NAME,
               ('{{' || concat_ws(',', {removed}) || '}}')::jsonb, acting_user, (SELECT rapport_change_set()), acting_ip, acting_agent
          FROM old_rows o;
    ELSE
        INSERT INTO activity_log (id, created_at, kind, action, entity, entity_id, table_name, changes,
                                  user_id, change_set_id, ip_address, user_agent)
        SELECT rapport_uuid7(), clock_timestamp(), 'change', {action}, '{entity}', row_key, TG_TABLE_NAME,
               ('{{' || diff || beside || '}}')::jsonb, acting_user, (SELECT rapport_change_set()), acting_ip, acting_agent
          FROM (SELECT {n_key} AS row_key, {deleted_before} AS deleted_before, {deleted_after} AS deleted_after,
                       concat_ws(',', {changed}) AS diff, {beside} AS beside
                  FROM new_rows n JOIN old_rows o ON o.{pk} = n.{pk}) pairs
         WHERE diff <> '';
    END IF;
    RETURN NULL;
END $body$;
"""


def _sql(model: type[models.Model], name: str) -> str:
    table = model._meta.db_table
    columns, masked = logged_columns(model), masked_columns(model)
    pk, key = str(model._meta.pk.column), key_column(model)
    soft = "deleted_at" in columns
    beside = []
    if "updated_at" in columns:
        beside.append(_changed("updated_at", False))
    if pk != key:  # an update must say which row it was, and the key does not
        beside.append(f"'\"{pk}\":[' || to_json(o.\"{pk}\") || ',' || to_json(n.\"{pk}\") || ']'")
    function = f"rapport_log_{table}"[:63]
    made = [
        _FUNCTION.format(
            function=f'"{function}"', entity=name, pk=f'"{pk}"', n_key=f'n."{key}"', o_key=f'o."{key}"',
            created=", ".join(_created(c, c in masked) for c in columns),
            removed=", ".join(_removed(c, c in masked) for c in columns),
            changed=", ".join(_changed(c, c in masked) for c in columns if c != "updated_at"),
            beside=f"coalesce(',' || nullif(concat_ws(',', {', '.join(beside)}), ''), '')" if beside else "''",
            deleted_before="o.deleted_at" if soft else "NULL", deleted_after="n.deleted_at" if soft else "NULL",
            action="CASE WHEN deleted_before IS NULL AND deleted_after IS NOT NULL THEN 'deleted' "
            "WHEN deleted_before IS NOT NULL AND deleted_after IS NULL THEN 'restored' ELSE 'updated' END"
            if soft else "'updated'",
        )
    ]
    for operation, tables in (
        ("INSERT", "NEW TABLE AS new_rows"),
        ("UPDATE", "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
        ("DELETE", "OLD TABLE AS old_rows"),
    ):
        made.append(
            f'CREATE OR REPLACE TRIGGER "rapport_log_{operation.lower()}" AFTER {operation} ON "{table}" '
            f'REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION "{function}"();'
        )
    return "\n".join(made)


def _created(column: str, masked: bool) -> str:
    value = "'\"•••\"'" if masked else f'to_json(n."{column}")'
    return f"CASE WHEN n.\"{column}\" IS NOT NULL THEN '\"{column}\":[null,' || {value} || ']' END"


def _removed(column: str, masked: bool) -> str:
    value = "'\"•••\"'" if masked else f'to_json(o."{column}")'
    return f"CASE WHEN o.\"{column}\" IS NOT NULL THEN '\"{column}\":[' || {value} || ',null]' END"


def _changed(column: str, masked: bool) -> str:
    if masked:
        pair = f"'\"{column}\":[\"•••\",\"•••\"]'"
    else:
        before, after = (f"coalesce(to_json({t}.\"{column}\")::text, 'null')" for t in "on")
        pair = f"'\"{column}\":[' || {before} || ',' || {after} || ']'"
    return f'CASE WHEN n."{column}" IS DISTINCT FROM o."{column}" THEN {pair} END'


def _target(field: Any) -> Any:
    return field.target_field if isinstance(field, models.ForeignKey) else field


def _owner_column(model: type[models.Model]) -> str:
    for f in model._meta.fields:
        if isinstance(f, models.ForeignKey) and isinstance(f.target_field, models.UUIDField):
            return str(f.column)
    raise ImproperlyConfigured(
        f"{model._meta.label} has neither a UUID key nor a link to a record: say activity_skip and why."
    )
