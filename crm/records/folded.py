"""The folded columns: what search looks in (``search_text``), what titles sort by (``sort_key``)."""

from collections.abc import Iterable

from django.db.models import F

from crm.records.entity import Entity, entity
from crm.records.fields import Field, Kind


def parts_of_search(of: Entity) -> frozenset[str]:
    """Return the columns that the folded column of an entity is made of; none where it has no such column."""
    column = next((f for f in of.model._meta.get_fields() if f.name == "search_text"), None)
    expression = getattr(column, "expression", None)
    return frozenset(e.name for e in expression.flatten() if isinstance(e, F)) if expression is not None else frozenset()


def folds_only(of: Entity, readable: Iterable[Field]) -> bool:
    """Tell whether an entity has a folded column, and all the fields that it is made of are among those readable.

    Otherwise a hit in it would tell what stands in a field that is hidden.
    """
    parts = parts_of_search(of)
    declared = {f.source for f in of.own_fields.values()}
    return bool(parts) and not ((parts & declared) - {f.source for f in readable})


def sort_path(of: Entity, f: Field) -> str:
    """Return the ORM path that a field sorts by: a title by its folded column, a link by the title of its target, an amount by its base."""
    if f.kind == Kind.USER:
        return f"{f.source}__sort_key"
    if f.kind == Kind.LINK:
        target = entity(f.link)
        if hasattr(target.model, "sort_key"):
            return f"{f.source}__sort_key"
        for name in target.sort:
            inner = target.own_fields.get(name.lstrip("-"))
            if inner is not None and inner.kind not in (Kind.LINK, Kind.USER):
                return f"{f.source}__{sort_path(target, inner)}"
    if of.title == (f.name,) and hasattr(of.model, "sort_key"):
        return "sort_key"
    if f.kind == Kind.EMAIL:
        return f"{f.source}__lower"
    # Amounts stand by what they come to in one currency.
    return f"{f.source}_base" if f.kind == Kind.MONEY and hasattr(of.model, f"{f.source}_base") else f.source
