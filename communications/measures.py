"""What interactions tell in the lists of those whom they are with: the last one, what it was and how long ago."""

from collections.abc import Callable
from typing import Any

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import JSONObject
from django.utils.translation import gettext as _

from communications.models import Interaction
from crm.access.policy import field_rights, visible_to
from crm.ui.details import Cell, detail
from crm.ui.figures import age
from crm.ui.html import esc
from crm.ui.marks import icon


def told(user: Any) -> Any:
    """Return what the last interaction was, as far as the user sees it."""
    rows = visible_to(user, Interaction).filter(pk=OuterRef("last_activity_id"))
    subject = {"subject": F("subject")} if field_rights(user, Interaction).can_read("subject") else {}
    about = JSONObject(code=F("type__code"), kind=F("type__name"), icon=F("type__icon"), way=F("direction"), **subject)
    return Subquery(rows.order_by().values(_told=about)[:1])


def cell(user: Any) -> Cell:
    """Return what writes the last activity of a record."""
    received: Callable[[str], str] = lambda kind: _("%(type)s received") % {"type": kind}  # noqa: E731

    def write(obj: Any, about: Any) -> str:
        if obj.last_activity_at is None:
            return ""
        if not about:
            return f'<span class="act">{icon("history", "icon-sm")}<span class="tx"></span>{age(obj.last_activity_at)}</span>'
        kind = received(about["kind"]) if about["way"] == "INBOUND" and about["code"] != "MEETING" else about["kind"]
        words = esc(about.get("subject") or kind)
        return (
            f'<span class="act" title="{esc(kind)}: {words}">{icon(about["icon"], "icon-sm")}<span class="vh">{esc(kind)}: </span>'
            f'<span class="tx">{words}</span>{age(obj.last_activity_at)}</span>'
        )

    return write


for _on in ("customer", "company", "deal"):
    detail(_on, "last_activity_at", told, cell)
