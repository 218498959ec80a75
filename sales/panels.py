"""What deals bring to record pages: their people, lines and way on their own, the open ones on those of others."""

import json
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.access.policy import SYSTEM, allows, field_rights, visible_to
from crm.access.rights import rights_of
from crm.criteria import describe, matches
from crm.lib.errors import Invalid
from crm.records.entity import entity_of
from crm.records.panels import panel
from customers.models import Customer
from sales.models import Deal, Product, Stage
from sales.passage import changed_lately, passage
from sales.services.parts import total_of
from sales.services.stages import missing_for

OPEN_SHOWN = 5


def people(obj: Deal, user: Any) -> dict[str, Any]:
    """Return who has a say in a deal; a person one may not see is not named."""
    rows = list(obj.deal_contacts.order_by("created_at", "pk"))
    seen = visible_to(user, Customer).in_bulk([row.customer_id for row in rows]) if rights_of(user).may("view", "customer") else {}
    return {
        "people": [(row, seen.get(row.customer_id)) for row in rows],
        "may_change": allows(user, "change", obj),
    }


def lines(obj: Deal, user: Any) -> dict[str, Any]:
    """Return the lines of a deal and their total."""
    rows = list(obj.lines.select_related("product").order_by("position", "created_at", "pk"))
    rights = field_rights(user, Deal)
    total = total_of(rows)
    may_change = allows(user, "change", obj)
    return {
        "lines": rows, "total": total, "amounts": rights.can_read("value"), "may_change": may_change,
        "names": set(visible_to(user, Product).filter(pk__in=[row.product_id for row in rows]).values_list("pk", flat=True)),
        "differs": bool(rows) and total != obj.value, "may_take": may_change and rights.can_write("value") and obj.is_open,
    }


def checklist(obj: Deal, user: Any) -> dict[str, Any]:
    """Return what the next stage asks for, and what of it the deal has."""
    stages = list(Stage.objects.filter(pipeline=obj.pipeline_id).order_by("position"))
    here = next((s.position for s in stages if s.pk == obj.stage_id), 0)
    ahead = [s for s in stages if s.position > here and s.outcome == Stage.Outcome.OPEN]
    ahead += [s for s in stages if s.outcome == Stage.Outcome.WON]
    target = next((s for s in ahead if s.required_fields or s.entry_condition), None) if obj.is_open else None
    if target is None:
        return {"target": None}
    missing = {name for name, _message in missing_for(obj, target)}
    fields = entity_of(obj).fields_for(user)
    asked = [(fields[n], n not in missing, f"field-{obj.pk}-{n.replace('.', '-')}") for n in target.required_fields if n in fields]
    condition, words = target.entry_condition, ""
    if condition:
        try:
            words = describe(condition, Deal, user)
        except Invalid:  # it speaks of a field that is hidden from this user
            words = str(_("The conditions of the stage"))
    return {
        "target": target, "asked": asked, "done": sum(1 for _f, has, _id in asked if has),
        "condition": words,
        "fulfilled": bool(condition) and matches(obj, condition, SYSTEM, trusted=True),
    }


def way(obj: Deal, user: Any) -> dict[str, Any]:
    """Return the stages that a deal passed through."""
    return {"passage": passage(obj, user), "amounts": field_rights(user, Deal).can_read("value")}


def lately(obj: Deal, user: Any) -> dict[str, Any]:
    """Return what changed within thirty days."""
    return {"lately": changed_lately(obj, user)}


def open_deals(obj: Any, user: Any) -> dict[str, Any]:
    """Return the open deals of a customer or company, each with the stages it passed."""
    by = "customer" if isinstance(obj, Customer) else "company"
    rows = list(
        visible_to(user, Deal).filter(Q(**{by: obj.pk}), outcome=Stage.Outcome.OPEN, archived_at=None)
        .select_related("stage", "assigned_user").order_by("expected_close_date", "-value_base", "pk")[: OPEN_SHOWN + 1]
    )
    roads: dict[Any, list[Stage]] = {}
    stages = Stage.objects.filter(pipeline__in={d.pipeline_id for d in rows}, outcome=Stage.Outcome.OPEN).order_by("position")
    for stage in stages:
        roads.setdefault(stage.pipeline_id, []).append(stage)
    rights = field_rights(user, Deal)
    clauses = [{"field": by, "op": "is", "value": str(obj.pk)}, {"field": "outcome", "op": "is", "value": "open"}]
    query = {"layout": "table", "filter": json.dumps(clauses, separators=(",", ":"))}
    made: dict[str, Any] = {"quick": 1, by: str(obj.pk)}
    if by == "customer" and obj.company_id:
        made["company"] = str(obj.company_id)
    return {
        "deals": [
            (deal, [(stage, stage.position <= deal.stage.position) for stage in roads.get(deal.pipeline_id, [])])
            for deal in rows[:OPEN_SHOWN]
        ],
        "more": len(rows) > OPEN_SHOWN, "list_url": f"/deals?{urlencode(query)}",
        "amounts": rights.can_read("value"), "stage_names": rights.can_read("stage"), "dates": rights.can_read("expected_close_date"),
        "new_url": f"/deals/new?{urlencode(made)}" if rights_of(user).may("create", "deal") else "",
    }


for _on in ("customer", "company"):
    panel(_on, "open-deals", _("Open deals"), "sales/panels/open_deals.html", 20, column="side", load=open_deals, needs=("view", "deal"),
          watches=("deal",))
panel("deal", "people", _("People"), "sales/panels/people.html", 20, column="side", load=people, watches=("contacts",))
panel("deal", "lines", _("Products"), "sales/panels/lines.html", 20, load=lines, watches=("lines", "value", "currency"),
      count=lambda obj, user: obj.lines.count())
panel("deal", "way", _("Stages"), "sales/panels/way.html", 30, load=way, watches=("stage",))
panel("deal", "checklist", _("Checklist"), "sales/panels/checklist.html", 15, column="side", load=checklist, watches=("*",))
panel("deal", "lately", _("What changed in 30 days"), "sales/panels/lately.html", 30, column="side", load=lately,
      watches=("value", "expected_close_date", "stage"))
