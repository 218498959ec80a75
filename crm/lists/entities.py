"""Saved views, declared: the API serves them like every other noun."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from crm.access.policy import SYSTEM
from crm.access.rights import SCOPES, rights_of
from crm.criteria import validate
from crm.lib.errors import Invalid
from crm.lists.models import SavedView
from crm.lists.state import CALCULATIONS, NARROWEST, WIDEST
from crm.records.entity import Entity, able, all_entities, register
from crm.records.fields import Choice, Field, Kind, choices_of

NAMES = {"type": "array", "items": {"type": "string", "maxLength": 200}, "maxItems": 60}
"""Fields, by name."""
FILTER = {"type": "object"}
WIDTHS = {"type": "object", "additionalProperties": {"type": "integer", "minimum": NARROWEST, "maximum": WIDEST}}
CALCULATED = {"type": "object", "additionalProperties": {"type": "string", "enum": list(CALCULATIONS)}}
DENSITY = (Choice("compact", _("Compact")), Choice("default", _("Standard")), Choice("comfortable", _("Comfortable")))


def sharings(actor: Any) -> list[str]:
    """Return with whom a person may share views: by the matrix with nobody, with the own team, or with all."""
    reach = SCOPES.index("all" if actor is SYSTEM else rights_of(actor).cell("saved_view", "share").scope)
    least = {SavedView.Sharing.PRIVATE: "none", SavedView.Sharing.TEAM: "team", SavedView.Sharing.EVERYONE: "all"}
    return [str(sharing) for sharing, scope in least.items() if reach >= SCOPES.index(scope)]


class SavedViewEntity(Entity):
    """A named way to see a list."""

    name = "saved_view"
    plural = "views"
    model = SavedView  # type: ignore[assignment]
    label = _("Saved view")
    label_plural = _("Saved views")
    icon = "table-2"
    sort = ("position",)
    owner = None
    abilities = frozenset({"api"})
    constraint_messages = {"savedview_name_once": _("You have a view with this name already.")}
    fields = (
        Field("name", Kind.TEXT, _("Name"), required=True, max_length=80),
        Field("entity", Kind.TEXT, _("List"), required=True, max_length=60, extra={"among": lambda: able("pages")}),
        Field("sharing", Kind.CHOICE, _("Shared with"), choices=choices_of(SavedView.Sharing), default=SavedView.Sharing.PRIVATE),
        Field("owner", Kind.USER, _("Owner"), writable=False),
        Field("criteria", Kind.JSON, _("Filter"), default=dict, sortable=False, filterable=False, extra={"schema": FILTER}),
        Field("sort", Kind.JSON, _("Order"), default=list, sortable=False, filterable=False, extra={"schema": NAMES}),
        Field("columns", Kind.JSON, _("Columns"), default=list, sortable=False, filterable=False, extra={"schema": NAMES}),
        Field("group_by", Kind.TEXT, _("Grouped by"), max_length=120),
        Field("widths", Kind.JSON, _("Widths of columns"), default=dict, sortable=False, filterable=False, extra={"schema": WIDTHS}),
        Field("calculations", Kind.JSON, _("Calculations under columns"), default=dict, sortable=False, filterable=False,
              extra={"schema": CALCULATED}),
        Field("frozen", Kind.JSON, _("Columns that stay in sight"), default=list, sortable=False, filterable=False, extra={"schema": NAMES}),
        Field("density", Kind.CHOICE, _("Density"), choices=DENSITY),
        Field("layout", Kind.TEXT, _("Layout"), max_length=12),
        Field("is_pinned", Kind.BOOLEAN, _("Pinned"), default=True),
        Field("position", Kind.INTEGER, _("Place among the tabs"), min_value=0, max_value=100_000, default=0),
    )

    def defaults(self, actor: Any) -> dict[str, Any]:
        """A view belongs to whoever makes it."""
        return {"owner": actor} if getattr(actor, "pk", None) else {}

    def check(self, draft: Any, changed: set[str], actor: Any) -> Iterable[tuple[str, str]]:
        """The list exists, the filter can be asked, and order and columns name fields of it."""
        if "sharing" in changed and draft.sharing not in sharings(actor):
            yield "sharing", str(_("Your role does not share views this far."))
        listed = all_entities().get(draft.entity)
        if listed is None or "pages" not in listed.abilities:
            yield "entity", str(_("There is no such list."))
            return
        if draft.criteria:
            try:
                draft.criteria = validate(draft.criteria, listed.model, actor)
            except Invalid as error:
                yield "criteria", error.message
        for name, fits, said in (
            ("widths", lambda v: isinstance(v, int) and not isinstance(v, bool) and NARROWEST <= v <= WIDEST, _("Pixels by field name are expected.")),
            ("calculations", lambda v: v in CALCULATIONS, _("Calculations by field name are expected.")),
        ):
            value = getattr(draft, name)
            if not isinstance(value, dict) or len(value) > 60 or any(listed.field(k) is None or not fits(v) for k, v in value.items()):
                yield name, str(said)
        if draft.layout and draft.layout not in dict(listed.layouts):
            yield "layout", str(_("The list has no such layout."))
        for name in ("sort", "columns", "frozen"):
            value = getattr(draft, name)
            if not isinstance(value, list) or any(not isinstance(v, str) for v in value) or len(value) > 60:
                yield name, str(_("A list of field names is expected."))
            elif unknown := [v for v in value if listed.field(v.lstrip("-")) is None]:
                yield name, _("Unknown field “%(name)s”.") % {"name": unknown[0]}

    def before_save(self, obj: Any, changed: set[str], actor: Any) -> None:
        """A view for the team belongs to its owner's team."""
        obj.team = obj.owner.team if obj.sharing == SavedView.Sharing.TEAM else None
        if obj.sharing == SavedView.Sharing.TEAM and obj.team is None:
            raise Invalid.field("sharing", str(_("You are in no team.")))


register(SavedViewEntity())
