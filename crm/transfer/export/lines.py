"""Rows as lines of text, put together by the database: a tenth of the work that it is here.

The statement of an export becomes the inner one, and around it stands one expression that writes a row: each column by its
type, texts guarded and quoted as ``crm.transfer.export.writers`` does. What has a type that is not known here is left to
the writers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

from crm.transfer.export.rows import CHUNK, Exported
from crm.transfer.formulas import BEFORE, STARTS

Cell = Callable[[str], str]


@dataclass(frozen=True)
class Form:
    """How a form of file writes a row: a cell of each type, and the cells together."""

    text: Cell
    plain: Cell
    """What is certainly no formula: a key, a day, a moment."""
    number: Cell
    truth: Cell
    json: Cell
    """Whatever a JSON column holds, lists of texts as one text."""
    row: Callable[[list[str]], str]
    """A row made of its cells."""
    finish: Callable[[list[str]], list[str]]
    """What is left to do with rows here."""


def lines_of(exported: Exported, form: Form) -> Iterator[list[str]] | None:
    """Yield the rows as lines, by the chunk; None where the database cannot write them."""
    raw = exported.raw()
    if raw is None:
        return None
    queryset, sql, params = raw
    types = types_of(queryset)
    cells = []
    for _header, name, what in exported.columns:
        if what == "custom":
            cells.append(form.json(f"(t.custom -> {literal(name)})"))
            continue
        alias = exported.alias(name, what)
        cell = _cell(form, f't."{alias}"', types.get(alias))
        if cell is None:
            return None
        cells.append(cell)
    lines = read_lines(exported, f"SELECT {form.row(cells).replace('%', '%%')} FROM ({sql}) AS t", params)
    return map(form.finish, lines)


def types_of(queryset: models.QuerySet[models.Model]) -> dict[str, models.Field]:
    """Return the types of what a statement selects, by its names."""
    compiler = queryset.query.get_compiler(connection=connection)
    compiler.pre_sql_setup()
    return {alias: expression.output_field for expression, _sql, alias in compiler.select}


def read_lines(exported: Exported, sql: str, params: tuple[object, ...]) -> Iterator[list[str]]:
    """Yield the texts that a statement gives, by the chunk, through a cursor of the server."""
    connection.ensure_connection()
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, params)
        count = 0
        while rows := cursor.fetchmany(CHUNK):
            yield [line for (line,) in rows]
            count += len(rows)
            exported.told(count)


def _cell(form: Form, column: str, kind: models.Field | None) -> str | None:
    """Return the expression of a cell by the type of its column; None for a type that is not known."""
    if isinstance(kind, ArrayField):
        return form.text(f"array_to_string({column}, '; ')")
    if isinstance(kind, models.DateTimeField):  # a date too, to Django
        return form.plain(moment(column))
    if isinstance(kind, models.JSONField):
        return form.json(column)
    if isinstance(kind, models.BooleanField):
        return form.truth(column)
    if isinstance(kind, models.IntegerField | models.DecimalField | models.FloatField):
        return form.number(column)
    if isinstance(kind, models.UUIDField | models.DateField | models.ForeignKey):
        return form.plain(column)
    if isinstance(kind, models.CharField | models.TextField):
        return form.text(column)
    return None


def moment(column: str) -> str:
    """Return the expression of a moment in UTC, which is the zone of the connection."""
    return f"replace(to_char({column}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), '.000000Z', 'Z')"


def literal(text: str) -> str:
    """Return a text as a constant of SQL, whatever it holds."""
    escaped = "".join(c if c.isalnum() and c.isascii() else f"\\{ord(c):04x}" if ord(c) < 0x10000 else f"\\+{ord(c):06x}" for c in text)
    return f"U&'{escaped}'"


_APOSTROPHE, _NO_CELL = literal("'"), literal("<c/>")
_EMPTY, _NULL = literal("{}"), literal("null")


def _flat_json(text: Cell, other: Cell) -> Cell:
    """Return what writes a value of JSON: a list of plain values as one text, an empty thing as nothing."""

    def write(value: str) -> str:
        items = f"(SELECT string_agg(item, '; ' ORDER BY place) FROM jsonb_array_elements_text({value}) WITH ORDINALITY AS i(item, place))"
        plain = f"NOT jsonb_path_exists({value}, '$[*] ? (@.type() == \"object\" || @.type() == \"array\")')"
        return (
            f"CASE jsonb_typeof({value}) WHEN 'string' THEN {text(f'({value} #>> ARRAY[]::text[])')}"
            f" WHEN 'array' THEN CASE WHEN {plain} THEN {text(items)} ELSE {other(f'{value}::text')} END"
            f" WHEN 'object' THEN {other(f'nullif({value}::text, {_EMPTY})')}"
            f" ELSE {other(f'nullif({value}::text, {_NULL})')} END"
        )

    return write


_STARTS = ", ".join(map(literal, sorted(STARTS)))


def _csv_text(text: str) -> str:
    guarded = f"left(ltrim({text}, {literal(BEFORE)}), 1) = ANY(ARRAY[{_STARTS}])"
    return f"CASE WHEN {guarded} THEN {_APOSTROPHE} || {text} ELSE nullif({text}, '') END"


def _csv_plain(value: str) -> str:
    return value


def _csv_truth(value: str) -> str:
    return f"{value}::text"


def _csv_row(cells: list[str]) -> str:
    """Return the row as PostgreSQL writes a composite value: commas between, quotation marks where they are needed."""
    return f"ROW({', '.join(cells)})::text"


def _csv_lines(rows: list[str]) -> list[str]:
    """Take off the parentheses, and the second of each pair of backslashes."""
    return [row[1:-1].replace("\\\\", "\\") for row in rows]


CSV = Form(
    text=_csv_text, plain=_csv_plain, number=_csv_plain, truth=_csv_truth, json=_flat_json(_csv_text, _csv_plain), row=_csv_row,
    finish=_csv_lines,
)

MAX_CELL = 32_767
"""What Excel holds in a cell."""
_INLINE, _INLINE_END = literal('<c t="inlineStr" s="0"><is><t xml:space="preserve">'), literal("</t></is></c>")
_VALUE, _TRUTH, _VALUE_END = literal("<c><v>"), literal('<c t="b"><v>'), literal("</v></c>")
_CONTROLS = "".join(map(chr, [*range(1, 9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF]))


_SPECIAL = f"[&<>\x01-\x1f{chr(0xFFFE)}{chr(0xFFFF)}]"


def _xlsx_text(text: str) -> str:
    kept = f"left(translate({text}, {literal(_CONTROLS)}, ''), {MAX_CELL})"
    for raw, entity in (("&", "&amp;"), (">", "&gt;"), ("<", "&lt;")):
        kept = f"replace({kept}, {literal(raw)}, {literal(entity)})"
    # Nearly no text needs any of that; to see it is a third of the work.
    written = f"CASE WHEN {text} ~ {literal(_SPECIAL)} OR octet_length({text}) > {MAX_CELL} THEN {kept} ELSE {text} END"
    return f"coalesce({_INLINE} || nullif({written}, '') || {_INLINE_END}, {_NO_CELL})"


def _xlsx_number(value: str) -> str:
    return f"coalesce({_VALUE} || {value}::text || {_VALUE_END}, {_NO_CELL})"


def _xlsx_truth(value: str) -> str:
    return f"coalesce({_TRUTH} || {value}::int::text || {_VALUE_END}, {_NO_CELL})"


def _xlsx_json(value: str) -> str:
    bare = f"({value} #>> ARRAY[]::text[])"
    return (
        f"CASE jsonb_typeof({value}) WHEN 'number' THEN {_xlsx_number(bare)} WHEN 'boolean' THEN {_xlsx_truth(f'{bare}::boolean')} "
        f"ELSE coalesce({_flat_json(_xlsx_text, _xlsx_text)(value)}, {_NO_CELL}) END"
    )


def _xlsx_plain(value: str) -> str:
    return f"coalesce({_INLINE} || {value}::text || {_INLINE_END}, {_NO_CELL})"


def _xlsx_row(cells: list[str]) -> str:
    return " || ".join([literal("<row>"), *cells, literal("</row>")])


XLSX = Form(
    text=_xlsx_text, plain=_xlsx_plain, number=_xlsx_number, truth=_xlsx_truth, json=_xlsx_json, row=_xlsx_row,
    finish=lambda rows: rows,
)
