"""Parents within one file that would stand below themselves."""

import uuid
from collections.abc import Callable
from typing import Any

import orjson
from django.utils.translation import gettext as _

from crm.transfer.engine.staging import query
from crm.transfer.models import ImportRun


def refuse_circles(
    run: ImportRun, parents: dict[uuid.UUID, tuple[uuid.UUID, int]], place: Callable[[list[str]], tuple[str, str]]
) -> list[dict[str, Any]]:
    """Turn rows whose parents (and their rows) would form a circle within the file into errors; return those.

    ``place`` tells of the cells of a row which column names the parent, and what it says.
    """
    bad: list[int] = []
    for child, (parent, number) in parents.items():
        seen, at = {child}, parent
        while at in parents and at not in seen:
            seen.add(at)
            at = parents[at][0]
        if at == child:
            bad.append(number)
    errors = []
    for number, cells in query("SELECT number, cells FROM {t} WHERE number = ANY(%s) ORDER BY number", run.staging_table, [bad]) if bad else ():
        column, value = place(orjson.loads(cells))
        error = {
            "column": column, "value": value[:200],
            "message": _("The parents of these rows form a circle. Leave the parent of one of them empty."),
        }
        query(
            "UPDATE {t} SET action = 'error', errors = %s WHERE number = %s AND part = 0 RETURNING number",
            run.plan_table, [orjson.dumps([error]).decode(), number],
        )
        errors.append({"row": number, **error})
    return errors
