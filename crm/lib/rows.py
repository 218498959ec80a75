"""One row written with a statement that is kept: what ``save()`` does, without working it out anew each time.

Signals are not sent: nothing of ours listens to them (``tests/guards``).
"""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, models

from crm.lib.prepared import prepared_cursor

_statements: dict[tuple[Any, ...], str] = {}


def insert_row(obj: models.Model) -> None:
    """Insert a new row, and take over what the database computed."""
    fields = [f for f in obj._meta.local_concrete_fields if not f.generated]
    values = _values(obj, fields, adding=True)
    returned = obj._meta.db_returning_fields
    if values is None or obj.pk is None:
        obj.save(force_insert=True)
        return
    sql = _statements.get((type(obj),))
    if sql is None:
        columns = ", ".join(_quoted(f.column) for f in fields)
        sql = f"INSERT INTO {_quoted(obj._meta.db_table)} ({columns}) VALUES ({', '.join(['%s'] * len(fields))})"
        if returned:
            sql += f" RETURNING {', '.join(_quoted(f.column) for f in returned)}"
        _statements[type(obj),] = sql
    with prepared_cursor() as cursor:
        cursor.execute(sql, values)
        row = cursor.fetchone() if returned else ()
    for f, value in zip(returned, row, strict=True):
        setattr(obj, f.attname, value)
    obj._state.adding, obj._state.db = False, DEFAULT_DB_ALIAS


def update_row(obj: models.Model, names: set[str]) -> None:
    """Write these fields of a row that is there."""
    ordered = sorted(names)
    key = (type(obj), *ordered)
    fields: list[Any] = [obj._meta.get_field(name) for name in ordered]
    values = _values(obj, fields, adding=False)
    if values is None:
        obj.save(update_fields=names)
        return
    sql = _statements.get(key)
    if sql is None:
        pairs = ", ".join(f"{_quoted(f.column)} = %s" for f in fields)
        pk = obj._meta.pk
        sql = f"UPDATE {_quoted(obj._meta.db_table)} SET {pairs} WHERE {_quoted(pk.column)} = %s"
        _statements[key] = sql
    with prepared_cursor() as cursor:
        cursor.execute(sql, [*values, obj.pk])
        if not cursor.rowcount:
            raise DatabaseError("The row is not there any more.")


def _values(obj: models.Model, fields: list[Any], *, adding: bool) -> list[Any] | None:
    """Return the values as the database takes them; None where one is an expression."""
    values = [f.get_db_prep_save(f.pre_save(obj, adding), connection=connection) for f in fields]
    return None if any(hasattr(value, "resolve_expression") for value in values) else values


def _quoted(name: str | None) -> str:
    return str(connection.ops.quote_name(str(name)))
