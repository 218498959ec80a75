"""The condition of one permission, built with the rows of the advanced filter (A15)."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.access.rights import WhoeverHas
from crm.accounts.models import Role, RolePermission
from crm.criteria import VERSION, describe
from crm.lib.errors import Denied, Invalid
from crm.lists import builder
from crm.records.entity import all_entities
from crm.ui.pages import page, render
from crm.workspace import rules
from crm.workspace.matrix import scopes_of
from crm.workspace.services.conditions import inherited_cells, read_condition, takes_condition
from crm.workspace.views.matrix import Cell, read_tree
from crm.workspace.views.roles import role_or_404


@page("POST")
def condition(request: HttpRequest, role_id: UUID, entity: str, action: str) -> HttpResponse:
    """Show the condition of a cell as rows, as they were sent; or put it into the cell, to be saved with the matrix."""
    role = role_or_404(request, role_id)
    if not takes_condition(entity, action) or role.is_admin:
        raise Http404
    if not rules.may_edit_role(request.user, role):
        raise Denied
    scope, act = request.POST.get(f"cell-{entity}-{action}", ""), request.POST.get("act", "")
    place = builder.Place(all_entities()[entity].model, request.user, audience=WhoeverHas(role.pk))
    declared = all_entities()[entity]
    context: dict[str, Any] = {
        "role": role, "entity": entity, "action": action, "scope": scope, "problems": [], "records": declared.label_plural,
        "doing": RolePermission.Action(action).label, "path": f"/settings/roles/{role.pk}/condition/{entity}/{action}",
    }
    if act == "remove":
        return _cell(request, role, entity, action, scope, None)
    stored = request.POST.get(f"condition-{entity}-{action}", "")
    root, lost = _rows(request, place, stored, act)
    status, tree = 200, root.tree()
    try:
        found = read_condition(role, entity, action, {"version": VERSION, **tree} if tree else None, request.user)
        if act == "apply":
            return _cell(request, role, entity, action, scope, found)
        context["words"] = describe(found, declared.model, request.user) if found else ""
    except Invalid as error:
        context["missing"] = True
        if act == "apply":
            status = 422
            if not builder.mark_problems(root):
                context["problems"] = [d.message for d in error.details] or [error.message]
    if lost:
        context["problems"].append(_("The condition that is stored asks about what cannot be asked any more. What you apply here takes its place."))
    template = "workspace/settings/condition_words.html" if request.GET.get("words") else "workspace/settings/condition.html"
    return render(request, template, context | {"root": root}, status=status)


def _rows(request: HttpRequest, place: builder.Place, stored: str, act: str) -> tuple[builder.Group, bool]:
    """Return the rows that were sent, or those of the cell's condition; and whether the latter cannot be shown."""
    if "q.mode" in request.POST:
        return builder.from_form(request.POST, place, act), False
    tree = read_tree(stored)
    empty = builder.from_form(request.POST, place, "add:q")
    if tree is None:
        return empty, bool(stored)
    try:
        root = builder.from_clauses(tuple(tree["all"]) if "all" in tree else ({k: v for k, v in tree.items() if k != "version"},), place)
    except (KeyError, TypeError, StopIteration):
        return empty, True
    return root, False


def _cell(
    request: HttpRequest, role: Role, entity: str, action: str, scope: str, found: dict[str, Any] | None
) -> HttpResponse:
    """Draw the cell anew and close the dialog. A condition needs a scope: the one so far, or the widest that there is."""
    above = inherited_cells(role).get((entity, action))
    if found and scope in ("", "none"):
        scope = above.scope if above and above.scope != "none" else scopes_of(entity)[-1]
    own = role.permissions.filter(entity=entity, action=action).values_list("scope", "condition").first()
    label = f"{all_entities()[entity].label_plural}: {RolePermission.Action(action).label}"
    cell = Cell(role, entity, action, label, scope, found, above, own or ("", None), request.user)
    answer = render(request, "workspace/settings/role_cell.html", {"cell": cell, "role": role, "may_edit": True})
    answer["HX-Retarget"], answer["HX-Reswap"], answer["HX-Trigger"] = f"#cell-{cell.name}", "outerMorph", '{"dialog:close": {}}'
    return answer
