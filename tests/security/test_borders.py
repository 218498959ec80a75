"""The border between two teams, at every door (AZ-02, 04, 05, 07, 08, 10, 11, 13, 14, 17, 19, 20, 22)."""

import json
from base64 import urlsafe_b64decode
from io import BytesIO
from re import findall
from typing import Any

import pytest

from crm.access.services import share_record, unshare_record
from crm.activity.intention import intend
from crm.activity.models import ActivityLog, ChangeSet
from crm.activity.undo import undo
from crm.jobs.engine import enqueue
from crm.lib.errors import Conflict, Missing, Refusal
from crm.records.services import create_record, delete_record, update_record
from crm.transfer.services import receive
from customers.models import Customer, CustomerContact
from customers.services import add_contact_method
from tests.security.conftest import CANARY, a_document, content_of, tells

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine(rep: Any) -> Any:
    """Return a customer of ``rep``."""
    return create_record(of="customer", data={"last_name": "Mine", "email": "mine@example.com"}, actor=rep)


@pytest.mark.parametrize("page", ["", "/edit", "/timeline", "/neighbours", "/panels/notes", "/compose/note", "/fields/email", "/fields/email/edit"])
def test_parts_of_a_page_are_not_there_either(theirs: dict[str, Any], rep: Any, client_for: Any, page: str) -> None:
    for headers in ({}, {"HTTP_HX_REQUEST": "true"}):
        answer = client_for(rep).get(f"/customers/{theirs['customer'].pk}{page}", **headers)
        assert answer.status_code == 404
        assert CANARY not in content_of(answer)


WRITES = (
    ("/customers/{customer}/edit", {"last_name": "Owned", "version": "1"}),
    ("/customers/{customer}/fields/last_name", {"last_name": "Owned"}),
    ("/customers/{customer}/delete", {}), ("/customers/{customer}/archive", {}), ("/customers/{customer}/star", {}),
    ("/customers/{customer}/compose/note", {"content": "x"}), ("/customers/{customer}/contacts/new", {"kind": "email", "value": "x@y.org"}),
    ("/companies/{company}/relationships/new", {"kind": "PARTNER"}), ("/deals/{deal}/move", {"stage": "CLOSED_WON"}),
    ("/tasks/{task}/complete", {}), ("/tasks/{task}/status", {"status": "COMPLETED"}), ("/notes/{note}/pin", {}), ("/notes/{note}/delete", {}),
    ("/comments/on/customer/{customer}", {"content": "x"}), ("/comments/{comment}/delete", {}), ("/documents/{document}/delete", {}),
    ("/documents/{document}/replace", {}), ("/documents/on/customer/{customer}", {}), ("/history/customer/{customer}/rollback", {}),
    ("/access/customer/{customer}/share", {"whom": "user", "level": "change"}), ("/merge/customer/{customer}", {}),
    ("/trash/customer/{customer}/restore", {}),
)


@pytest.mark.parametrize(("address", "data"), WRITES)
def test_no_form_writes_across_the_border(theirs: dict[str, Any], rep: Any, client_for: Any, address: str, data: dict[str, str]) -> None:
    before = ActivityLog.objects.filter(kind="change").count()
    path = address.format(**{k: r.pk for k, r in theirs.items()})
    for headers in ({}, {"HTTP_HX_REQUEST": "true"}):
        answer = client_for(rep).post(path, data, **headers)
        assert answer.status_code in (403, 404), answer.status_code
        assert CANARY not in content_of(answer)
    assert ActivityLog.objects.filter(kind="change").count() == before


def test_a_bulk_act_touches_only_ones_own(theirs: dict[str, Any], mine: Any, rep: Any, client_for: Any, api: Any) -> None:
    other = theirs["customer"]
    client = client_for(rep)
    sent = client.post("/customers/bulk/delete", {"ids": [str(mine.pk), str(other.pk)]}, HTTP_HX_REQUEST="true")
    assert CANARY not in content_of(sent)
    assert Customer.objects.filter(pk=other.pk).exists()
    assert not Customer.objects.filter(pk=mine.pk).exists()
    client.post("/customers/bulk/archive", {"all": "1"})
    other.refresh_from_db()
    assert other.archived_at is None
    again = api(rep).post("/api/v1/customers/bulk", {"operations": [{"op": "delete", "id": str(other.pk)}]}, format="json")
    assert CANARY not in content_of(again)
    assert Customer.objects.filter(pk=other.pk).exists()


def test_a_misspelt_filter_never_means_everything(rep: Any, api: Any, client_for: Any, mine: Any) -> None:
    for path in ("/api/v1/customers?ownr=5", "/api/v1/customers/export?ownr=5", "/api/v1/customers?status__inn=x", "/api/v1/customers?id__in="):
        answer = api(rep).get(path)
        assert answer.status_code == 400 or (path.endswith("=") and answer.json()["data"] == []), path
    # A page leaves out what it cannot read, and then must not act on all.
    broken = json.dumps([{"field": "ownr", "op": "is", "value": "x"}])
    client_for(rep).post("/customers/bulk/delete", {"all": "1", "filter": broken})
    assert Customer.objects.filter(pk=mine.pk).exists()
    listed = client_for(rep).get("/export", {"entity": "customer", "filter": broken})
    assert "Mine" not in content_of(listed)


LOOKS = (
    "/search?q={c}", "/palette?q={c}", "/palette?q=%23{c}", "/options/customer?q={c}", "/options/company?q={c}", "/options/deal?q={c}",
    "/customers?q={c}", "/customers?facets=1", "/customers/facets", "/customers/sums", "/deals?facets=1", "/deals/sums", "/deals", "/reports/sales",
    "/reports/customers", "/reports/activities", "/dashboards", "/home", "/trash", "/changes", "/jobs", "/imports", "/notifications",
    "/export?entity=customer", "/export?entity=deal&format=xlsx", "/tasks", "/settings/profile", "/notifications/popover",
    "/api/v1/search?q={c}", "/api/v1/reports/sales", "/api/v1/reports/dashboard", "/api/v1/activity-logs", "/api/v1/change-sets",
    "/api/v1/notes", "/api/v1/documents", "/api/v1/jobs", "/api/v1/imports", "/api/v1/customers/trash", "/api/v1/deals/export",
)


@pytest.mark.parametrize("address", LOOKS)
def test_no_canary_and_no_prime_anywhere(theirs: dict[str, Any], rep: Any, client_for: Any, address: str) -> None:
    # What one typed comes back; what was found does not.
    text = content_of(client_for(rep).get(address.format(c=CANARY[:-1])))
    if "/palette?q=%23" not in address and "facets" not in address:  # the names of tags are everybody's
        assert CANARY not in text, text[max(0, text.index(CANARY) - 200) : text.index(CANARY) + 100]
    assert not any(tells(text, figure) for figure in ("7919", "7919.00", "7,919", "7,919.00"))


def test_a_link_to_a_hidden_record_shows_no_name(theirs: dict[str, Any], mine: Any, rep: Any, client_for: Any, api: Any) -> None:
    """AZ-10: whoever made the link, its reader sees that there is one and nothing of it."""
    Customer.objects.filter(pk=mine.pk).update(company=theirs["company"])
    url = f"/customers/{mine.pk}"
    looked = (
        url, f"{url}?peek=1", f"{url}/edit", f"{url}/fields/company", f"{url}/fields/company/edit", f"{url}/timeline", f"/history/customer/{mine.pk}",
        "/customers", "/customers?columns=company&sort=company", "/customers?group=company", "/customers/facets", f"/merge/customer/{mine.pk}",
        "/export?entity=customer", "/export?entity=customer&columns=company&sort=company", f"/access/customer/{mine.pk}",
    )
    for address in looked:
        answer = client_for(rep).get(address)
        assert answer.status_code == 200, address
        assert CANARY not in content_of(answer), address
    for address in (f"/api/v1/customers/{mine.pk}", f"/api/v1/customers/{mine.pk}?include=company", "/api/v1/customers?sort=company&cursor=&limit=1",
                    f"/api/v1/customers/{mine.pk}/versions", f"/api/v1/customers/{mine.pk}/timeline"):
        assert CANARY not in content_of(api(rep).get(address)), address
    # The form gives back what it showed, and the link stays.
    sent = client_for(rep).post(f"{url}/edit", {"last_name": "Renamed", "company": str(theirs["company"].pk), "assigned_user": str(rep.pk), "status": "LEAD"})
    assert sent.status_code == 302, content_of(sent)
    mine.refresh_from_db()
    assert (mine.last_name, mine.company_id) == ("Renamed", theirs["company"].pk)


def test_the_cursor_of_a_list_tells_no_hidden_name(theirs: dict[str, Any], rep: Any, client_for: Any) -> None:
    for n in range(52):
        create_record(of="customer", data={"last_name": f"N{n:02}"}, actor=rep)
    Customer.objects.filter(assigned_user=rep).update(company=theirs["company"])
    seen: set[str] = set()
    after = ""
    for _page in range(2):
        text = content_of(client_for(rep).get(f"/customers?sort=company&after={after}"))
        seen |= set(findall(r"\bN\d\d\b", text))
        cursors = findall(r"after=([A-Za-z0-9_-]{8,})", text)
        for cursor in cursors:
            assert CANARY.encode() not in urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        after = cursors[-1] if cursors else after
    assert len(seen) == 52


def test_nothing_is_linked_or_merged_across_the_border(theirs: dict[str, Any], mine: Any, rep: Any, manager: Any, client_for: Any) -> None:
    for data in ({"company": str(theirs["company"].pk)}, {"company": theirs["company"].name}):
        try:
            update_record(obj=Customer.objects.get(pk=mine.pk), data=data, actor=rep)
        except Refusal as refusal:
            assert CANARY not in refusal.message.lower() or data["company"] == theirs["company"].name
        mine.refresh_from_db()
        assert mine.company_id != theirs["company"].pk
    for survivor, other in ((mine, theirs["customer"]), (theirs["customer"], mine)):
        answer = client_for(manager).post(f"/merge/customer/{survivor.pk}", {"other": str(other.pk)})
        assert answer.status_code == 404
    assert Customer.objects.filter(pk__in=[mine.pk, theirs["customer"].pk]).count() == 2


def test_files_go_with_their_record(theirs: dict[str, Any], rep: Any, rep2: Any, client_for: Any, api: Any) -> None:
    pk = theirs["document"].pk
    for address in (f"/documents/{pk}/download", f"/documents/{pk}/preview", f"/documents/{pk}/download?version=1"):
        assert client_for(rep).get(address).status_code == 404
        assert client_for(rep).get(address, HTTP_RANGE="bytes=0-3").status_code == 404
        assert client_for(None).get(address).status_code in (302, 303)
        assert CANARY in content_of(client_for(rep2).get(address))
    for address in (f"/api/v1/documents/{pk}", f"/api/v1/documents/{pk}/content", f"/api/v1/documents/{pk}/files"):
        assert api(rep).get(address).status_code in (404, 405)
    # With the record in the trash its documents, notes and comments are gone from every door.
    delete_record(obj=theirs["customer"], actor=rep2)
    for address in (f"/documents/{pk}/download", f"/api/v1/documents/{pk}/content", f"/api/v1/notes/{theirs['note'].pk}",
                    f"/comments/on/customer/{theirs['customer'].pk}"):
        client = client_for(rep2)
        assert (client.post(address, {"content": "x"}) if "comments" in address else client.get(address)).status_code == 404, address


def test_a_right_that_was_lost_is_lost_at_every_door(mine: Any, rep: Any, rep2: Any, admin: Any, client_for: Any, api: Any) -> None:
    """AZ-19: moved to another team; the old page, its buttons, its tag and its undo are dead."""
    client = client_for(rep)
    tag = api(rep).get(f"/api/v1/customers/{mine.pk}")["ETag"]
    with intend(actor=rep) as mark:
        contact = add_contact_method(customer=mine, data={"kind": "EMAIL", "value": "second@example.com"}, actor=rep)
    made = ChangeSet.objects.get(pk=mark.id)
    with intend(actor=rep) as mark:
        update_record(obj=Customer.objects.get(pk=mine.pk), data={"last_name": f"{CANARY} before"}, actor=rep)
    changed = ChangeSet.objects.get(pk=mark.id)
    a_document(Customer.objects.get(pk=mine.pk), rep)
    update_record(obj=Customer.objects.get(pk=mine.pk), data={"assigned_user": str(rep2.pk), "first_name": "7919"}, actor=admin)
    assert api(rep).get(f"/api/v1/customers/{mine.pk}", HTTP_IF_NONE_MATCH=tag).status_code == 404
    assert client.get(f"/customers/{mine.pk}/fields/last_name").status_code == 404
    assert client.get(f"/history/customer/{mine.pk}").status_code == 404
    for one in (made, changed):
        with pytest.raises(Refusal):
            undo(change_set=one, actor=rep)
        page = client.get(f"/changes/{one.pk}")
        assert "7919" not in content_of(page)
    assert CustomerContact.objects.filter(pk=contact.pk).exists()
    assert Customer.objects.get(pk=mine.pk).last_name == f"{CANARY} before"


def test_a_share_gives_what_it_says(theirs: dict[str, Any], rep: Any, manager2: Any, client_for: Any, api: Any) -> None:
    other = theirs["customer"]
    share_record(obj=other, user=rep, team=None, may_change=False, actor=manager2)
    assert client_for(rep).get(f"/customers/{other.pk}").status_code == 200
    assert client_for(rep).post(f"/customers/{other.pk}/fields/last_name", {"last_name": "x"}).status_code in (403, 404)
    assert api(rep).patch(f"/api/v1/customers/{other.pk}", {"last_name": "x"}, format="json").status_code == 403
    share_record(obj=other, user=rep, team=None, may_change=True, actor=manager2)
    assert api(rep).patch(f"/api/v1/customers/{other.pk}", {"last_name": "x"}, format="json").status_code == 200
    assert api(rep).delete(f"/api/v1/customers/{other.pk}").status_code == 403
    for data in ({"whom": f"user:{rep.pk}", "level": "change"},):
        assert client_for(rep).post(f"/access/customer/{other.pk}/share", data).status_code == 403
    unshare_record(obj=other, user=rep, team=None, actor=manager2)
    assert client_for(rep).get(f"/customers/{other.pk}").status_code == 404
    # A grant dies with its record: the same key made again is nobody's.
    share_record(obj=other, user=rep, team=None, may_change=True, actor=manager2)
    delete_record(obj=other, actor=manager2)
    assert client_for(rep).get(f"/customers/{other.pk}").status_code == 404
    again = create_record(of="customer", data={"last_name": "Again", "email": f"{CANARY}@example.com"}, actor=manager2)
    assert client_for(rep).get(f"/customers/{again.pk}").status_code == 404


def test_what_others_run_is_theirs(theirs: dict[str, Any], rep: Any, rep2: Any, client_for: Any, api: Any) -> None:
    job = enqueue("lists.bulk", params={}, user=rep2, label=CANARY)
    run = receive(file=BytesIO(f"last name\n{CANARY}\n".encode()), name=f"{CANARY}.csv", of="customer", actor=rep2)
    with intend(actor=rep2, label=CANARY) as mark:
        update_record(obj=Customer.objects.get(pk=theirs["customer"].pk), data={"first_name": "x"}, actor=rep2)
    client = client_for(rep)
    for address in (f"/jobs/{job.pk}", f"/imports/{run.pk}", f"/imports/{run.pk}/errors", f"/imports/{run.pk}/undo", f"/changes/{mark.id}",
                    f"/api/v1/jobs/{job.pk}", f"/api/v1/imports/{run.pk}", f"/api/v1/imports/{run.pk}/errors", f"/api/v1/change-sets/{mark.id}"):
        answer = client.get(address)
        assert answer.status_code == 404, address
        assert CANARY not in content_of(answer)
    for address in (f"/jobs/{job.pk}/cancel", f"/jobs/{job.pk}/retry", f"/imports/{run.pk}/run", f"/imports/{run.pk}/stop", f"/imports/{run.pk}/forget",
                    f"/imports/{run.pk}", f"/changes/{mark.id}/undo", f"/api/v1/jobs/{job.pk}/cancel", f"/api/v1/imports/{run.pk}/run",
                    f"/api/v1/change-sets/{mark.id}/undo"):
        answer = api(rep).post(address) if "/api/" in address else client.post(address)
        assert answer.status_code == 404, (address, answer.status_code)
    job.refresh_from_db()
    assert job.state == "queued"


def test_private_notes_are_their_authors_alone(mine: Any, rep: Any, admin: Any, manager: Any, client_for: Any, api: Any) -> None:
    note = create_record(of="note", actor=rep, data={
        "content": f"{CANARY} secret", "title": f"{CANARY} title", "entity": "customer", "record_id": str(mine.pk), "is_private": True,
    })
    update_record(obj=note, data={"content": f"{CANARY} changed"}, actor=rep)
    for person in (admin, manager):
        client = client_for(person)
        for address in (
            f"/customers/{mine.pk}", f"/customers/{mine.pk}/timeline", f"/customers/{mine.pk}/panels/notes", f"/search?q={CANARY[:5]}", "/settings/audit",
            "/settings/audit?entity=note", "/changes", "/notifications", f"/api/v1/customers/{mine.pk}/notes", f"/api/v1/customers/{mine.pk}/timeline",
            "/api/v1/notes", "/api/v1/notes/export", "/api/v1/activity-logs?entity=note", f"/api/v1/search?q={CANARY[:5]}", "/settings/audit/export",
            "/api/v1/activity-logs",
        ):
            assert CANARY not in content_of(client.get(address)), (person, address)
        for address in (f"/api/v1/notes/{note.pk}", f"/api/v1/notes/{note.pk}/versions"):
            assert client.get(address).status_code == 404, (person, address)
        assert client.post(f"/notes/{note.pk}/delete").status_code == 404


def test_saved_views_of_others(rep: Any, rep2: Any, admin: Any, client_for: Any, api: Any) -> None:
    view = create_record(of="saved_view", data={"name": CANARY, "entity": "customer", "sharing": "private"}, actor=rep2)
    assert client_for(rep).get(f"/customers?view={view.pk}").status_code == 404
    assert client_for(rep).get(f"/export?entity=customer&view={view.pk}").status_code == 404
    assert client_for(rep).post(f"/customers/views/{view.pk}/update", {}).status_code == 404
    assert client_for(rep).post(f"/customers/views/{view.pk}", {"delete": "1"}).status_code == 404
    assert api(rep).get(f"/api/v1/views/{view.pk}").status_code == 404
    assert api(rep).get(f"/api/v1/customers?view={view.pk}").status_code in (400, 404)
    shared = create_record(of="saved_view", data={"name": "shared", "entity": "customer", "sharing": "everyone"}, actor=rep2)
    assert client_for(rep).get(f"/customers?view={shared.pk}").status_code == 200
    assert client_for(rep).post(f"/customers/views/{shared.pk}/update", {}).status_code == 403


def test_deleted_records_answer_to_nobody(mine: Any, rep: Any, rep2: Any, client_for: Any, api: Any) -> None:
    deal = create_record(of="deal", data={"title": "On it", "customer": str(mine.pk)}, actor=rep)
    Customer.objects.filter(pk=mine.pk).update(first_name=CANARY)
    delete_record(obj=Customer.objects.get(pk=mine.pk), actor=rep)
    for address in (f"/customers/{mine.pk}/edit", f"/access/customer/{mine.pk}", f"/merge/customer/{mine.pk}",
                    f"/api/v1/customers/{mine.pk}", f"/api/v1/customers/{mine.pk}/timeline", f"/api/v1/customers/{mine.pk}/versions"):
        assert client_for(rep).get(address).status_code == 404, address
    for address in ("/customers", f"/search?q={CANARY[:4]}", "/options/customer", "/export?entity=customer", f"/api/v1/deals/{deal.pk}"):
        assert CANARY not in content_of(client_for(rep).get(address)), address
    assert client_for(rep2).post(f"/trash/customer/{mine.pk}/restore").status_code == 404
    assert api(rep2).post(f"/api/v1/customers/{mine.pk}/restore").status_code == 404
    assert client_for(rep2).get(f"/customers/{mine.pk}").status_code == 404


@pytest.mark.parametrize("spelling", [
    "//customers/{pk}", "/Customers/{pk}", "/customers/{pk}/.", "/customers/%2e%2e/customers/{pk}", "/customers/{pk}.json", "/customers/{pk}?format=json",
    "/api/v1/customers/{pk}?format=api", "/api/v1/customers/{pk}.json", "/api/v1//customers/{pk}", "/api/v1/customers/{PK}", "/api/v0/customers/{pk}",
])
def test_another_spelling_gives_no_other_verdict(theirs: dict[str, Any], rep: Any, client_for: Any, spelling: str) -> None:
    pk = str(theirs["customer"].pk)
    for method in ("GET", "HEAD", "OPTIONS"):
        answer = client_for(rep).generic(method, spelling.format(pk=pk, PK=pk.upper()))
        assert answer.status_code in (204, 301, 302, 400, 404, 405) or (method == "OPTIONS" and answer.status_code == 200)
        assert CANARY not in content_of(answer)
    for headers in ({"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"}, {"HTTP_X_METHOD_OVERRIDE": "DELETE"}):
        client_for(rep).post(f"/api/v1/customers/{pk}", {"_method": "DELETE"}, **headers)
    assert Customer.objects.filter(pk=pk).exists()


def test_undo_twice_is_once(mine: Any, rep: Any) -> None:
    with intend(actor=rep) as mark:
        update_record(obj=Customer.objects.get(pk=mine.pk), data={"last_name": "Other"}, actor=rep)
    found = ChangeSet.objects.get(pk=mark.id)
    undo(change_set=found, actor=rep)
    with pytest.raises((Conflict, Missing)):
        undo(change_set=found, actor=rep)
    assert Customer.objects.get(pk=mine.pk).last_name == "Mine"
