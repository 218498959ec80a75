"""The two tables of a run: the rows of the file, and what was decided for each. Both are filled by COPY."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import orjson
from django.db import connection
from django.db.models.expressions import RawSQL
from psycopg import sql

from crm.activity.intention import tell_database
from crm.transfer.models import ImportRun
from crm.transfer.readers import Row, Source

CHUNK = 2_000
STAGED_AT_ONCE = 20_000


def copy_text(value: Any) -> str:
    """Return a value as a field of COPY's text format."""
    if value is None:
        return "\\N"
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, dict | list):
        value = orjson.dumps(value, default=str).decode()
    elif not isinstance(value, str):
        return str(value)
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if "\t" in value or "\n" in value or "\r" in value:
        value = value.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return value


def copy_rows(table: str, columns: list[str], rows: Iterable[Iterable[Any]]) -> int:
    """Load rows into a table by COPY; return how many."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(c) for c in columns)
    )
    count, held = 0, []
    tell_database()  # COPY goes past the cursors that would
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.cursor.copy(statement) as copy:  # type: ignore[attr-defined]
        for row in rows:
            held.append("\t".join(map(copy_text, row)))
            count += 1
            if len(held) >= 500:
                copy.write(("\n".join(held) + "\n").encode())
                held.clear()
        if held:
            copy.write(("\n".join(held) + "\n").encode())
    return count


def any_of(ids: Iterable[Any]) -> RawSQL:
    """Return what ``pk__in`` takes: one array instead of thousands of parameters, which take long to send and parse."""
    return RawSQL("SELECT unnest(%s::uuid[])", [list(ids)])


def create_staging(run: ImportRun) -> None:
    """Make the empty table of the file's rows."""
    _execute(
        "DROP TABLE IF EXISTS {t}; CREATE TABLE {t} (number bigint PRIMARY KEY, cells text NOT NULL, problem text)",
        run.staging_table,
    )


def create_plan(run: ImportRun) -> None:
    """Make the empty table of decisions."""
    _execute(
        "DROP TABLE IF EXISTS {t}; CREATE TABLE {t} (number bigint NOT NULL, part smallint NOT NULL, entity text NOT NULL, "
        "action text NOT NULL, target uuid, state text, extra text, errors text, PRIMARY KEY (number, part))",
        run.plan_table,
    )


def drop_tables(run: ImportRun) -> None:
    """Remove both tables; nothing is left of a closed run but its row."""
    for table in (run.staging_table, run.plan_table):
        _execute("DROP TABLE IF EXISTS {t}", table)


def tables_exist(run: ImportRun) -> tuple[bool, bool]:
    """Tell whether the rows and the plan are there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL, to_regclass(%s) IS NOT NULL", [run.staging_table, run.plan_table])
        rows, plan = cursor.fetchone()
    return bool(rows), bool(plan)


def stage(run: ImportRun, source: Source, counted: Any) -> dict[str, Any]:
    """Copy the file into its table; return the rows, by column how many cells are filled and some samples, and the widest row."""
    width = widest = len(source.headers)
    filled = [0] * width
    samples: list[list[str]] = [[] for _h in source.headers]
    total = 0

    def lines() -> Iterator[tuple[int, str, str | None]]:
        nonlocal total, widest
        for row in source.rows():
            total += 1
            cells = row.cells
            if len(cells) > width:
                widest, cells = max(widest, len(cells)), cells[:width]
            for index, cell in enumerate(cells):
                if cell and not cell.isspace():
                    filled[index] += 1
                    if len(samples[index]) < 50 and len(cell) < 300:
                        samples[index].append(cell)
            if total % 10_000 == 0:
                counted(total)
            yield row.number, orjson.dumps(row.cells).decode(), row.problem or None

    create_staging(run)
    rows = lines()
    # Piece by piece: each is a statement of its own, far below the limit on a statement's time.
    while copy_rows(run.staging_table, ["number", "cells", "problem"], islice(rows, STAGED_AT_ONCE)):
        pass
    columns = [{"filled": filled[i], "samples": list(dict.fromkeys(samples[i]))[:8]} for i in range(width)]
    return {"rows": total, "columns": columns, "widest": widest}


def staged_chunks(run: ImportRun, size: int = CHUNK, after: int = -1) -> Iterator[list[Row]]:
    """Yield the rows of the file in their order, some at a time."""
    statement = sql.SQL("SELECT number, cells, problem FROM {} WHERE number > %s ORDER BY number LIMIT %s").format(
        sql.Identifier(run.staging_table)
    )
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, [after, size])  # type: ignore[arg-type]
            found = cursor.fetchall()
        if not found:
            return
        yield [Row(n, orjson.loads(cells), problem or "") for n, cells, problem in found]
        after = found[-1][0]


def plan_rows(run: ImportRun, numbers: list[int]) -> list[tuple[Any, ...]]:
    """Return the main decisions (part 0) of the given rows."""
    return query(
        "SELECT number, action, target, state, extra FROM {t} WHERE number = ANY(%s) AND part = 0 ORDER BY number",
        run.plan_table, [numbers],
    )


def query(template: str, table: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    """Return the rows of a query on one of the run's tables, named ``{t}``."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(template).format(t=sql.Identifier(table)), parameters or [])  # type: ignore[arg-type]
        return list(cursor.fetchall())


def _execute(template: str, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(template).format(t=sql.Identifier(table)))  # type: ignore[arg-type]
