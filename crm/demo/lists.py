"""The lists that a team keeps at hand: saved views for everybody."""

from typing import Any

from crm.criteria import validate
from crm.lists.models import SavedView
from crm.records.entity import entity

_MINE = {"field": "assigned_user", "op": "is_me"}
_OPEN = {"field": "outcome", "op": "is", "value": "open"}

VIEWS: tuple[tuple[str, str, list[dict[str, Any]], list[str]], ...] = (
    # list, name, filter, order
    ("customer", "My customers", [_MINE], []),
    ("customer", "In touch lately", [{"field": "last_activity_at", "op": "newer_than", "value": {"n": 30, "unit": "day"}}], ["-last_activity_at"]),
    ("customer", "Gone quiet", [
        {"field": "status", "op": "is", "value": "CUSTOMER"},
        {"field": "last_activity_at", "op": "older_than", "value": {"n": 60, "unit": "day"}},
    ], ["last_activity_at"]),
    ("company", "My companies", [_MINE], []),
    ("company", "In touch lately", [{"field": "last_activity_at", "op": "newer_than", "value": {"n": 30, "unit": "day"}}], ["-last_activity_at"]),
    ("deal", "My open deals", [_MINE, _OPEN], ["expected_close_date"]),
    ("deal", "Closing this month", [
        _OPEN, {"field": "expected_close_date", "op": "in", "value": {"relative": "this", "unit": "month"}},
    ], ["expected_close_date"]),
)


def share_views(owner: Any) -> None:
    """Make the saved views."""
    for position, (name, label, clauses, order) in enumerate(VIEWS):
        criteria = validate({"version": 1, "all": clauses}, entity(name).model, owner)
        SavedView.objects.create(
            entity=name, name=label, owner=owner, sharing=SavedView.Sharing.EVERYONE, criteria=criteria, sort=order, position=position,
        )
