"""What deals add to timelines: every stage they entered, on themselves and on their customer and company."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.access.policy import visible_to
from crm.records.entity import entity
from crm.records.timeline import Asked, Entry, timeline_source
from sales.models import Deal, StageChange


@timeline_source("stage", gettext_lazy("Stage moves"), entities={"deal", "customer", "company"})
def stages(asked: Asked) -> Iterable[Entry]:
    """Read the stage history; the trigger that writes it forgets nothing."""
    rows = StageChange.objects.select_related("deal", "from_stage", "to_stage")
    own = asked.entity.name == "deal"
    if own:
        rows = rows.filter(deal=asked.obj)
    else:
        rows = rows.filter(deal__in=visible_to(asked.user, Deal).filter(**{asked.entity.name: asked.obj}))
    for row in asked.older(rows, "happened_at", texts=() if own else ("deal__title",)):
        text, icon, hue = _words(row, own)
        yield Entry(
            kind="stage", id=str(row.pk), at=row.happened_at, text=text, icon=icon, hue=hue, actor_id=row.user_id,
            url="" if own else entity("deal").url(row.deal),
        )


def _words(row: StageChange, own: bool) -> tuple[str, str, str]:
    values: dict[str, Any] = {"deal": row.deal.title, "stage": row.to_stage.name}
    if row.to_stage.outcome == "won":
        return (_("won the deal") if own else _("won the deal “%(deal)s”") % values), "trophy", "green"
    if row.to_stage.outcome == "lost":
        return (_("lost the deal") if own else _("lost the deal “%(deal)s”") % values), "circle-x", "coral"
    if row.from_stage is None:
        text = _("began in %(stage)s") if own else _("opened the deal “%(deal)s” in %(stage)s")
        return text % values, "circle-dot", "teal"
    text = _("moved it to %(stage)s") if own else _("moved the deal “%(deal)s” to %(stage)s")
    return text % values, "arrow-right", row.to_stage.hue or "teal"
