"""Parents within one file that would stand below themselves."""

import uuid

import orjson
from django.utils.translation import gettext as _

from crm.transfer.engine.staging import query
from crm.transfer.models import ImportRun


def refuse_circles(run: ImportRun, parents: dict[uuid.UUID, tuple[uuid.UUID, int]]) -> int:
    """Turn rows whose parents (and their rows) would form a circle within the file into errors; return how many."""
    bad: list[int] = []
    for child, (parent, number) in parents.items():
        seen, at = {child}, parent
        while at in parents and at not in seen:
            seen.add(at)
            at = parents[at][0]
        if at == child:
            bad.append(number)
    if bad:
        message = [{"column": "", "value": "", "message": _("The parents of these rows form a circle.")}]
        query(
            "UPDATE {t} SET action = 'error', errors = %s WHERE number = ANY(%s) AND part = 0 RETURNING number",
            run.plan_table, [orjson.dumps(message).decode(), bad],
        )
    return len(bad)
