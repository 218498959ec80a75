"""What holds for the whole installation."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.utils.translation import gettext as _

from crm.access.policy import require
from crm.activity.intention import relabel, verb
from crm.lib.errors import Invalid, Missing
from crm.records.services.records import lock
from crm.records.watching import watched_by
from crm.workspace.models import ExchangeRate, Workspace

NAME = "workspace:name"
"""The cached name, which every page shows."""
WATCHED = "workspace:watched"


def workspace_name() -> str:
    """Return the name of the installation."""
    name = cache.get(NAME)
    if name is None:
        name = Workspace.objects.values_list("name", flat=True).first() or ""
        cache.set(NAME, name, 300)
    return str(name)


def watched_entities() -> frozenset[str]:
    """Return the kinds of records whose views are noted."""
    names = cache.get(WATCHED)
    if names is None:
        names = Workspace.objects.values_list("watched", flat=True).first() or []
        cache.set(WATCHED, names, 300)
    return frozenset(names)


watched_by(watched_entities)


@verb
def change_workspace(*, actor: Any, values: dict[str, Any]) -> Workspace:
    """Change the name, currency, language, time zone and calendar of the installation, and whose views are noted."""
    row: Workspace = lock(Workspace.objects.get())
    require(actor, "change", row)
    differing = {n: v for n, v in values.items() if getattr(row, n) != v}
    if differing:
        relabel(_("Change the workspace"))
        for name, value in differing.items():
            setattr(row, name, value)
        row.version += 1
        row.save(update_fields=[*differing, "version", "updated_at"])
        transaction.on_commit(lambda: cache.delete_many([NAME, WATCHED]))
    return row


@verb
def set_rate(*, actor: Any, currency: str, day: dt.date, rate: Decimal) -> ExchangeRate:
    """Say what one unit of a currency is worth from a day on; a rate of the same day is replaced."""
    require(actor, "change", Workspace.objects.get())
    if currency == Workspace.objects.get().currency:
        raise Invalid.field("currency", _("This is the base currency; it is always worth one."))
    if rate <= 0:
        raise Invalid.field("rate", _("A rate is more than zero."))
    relabel(_("Set an exchange rate"))
    made, _new = ExchangeRate.objects.update_or_create(currency=currency, day=day, defaults={"rate": rate})
    return made


@verb
def remove_rate(*, actor: Any, rate: ExchangeRate) -> None:
    """Remove a dated rate."""
    require(actor, "change", Workspace.objects.get())
    found = ExchangeRate.objects.filter(pk=rate.pk).first()
    if found is None:
        raise Missing
    relabel(_("Remove an exchange rate"))
    found.delete()
