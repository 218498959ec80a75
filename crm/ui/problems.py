"""A refusal's sentences, sorted by the field they are about."""

from crm.lib.errors import Refusal


def problems_of(error: Refusal) -> dict[str, list[str]]:
    """Return a refusal's sentences by field; those about the whole stand under ``""``."""
    found: dict[str, list[str]] = {}
    for detail in error.details:
        found.setdefault(detail.field, []).append(str(detail.message))
    if not found:
        found[""] = [str(error.message)]
    return found
