"""What customers and companies bring to record pages."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.access.policy import allows, visible_to
from crm.lists.related import related_panel
from crm.records.panels import panel
from customers.models import Company, Relationship
from customers.tree import tree_of


def reach(obj: Any, user: Any) -> dict[str, Any]:
    """Return the ways to reach a person."""
    return {
        "methods": list(obj.contact_methods.all()), "addresses": list(obj.addresses.all()), "may_change": allows(user, "change", obj),
    }


def related_to(obj: Any, user: Any) -> Any:
    """Return the relationships of a person or company that a user sees."""
    name = "company" if isinstance(obj, Company) else "customer"
    return visible_to(user, Relationship).filter(Q(**{f"from_{name}": obj}) | Q(**{f"to_{name}": obj}))


def relations(obj: Any, user: Any) -> dict[str, Any]:
    """Return the relationships of a person or company, each told from its side."""
    found = []
    for row in related_to(obj, user).select_related("from_customer", "from_company", "to_customer", "to_company")[:100]:
        start: Any = row.from_customer or row.from_company
        end: Any = row.to_customer or row.to_company
        other = end if start == obj else start
        plural = "companies" if isinstance(other, Company) else "customers"
        found.append({"row": row, "other": other, "url": f"/{plural}/{other.pk}", "outward": start == obj})
    return {"relations": found, "may_change": allows(user, "change", obj), "tree": tree_of(obj, user, found)}


related_panel(
    "company", "customer", "company", 30, fields=("job_title",), title=_("People"), sort="sort_key", column="side", limit=6,
    key="people-side",
)
related_panel("company", "company", "parent", 60, fields=("industry",), title=_("Subsidiaries"), sort="sort_key", key="subsidiaries")
panel("customer", "reach", _("Contacts"), "customers/reach.html", 60, load=reach, watches=("contacts",))
for _on in ("customer", "company"):
    panel(_on, "relationships", _("Relationships"), "customers/relations.html", 65, load=relations, watches=("relationships", "parent", "company", "customer"),
          count=lambda obj, user: related_to(obj, user).count())
