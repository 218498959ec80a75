"""What a role may not see of a record does not exist for it, and what nobody may write is not written (PR-01, 02, 04, 05, 08; FL-05)."""

import json
import re
from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from crm.access.rights import forget_rights
from crm.accounts.models import FieldRight, RolePermission, User
from crm.activity.intention import intend
from crm.activity.models import ChangeSet
from crm.activity.undo import undo
from crm.lib.errors import Refusal
from crm.records.services import create_record, update_record
from crm.transfer.services import receive, settle
from customers.models import Customer
from sales.models import Deal
from tests.security.conftest import CANARY, content_of, tells

pytestmark = pytest.mark.django_db
SECRET = "secret@canary.example"


@pytest.fixture
def person(rep: Any, hide: Any) -> Any:
    """Return a customer of ``rep`` with an e-mail, a source and a birthday that his role does not see."""
    made = create_record(of="customer", actor=rep, data={
        "first_name": "Seen", "last_name": "Person", "email": SECRET, "source": CANARY, "birthday": "1979-01-31", "status": "LEAD",
    })
    update_record(obj=made, data={"source": f"{CANARY}2"}, actor=rep)
    hide(rep, "customer", "email", "source", "birthday")
    return made


LOOKS = (
    "/customers", "/customers?columns=email,source,birthday", "/customers?sort=email", "/customers?sort=-source", "/customers?group=source",
    "/customers/facets", "/customers?facets=1", "/customers/sums?columns=email", "/customers/columns", "/search?q=Person", "/palette?q=Person",
    "/options/customer?q=Person", "/export?entity=customer", "/export?entity=customer&columns=email,source", "/export?entity=customer&format=xlsx",
    "/customers/{pk}", "/customers/{pk}?peek=1", "/customers/{pk}/edit", "/customers/{pk}/timeline", "/history/customer/{pk}", "/merge/customer/{pk}",
    "/customers/new", "/reports/customers", "/changes", "/api/v1/customers", "/api/v1/customers/{pk}", "/api/v1/customers/{pk}/versions",
    "/api/v1/customers/{pk}/timeline", "/api/v1/customers/export", "/api/v1/search?q=Person", "/api/v1/reports/customers", "/api/v1/change-sets",
)


@pytest.mark.parametrize("address", LOOKS)
def test_a_hidden_field_is_nowhere(person: Any, rep: Any, client_for: Any, address: str) -> None:
    answer = client_for(rep).get(address.format(pk=person.pk))
    assert answer.status_code in (200, 403, 404)
    text = content_of(answer).lower()
    for value in (SECRET, CANARY):
        assert value not in text, value
    assert not tells(text, "1979") and "1979-01-31" not in text


def test_a_hidden_field_cannot_be_asked_for(person: Any, rep: Any, api: Any, client_for: Any) -> None:
    for query in ("email=x", "email__contains=s", "sort=source", "fields=birthday", "source__in=x", "birthday__gte=1970-01-01"):
        assert api(rep).get(f"/api/v1/customers?{query}").status_code == 400, query
        assert api(rep).get(f"/api/v1/customers/export?{query}").status_code == 400, query
    tree = json.dumps({"version": 1, "all": [{"field": "email", "op": "contains", "value": "s"}]})
    assert api(rep).get("/api/v1/customers", {"filter": tree}).status_code == 400
    client = client_for(rep)
    for name in ("email", "source", "birthday"):
        assert client.get(f"/customers/{person.pk}/fields/{name}").status_code == 404
        assert client.get(f"/customers/{person.pk}/fields/{name}/edit").status_code == 404
        assert client.post(f"/customers/{person.pk}/fields/{name}", {name: "x"}).status_code == 404
        assert client.get("/customers/filter", {"field": name}).status_code in (400, 404, 422)
    # Words of a hidden field find nothing, wherever one searches.
    for address in ("/customers?q=secret", "/options/customer?q=secret", "/search?q=secret@canary", "/palette?q=secret", "/api/v1/customers?q=secret",
                    "/api/v1/search?q=secret", "/export?entity=customer&q=secret", f"/merge/customer/{person.pk}?q=secret"):
        text = content_of(client.get(address))
        if "merge" not in address:
            assert "Person" not in text, address
    person.refresh_from_db()
    assert person.email == SECRET


def test_a_saved_view_of_a_colleague_is_no_way_round(person: Any, rep: Any, rep2: Any, admin: Any, client_for: Any, api: Any) -> None:
    view = create_record(of="saved_view", actor=admin, data={
        "name": "By mail", "entity": "customer", "sharing": "everyone", "sort": ["email"], "columns": ["email", "source"], "group_by": "source",
        "criteria": {"version": 1, "all": [{"field": "email", "op": "contains", "value": "secret"}]},
    })
    for address in (f"/customers?view={view.pk}", f"/export?entity=customer&view={view.pk}", f"/customers/facets?view={view.pk}"):
        text = content_of(client_for(rep).get(address))
        assert SECRET not in text
        assert CANARY not in text
    # Where it filters by what one does not see, nothing may be exported or done by it.
    assert client_for(rep).get(f"/export?entity=customer&view={view.pk}").status_code == 400
    client_for(rep).post("/customers/bulk/delete", {"all": "1", "view": str(view.pk)})
    assert Customer.objects.filter(pk=person.pk).exists()
    assert SECRET not in content_of(api(rep).get(f"/api/v1/customers?view={view.pk}"))


def test_an_import_cannot_write_or_match_what_is_hidden(person: Any, rep: Any, client_for: Any) -> None:
    run = receive(file=BytesIO(b"name,mail\nNew One,secret@canary.example\n"), name="a.csv", of="customer", actor=rep)
    page = content_of(client_for(rep).get(f"/imports/{run.pk}"))
    targets = re.findall(r'<select[^>]* name="to-.*?</select>', page, re.DOTALL)
    assert len(targets) == 2
    assert not [t for t in targets if 'value="email"' in t]
    with pytest.raises(Refusal):
        settle(run, {"columns": {"name": "full_name", "mail": "email"}}, rep)


def test_a_read_only_field_stays(rep: Any, api: Any, client_for: Any) -> None:
    made = create_record(of="customer", data={"last_name": "Kept", "source": "Fair"}, actor=rep)
    FieldRight.objects.create(role=rep.role, entity="customer", field="source", level="read")
    forget_rights(rep)
    assert api(rep).patch(f"/api/v1/customers/{made.pk}", {"source": "x"}).status_code == 400
    client_for(rep).post(f"/customers/{made.pk}/fields/source", {"source": "x"})
    client_for(rep).post(f"/customers/{made.pk}/edit", {"last_name": "Kept", "source": "x", "assigned_user": str(rep.pk), "status": "LEAD"})
    client_for(rep).post("/customers/bulk/set", {"ids": [str(made.pk)], "field": "source", "source": "x"})
    assert api(rep).post("/api/v1/customers", {"last_name": "New", "source": "x"}).status_code == 400
    made.refresh_from_db()
    assert made.source == "Fair"


FORBIDDEN = {
    "id": "01890000-0000-7000-8000-000000000000", "created_by": "x", "created_at": "2001-01-01T00:00:00Z", "updated_at": "2001-01-01T00:00:00Z",
    "deleted_at": "2001-01-01T00:00:00Z", "version": 99, "search_text": "x", "sort_key": "x", "pk": "x", "last_activity_at": "2001-01-01",
    "_state": "x", "is_admin": True, "role": "x", "assigned_user__password": "x", "assigned_user.role": "x",
}


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_what_nobody_may_set_is_refused(rep: Any, api: Any, client_for: Any, name: str) -> None:
    made = create_record(of="customer", data={"last_name": "Whole", "email": "whole@example.com"}, actor=rep)
    before = Customer.everything.filter(pk=made.pk).values().get()
    client = api(rep)
    for answer in (
        client.post("/api/v1/customers", {"last_name": "New", name: FORBIDDEN[name]}),
        client.patch(f"/api/v1/customers/{made.pk}", {name: FORBIDDEN[name]}),
        client.put(f"/api/v1/customers/{made.pk}", {"last_name": "Whole", name: FORBIDDEN[name]}),
    ):
        # The version in a body is a question, not a value: an old one is refused as such.
        assert answer.status_code in (400, 412) or name == "version", answer.content
    if name != "version":
        client_for(rep).post(f"/customers/{made.pk}/fields/last_name", {"last_name": "Whole", name: str(FORBIDDEN[name])})
        client_for(rep).post(f"/customers/{made.pk}/fields/{name}", {name: str(FORBIDDEN[name])})
        client_for(rep).post("/customers/bulk/set", {"ids": [str(made.pk)], "field": name, name: str(FORBIDDEN[name])})
        after = Customer.everything.filter(pk=made.pk).values().get()
        assert after == before


@pytest.mark.parametrize("body", [
    b'{"last_name": "A", "last_name": "B"}', b'{"assigned_user": {"id": {"id": "x"}}}', b'{"assigned_user": ["x"]}', b'{"assigned_user": {"password": "x"}}',
    b'{"custom": {"__class__": 1}}', b'{"custom": "{\\"a\\": 1}"}', b'[]', b'null', b'"x"', b'{"last_name": "\\ud800"}', b'{"custom": {"a": "\\u0000"}}',
    b'{"last_name": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", b'{"last_name": 1e400}', b'{"last_name": ' + b"9" * 5000 + b"}", b"\xff\xfe{}",
    b'{"birthday": "0000-00-00"}',
])
def test_odd_bodies_are_refused(rep: Any, api: Any, body: bytes) -> None:
    client = api(rep)
    answer = client.generic("POST", "/api/v1/customers", body, content_type="application/json")
    assert answer.status_code == 400, answer.content[:300]
    assert answer.json()["success"] is False


def test_nobody_raises_himself(rep: Any, manager: Any, admin: Any, api: Any, client_for: Any) -> None:
    before = User.objects.filter(pk=rep.pk).values().get()
    admin_role, client = str(admin.role_id), api(rep)
    for data in ({"role": admin_role}, {"is_superuser": True}, {"is_staff": True}, {"team": None}, {"groups": [1]}, {"is_active": True, "email": "x@y.org"},
                 {"password": "x"}, {"auth_epoch": 0}):
        assert client.patch(f"/api/v1/users/{rep.pk}", data).status_code in (400, 403, 404), data
        assert client.patch("/api/v1/auth/me", data).status_code in (400, 403, 404, 405), data
    client_for(rep).post("/settings/profile", {
        "first_name": before["first_name"], "last_name": before["last_name"], "language": "en", "time_zone": "Europe/Berlin", "theme": "auto",
        "density": "default",
        "role": admin_role, "is_superuser": "1", "email": "x@y.org", "team": "", "is_staff": "on",
    })
    after = User.objects.filter(pk=rep.pk).values().get()
    for name in ("role_id", "team_id", "is_active", "email", "password"):
        assert after[name] == before[name]
    # Nobody invites above himself, or gives what he lacks.
    for person in (rep, manager):
        assert api(person).post("/api/v1/users", {"email": "new@example.com", "role": admin_role}).status_code in (400, 403)
        assert client_for(person).post("/settings/users/invite", {"email": "n@example.com", "role": admin_role}).status_code == 403
        assert client_for(person).get(f"/settings/roles/{person.role_id}").status_code in (403, 404)


def test_who_manages_users_gives_no_more_than_he_has(manager: Any, rep: Any, admin: Any, api: Any, client_for: Any) -> None:
    for action in ("view", "create", "change", "delete", "manage"):
        RolePermission.objects.update_or_create(role=manager.role, entity="user", action=action, defaults={"scope": "all"})
    RolePermission.objects.create(role=manager.role, entity="role", action="change", scope="all")
    forget_rights(manager)
    client = api(manager)
    for path, data in ((f"/api/v1/users/{rep.pk}", {"role": str(admin.role_id)}), (f"/api/v1/users/{manager.pk}", {"role": str(admin.role_id)}),
                       (f"/api/v1/users/{admin.pk}", {"email": "mine@example.com"}), (f"/api/v1/users/{admin.pk}", {"role": str(rep.role_id)})):
        assert client.patch(path, data).status_code in (400, 403), (path, data)
    assert client.post(f"/api/v1/users/{admin.pk}/deactivate", {}).status_code in (400, 403, 404, 409)
    cells = [{"entity": "settings", "action": "change", "scope": "all"}]
    assert client.put(f"/api/v1/roles/{rep.role_id}/rights", {"permissions": cells}).status_code in (400, 403)
    assert client.put(f"/api/v1/roles/{manager.role_id}/rights", {"permissions": []}).status_code in (400, 403)
    admin.refresh_from_db()
    assert admin.is_active
    assert admin.email == "admin@example.com"


def test_no_answer_carries_a_secret(admin: Any, api: Any) -> None:
    client = api(admin)
    admin.set_password("wide-open-steppe-43")
    admin.save()
    client.force_login(admin)
    for path in ("/api/v1/users", f"/api/v1/users/{admin.pk}", f"/api/v1/users/{admin.pk}/versions", "/api/v1/auth/me", "/api/v1/activity-logs",
                 "/api/v1/customers?include=assigned_user",
                 "/settings/audit", f"/history/user/{admin.pk}", "/settings/audit/export"):
        text = content_of(client.get(path))
        for word in ("bcrypt", "pbkdf2", "argon2", "token_hash"):
            assert word not in text, (path, word)


def test_who_looks_as_a_role_writes_nothing_by_any_door(admin: Any, rep: Any, client_for: Any) -> None:
    made = create_record(of="customer", data={"last_name": "Whole"}, actor=rep)
    client: Client = client_for(admin)
    client.post(f"/settings/roles/{rep.role_id}/preview")
    assert client.get("/settings/audit").status_code in (403, 404)
    assert client.get(f"/customers/{made.pk}").status_code == 404
    assert client.get("/export?entity=customer").status_code == 403
    for path, data in ((f"/customers/{made.pk}/delete", {}), ("/customers/new", {"last_name": "New"}),
                       (f"/customers/{made.pk}/fields/last_name", {"last_name": "x"}),
                       ("/customers/bulk/delete", {"all": "1"}), (f"/settings/roles/{rep.role_id}/delete", {})):
        for headers in ({}, {"HTTP_HX_REQUEST": "true"}):
            assert client.post(path, data, **headers).status_code in (204, 302)
    made.refresh_from_db()
    assert (made.last_name, made.deleted_at) == ("Whole", None)
    assert Customer.objects.count() == 1
    client.post("/settings/roles/preview/end")
    assert client.get(f"/customers/{made.pk}").status_code == 200


def test_the_condition_of_a_permission_holds_at_every_door(rep: Any, api: Any, client_for: Any) -> None:
    """A15: a role that may view its own leads only."""
    lead = create_record(of="customer", data={"last_name": "Leading", "status": "LEAD"}, actor=rep)
    other = create_record(of="customer", data={"last_name": CANARY, "status": "CUSTOMER"}, actor=rep)
    tree = {"version": 1, "all": [{"field": "status", "op": "is", "value": "LEAD"}]}
    RolePermission.objects.filter(role=rep.role, entity="customer", action="view").update(condition=tree)
    forget_rights(rep)
    client = client_for(rep)
    assert client.get(f"/customers/{lead.pk}").status_code == 200
    for address in (f"/customers/{other.pk}", f"/customers/{other.pk}/timeline", f"/history/customer/{other.pk}", f"/access/customer/{other.pk}",
                    f"/api/v1/customers/{other.pk}", f"/api/v1/customers/{other.pk}/timeline"):
        assert client.get(address).status_code == 404, address
    for address in ("/customers", "/customers/facets", f"/search?q={CANARY[:5]}", "/options/customer", "/export?entity=customer", "/api/v1/customers",
                    "/api/v1/customers/export", "/reports/customers", "/home"):
        assert CANARY not in content_of(client.get(address)), address
    assert client.post(f"/customers/{other.pk}/delete").status_code == 404
    client.post("/customers/bulk/delete", {"ids": [str(other.pk)]})
    assert Customer.objects.filter(pk=other.pk).exists()


@pytest.mark.parametrize("level", ["read", "hidden"])
def test_an_undo_writes_no_field_that_one_may_not_write_any_more(rep: Any, level: str) -> None:
    """An undo is a write of today: what has been locked since stays, the rest goes back."""
    made = create_record(of="deal", data={"title": "Before", "value": "100.00", "source": "Fair"}, actor=rep)
    with intend(actor=rep) as mark:
        update_record(obj=made, data={"title": "After", "value": "200.00", "source": "Web"}, actor=rep)
    for name in ("value", "source"):
        FieldRight.objects.create(role=rep.role, entity="deal", field=name, level=level)
    forget_rights(rep)
    undo(change_set=ChangeSet.objects.get(pk=mark.id), actor=rep)
    made.refresh_from_db()
    assert (made.title, str(made.value), made.source) == ("Before", "200.00", "Web")
    assert made.value_base == Deal.objects.get(pk=made.pk).value_base == made.value
