"""The folded column that search looks in (``search_text``), and who may be told what it holds."""

from collections.abc import Iterable

from django.db.models import F

from crm.records.entity import Entity
from crm.records.fields import Field


def folds_only(of: Entity, readable: Iterable[Field]) -> bool:
    """Tell whether an entity has a folded column, and all the fields that it is made of are among those readable.

    Otherwise a hit in it would tell what stands in a field that is hidden.
    """
    column = next((f for f in of.model._meta.get_fields() if f.name == "search_text"), None)
    expression = getattr(column, "expression", None)
    if expression is None:
        return False
    parts = {e.name for e in expression.flatten() if isinstance(e, F)}
    declared = {f.source for f in of.own_fields.values()}
    return not ((parts & declared) - {f.source for f in readable})
