"""What lists give to the API: ``?view=`` reads a saved view."""

import uuid
from typing import Any

from django.utils.translation import gettext as _

from crm.access.policy import visible_to
from crm.api.schema.entities import sortable
from crm.api.viewsets import reads_saved_views
from crm.lib.errors import Invalid
from crm.lists.models import SavedView
from crm.records.entity import Entity


@reads_saved_views
def saved_view(text: str, of: Entity, user: Any) -> tuple[dict[str, Any] | None, str]:
    """Return the criteria and the sorting of a view that the user may use; refuse any other."""
    try:
        found = visible_to(user, SavedView).filter(pk=uuid.UUID(text), entity=of.name).first()
    except ValueError:
        found = None
    if found is None:
        raise Invalid.field("view", _("There is no such view of this list."))
    readable = of.fields_for(user)
    sort = [name for name in found.sort if (f := readable.get(name.lstrip("-"))) is not None and sortable(f)]
    return found.criteria or None, ",".join(sort)
