"""Conditions of permissions (A15): built on the role page, saved with the matrix, true at every door."""

import json
from typing import Any

import pytest
from django.test import Client

from crm.access.policy import SYSTEM, visible_to
from crm.access.rights import forget_rights
from crm.accounts.models import FieldRight, Role, RolePermission, User
from crm.activity.models import ActivityLog, ChangeSet
from crm.activity.undo import undo
from crm.lib.errors import Denied, Invalid
from crm.records.entity import entity
from crm.records.services import create_record, update_record
from crm.records.services.customfields import archive_custom_field
from crm.workspace.matrix import ACTIONS
from crm.workspace.services.conditions import takes_condition
from crm.workspace.services.roles import set_field_rights, set_permissions
from sales.models import Deal

pytestmark = pytest.mark.django_db
SMALL = {"version": 1, "all": [{"field": "value", "op": "lt", "value": "1000"}]}
OPEN = {"version": 1, "all": [{"field": "outcome", "op": "is", "value": "open"}]}


@pytest.fixture
def sellers(admin: User) -> Role:
    """Return a role of one's own that inherits from sales representatives."""
    made: Role = Role.objects.create(code="SELLERS", name="Sellers", parent=Role.objects.get(code="SALES_REP"))
    return made


def page_of(role: Role) -> str:
    return f"/settings/roles/{role.pk}"


def rows(*conditions: tuple[str, str, Any], **more: Any) -> dict[str, Any]:
    """Return what the dialog sends for conditions joined by “all”."""
    sent: dict[str, Any] = {"q.mode": "all"}
    for i, (field, op, value) in enumerate(conditions):
        sent |= {f"q-{i}.t": "clause", f"q-{i}.was": field, f"q-{i}.field": field, f"q-{i}.op": op, f"q-{i}.value": value}
    return sent | more


def cell(role: Role, action: str = "change") -> RolePermission:
    return RolePermission.objects.get(role=role, entity="deal", action=action)


def a_deal(actor: Any, value: int = 100, **more: Any) -> Deal:
    customer = create_record(of="customer", data={"last_name": "Buyer"}, actor=actor)
    made: Deal = create_record(of="deal", data={"title": f"Worth {value}", "value": str(value), "customer": str(customer.pk), **more}, actor=actor)
    return made


def test_a_condition_is_built_applied_saved_and_undone(admin: User, client_for: Any, sellers: Role) -> None:
    client: Client = client_for(admin)
    path = f"{page_of(sellers)}/condition/deal/change"
    opened = client.post(path, {"cell-deal-change": ""}, headers={"HX-Request": "true"})
    assert opened.status_code == 200
    assert b"q-0.field" in opened.content  # one row to begin with
    refused = client.post(path, rows(("value", "lt", "a lot"), act="apply"), headers={"HX-Request": "true"})
    assert refused.status_code == 422
    assert 'role="alert"' in refused.content.decode().partition("qrow")[2]  # at the row
    said = client.post(f"{path}?words=1", rows(("value", "lt", "1000")), headers={"HX-Request": "true"}).content.decode()
    assert "“Sellers” may do this only if Value is less than 1,000" in said
    applied = client.post(path, rows(("value", "lt", "1000"), **{"act": "apply", "cell-deal-change": ""}), headers={"HX-Request": "true"})
    assert applied["HX-Retarget"] == "#cell-deal-change"
    assert "only if Value is less than 1,000" in applied.content.decode()
    assert 'value="own" selected' in applied.content.decode()  # a condition stands on the scope that was inherited
    assert not sellers.permissions.exists()  # it is saved with the matrix, not before
    sent = {"what": "matrix", "version": str(sellers.version), "cell-deal-change": "own", "condition-deal-change": json.dumps(SMALL)}
    assert client.post(page_of(sellers), sent).status_code == 302
    sellers.refresh_from_db()
    assert (cell(sellers).scope, cell(sellers).condition, sellers.version) == ("own", SMALL, 2)
    entry = ActivityLog.objects.filter(table_name="accounts_rolepermission").latest("id")
    assert entry.user_id == admin.pk
    assert entry.changes["condition"][1] == SMALL
    assert "only if Value is less than 1,000" in client.get(page_of(sellers)).content.decode()
    undo(change_set=ChangeSet.objects.get(pk=entry.change_set_id), actor=admin)
    assert not sellers.permissions.exists()


def test_removing_a_condition(admin: User, client_for: Any, sellers: Role) -> None:
    set_permissions(role=sellers, cells=[{"entity": "deal", "action": "change", "scope": "own", "condition": SMALL}], actor=admin)
    client = client_for(admin)
    opened = client.post(f"{page_of(sellers)}/condition/deal/change", {"cell-deal-change": "own", "condition-deal-change": json.dumps(SMALL)})
    assert 'value="1,000"' in opened.content.decode() or 'value="1000"' in opened.content.decode()
    cleared = client.post(f"{page_of(sellers)}/condition/deal/change", {"cell-deal-change": "own", "act": "remove"}).content.decode()
    assert "condition-deal-change" not in cleared
    assert client.post(page_of(sellers), {"what": "matrix", "cell-deal-change": "own"}).status_code == 302
    assert cell(sellers).condition is None


def test_inheritance_is_shown_with_its_role_and_condition(admin: User, client_for: Any, sellers: Role) -> None:
    RolePermission.objects.filter(role=sellers.parent, entity="deal", action="view").update(condition=OPEN)
    page = client_for(admin).get(page_of(sellers)).content.decode()
    shown = page.partition('id="cell-deal-view"')[2].partition("</td>")[0]
    assert "(Own)" in shown
    assert "only if Outcome is Open" in shown
    assert "from Sales representative" in shown


def test_nothing_of_what_was_chosen_is_lost_when_the_matrix_is_refused(admin: User, client_for: Any, sellers: Role) -> None:
    FieldRight.objects.create(role=sellers, entity="deal", field="value", level="hidden")
    client = client_for(admin)
    sent = {"what": "matrix", "cell-deal-change": "own", "condition-deal-change": json.dumps(SMALL), "cell-task-view": "all"}
    refused = client.post(page_of(sellers), sent)
    assert refused.status_code == 422
    page = refused.content.decode()
    at_cell = page.partition('id="cell-deal-change"')[2].partition("</td>")[0]
    assert "“Sellers” may not see “Value”." in at_cell
    assert "condition-deal-change" in at_cell
    assert 'value="all" selected' in page.partition('id="cell-task-view"')[2].partition("</td>")[0]
    assert not sellers.permissions.exists()
    dialog = client.post(f"{page_of(sellers)}/condition/deal/change", rows(("value", "lt", "1000"), act="apply"))
    assert dialog.status_code == 422
    assert "This role may not see “Value”." in dialog.content.decode().partition("qrow")[2]
    offered = client.post(f"{page_of(sellers)}/condition/deal/change", {"cell-deal-change": "own"}).content.decode()
    assert 'value="value"' not in offered


NO_TREES = ("{", "[]", '{"all": []}', '{"all": [{"field": "nothing", "op": "is", "value": 1}]}', '{"version": 9}', "null", "1e999", "[" * 9000)
NO_CONDITION = [("note", "change"), ("tag", "change"), ("deal", "import"), ("user", "manage"), ("settings", "change"), ("role", "change")]


@pytest.mark.parametrize("text", NO_TREES)
def test_a_condition_that_is_none_is_refused_at_its_cell(admin: User, client_for: Any, sellers: Role, text: str) -> None:
    refused = client_for(admin).post(page_of(sellers), {"what": "matrix", "cell-deal-view": "own", "condition-deal-view": text})
    assert refused.status_code == 422
    assert "field-errors" in refused.content.decode().partition('id="cell-deal-view"')[2].partition("</td>")[0]


def test_two_who_change_a_matrix_at_once_hear_of_each_other(admin: User, client_for: Any, sellers: Role) -> None:
    client = client_for(admin)
    set_permissions(role=sellers, cells=[{"entity": "task", "action": "view", "scope": "all"}], actor=admin)
    stale = client.post(page_of(sellers), {"what": "matrix", "version": "1", "cell-deal-view": "all"})
    assert stale.status_code == 409
    page = stale.content.decode()
    assert "Somebody changed this role meanwhile" in page
    assert 'value="all" selected' in page.partition('id="cell-deal-view"')[2].partition("</td>")[0]
    assert client.post(page_of(sellers), {"what": "matrix", "version": "2", "cell-deal-view": "all"}).status_code == 302


def test_hiding_a_field_that_a_condition_asks_about_is_refused(admin: User, sellers: Role) -> None:
    set_permissions(role=sellers, cells=[{"entity": "deal", "action": "view", "scope": "own", "condition": SMALL}], actor=admin)
    with pytest.raises(Invalid, match="may not see “Value”"):
        set_field_rights(role=sellers, fields=[{"entity": "deal", "field": "value", "level": "hidden"}], actor=admin)
    below: Role = Role.objects.create(code="BELOW", name="Below", parent=sellers)
    with pytest.raises(Invalid, match="Below"):
        set_field_rights(role=below, fields=[{"entity": "deal", "field": "value", "level": "hidden"}], actor=admin)
    loose: Role = Role.objects.create(code="LOOSE", name="Loose")
    set_field_rights(role=loose, fields=[{"entity": "deal", "field": "value", "level": "hidden"}], actor=admin)
    with pytest.raises(Invalid, match="Loose"):
        update_record(obj=loose, data={"parent": str(sellers.pk)}, actor=admin)
    related = {"version": 1, "all": [{"related": "deals", "sum": "value", "op": "gt", "value": "5"}]}
    with pytest.raises(Invalid) as refused:
        set_permissions(role=loose, cells=[{"entity": "customer", "action": "view", "scope": "all", "condition": related}], actor=admin)
    assert [(d.field, d.message) for d in refused.value.details] == [("permissions.0.condition.all.0.sum", "“Loose” may not see “Value”.")]


def test_who_governs_roles_gives_no_wider_condition_than_the_own(admin: User, make_user: Any) -> None:
    boss: Role = Role.objects.create(code="BOSS", name="Boss")
    for e, a in (("role", "change"), ("role", "create")):
        RolePermission.objects.create(role=boss, entity=e, action=a, scope="all")
    RolePermission.objects.create(role=boss, entity="deal", action="view", scope="all", condition=OPEN)
    actor, other = make_user(boss, email="boss@example.com"), Role.objects.create(code="OTHER", name="Other")
    set_permissions(role=other, cells=[{"entity": "deal", "action": "view", "scope": "own", "condition": OPEN}], actor=actor)
    for condition in (None, SMALL):
        with pytest.raises(Invalid):
            set_permissions(role=other, cells=[{"entity": "deal", "action": "view", "scope": "own", "condition": condition}], actor=actor)
    # Nor by taking away the cell that keeps a role from inheriting.
    wide: Role = Role.objects.create(code="WIDE", name="Wide")
    RolePermission.objects.create(role=wide, entity="deal", action="delete", scope="all")
    narrow: Role = Role.objects.create(code="NARROW", name="Narrow", parent=wide)
    RolePermission.objects.create(role=narrow, entity="deal", action="delete", scope="none")
    with pytest.raises(Invalid, match="lack"):
        set_permissions(role=narrow, cells=[], actor=actor)


def test_making_is_bound_by_its_condition_at_every_door(rep: User, client_for: Any, api: Any) -> None:
    RolePermission.objects.filter(role=rep.role, entity="deal", action="create").update(condition=SMALL)
    forget_rights(rep)
    assert a_deal(rep, 999).pk
    with pytest.raises(Denied, match="only where: Value is less than 1,000"):
        a_deal(rep, 1000)
    customer = create_record(of="customer", data={"last_name": "Buyer"}, actor=rep)
    refused = client_for(rep).post("/deals/new", {"title": "Too much", "value": "5000", "customer": str(customer.pk), "asked": ["title", "value", "customer"]})
    assert refused.status_code == 422
    assert "only where" in refused.content.decode()
    answer = api(rep).post("/api/v1/deals", {"title": "Too much", "value": "5000", "customer": str(customer.pk)}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PERMISSION_DENIED")
    assert not Deal.objects.filter(title="Too much").exists()


def test_what_one_made_oneself_fulfils_the_condition_too(rep: User, rep2: User) -> None:
    task = create_record(of="task", data={"title": "Made", "priority": "LOW"}, actor=rep)
    update_record(obj=task, data={"assigned_user": str(rep2.pk)}, actor=SYSTEM)
    assert visible_to(rep, type(task)).filter(pk=task.pk).exists()
    high = {"version": 1, "all": [{"field": "priority", "op": "is", "value": "HIGH"}]}
    RolePermission.objects.filter(role=rep.role, entity="task", action="view").update(condition=high)
    forget_rights(rep)
    assert not visible_to(rep, type(task)).filter(pk=task.pk).exists()


def test_a_condition_that_cannot_be_read_any_more_lets_nothing_through(rep: User, client_for: Any, admin: User) -> None:
    field = create_record(of="custom_field", data={"entity": "deal", "key": "grade", "label": "Grade", "kind": "text"}, actor=admin)
    deal = a_deal(rep)
    tree = {"version": 1, "all": [{"not": {"field": "custom.grade", "op": "is", "value": "Z"}}]}
    set_permissions(role=rep.role, cells=[{"entity": "deal", "action": "view", "scope": "own", "condition": tree}], actor=admin)
    forget_rights(rep)
    assert visible_to(rep, Deal).filter(pk=deal.pk).exists()
    archive_custom_field(field=field, actor=admin)
    from_now = client_for(rep)
    assert from_now.get("/deals?layout=table").status_code == 200
    assert from_now.get(f"/deals/{deal.pk}").status_code == 404
    page = client_for(admin).get(page_of(rep.role))
    assert page.status_code == 200
    assert "cannot be read any more" in page.content.decode()
    opened = client_for(admin).post(f"{page_of(rep.role)}/condition/deal/view", {"cell-deal-view": "own", "condition-deal-view": json.dumps(tree)})
    assert "asks about what cannot be asked any more" in opened.content.decode()


@pytest.mark.parametrize(("name", "action"), NO_CONDITION)
def test_where_no_condition_can_be_asked_none_is_taken(admin: User, client_for: Any, sellers: Role, name: str, action: str) -> None:
    tree = {"version": 1, "all": [{"field": "id", "op": "is_not_empty"}]}
    with pytest.raises(Invalid, match="takes no condition|not valid"):
        set_permissions(role=sellers, cells=[{"entity": name, "action": action, "scope": "all", "condition": tree}], actor=admin)
    assert client_for(admin).post(f"{page_of(sellers)}/condition/{name}/{action}", {}).status_code == 404


@pytest.mark.parametrize("who", ["manager", "rep", "readonly"])
def test_the_dialog_is_for_those_who_govern_roles(cast: Any, client_for: Any, who: str) -> None:
    role = Role.objects.get(code="SUPPORT")
    assert client_for(cast(who)).post(f"{page_of(role)}/condition/deal/view", {}).status_code == 403
    assert client_for(cast("admin")).post(f"{page_of(Role.objects.get(code='ADMIN'))}/condition/deal/view", {}).status_code == 404


def test_every_cell_that_takes_a_condition_holds_it(admin: User, rep: User) -> None:
    """The cells of the matrix and the policies agree: each model compiles a condition on its own words."""
    never = {"version": 1, "all": [{"field": "id", "op": "is_empty"}]}
    for name, actions in ACTIONS.items():
        for action in (a for a in actions if takes_condition(name, a)):
            RolePermission.objects.update_or_create(role=rep.role, entity=name, action=action, defaults={"scope": "all", "condition": never})
            forget_rights(rep)
            if action != "create":
                assert not visible_to(rep, entity(name).model, action).exists(), (name, action)


def test_the_api_tells_what_a_role_may_do_in_the_end(admin: User, api: Any, sellers: Role) -> None:
    wanted = {"permissions": [{"entity": "deal", "action": "view", "scope": "team", "condition": OPEN}]}
    put = api(admin).put(f"/api/v1/roles/{sellers.pk}/rights", wanted, format="json")
    assert put.status_code == 200
    found = {(c["entity"], c["action"]): c for c in api(admin).get(f"/api/v1/roles/{sellers.pk}/rights/effective").json()["data"]}
    assert found["deal", "view"]["words"] == "Outcome is Open"
    assert found["deal", "view"]["role"]["name"] == "Sellers"
    assert found["deal", "change"]["role"]["name"] == "Sales representative"
    wrong = {"permissions": [{"entity": "deal", "action": "view", "scope": "team", "condition": {"all": [{"field": "outcome", "op": "is", "value": "sold"}]}}]}
    refused = api(admin).put(f"/api/v1/roles/{sellers.pk}/rights", wrong, format="json").json()
    assert refused["error"]["details"][0]["field"] == "permissions.0.condition.all.0.value"
