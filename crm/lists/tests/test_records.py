"""Record pages: fields edited in place, forms, acts on many, and who may."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from communications.models import Interaction
from crm.accounts.models import FieldRight, User
from crm.activity.models import ChangeSet
from crm.activity.undo import undo
from crm.lists.models import Favourite
from crm.records.models import Note, Tag
from crm.testing.text import without_ids
from customers.models import Customer
from customers.tests.factories import CustomerFactory
from tasks.models import Task

pytestmark = pytest.mark.django_db


def test_a_record_page_keeps_its_budget(
    client_for: Callable[[Any], Client], rep: User, django_assert_max_num_queries: Any
) -> None:
    """At most eight statements; tabs and panels come later."""
    record = CustomerFactory(assigned_user=rep)
    client = client_for(rep)
    client.get(f"/customers/{record.pk}")
    with django_assert_max_num_queries(8):
        assert client.get(f"/customers/{record.pk}").status_code == 200


def test_others_find_nothing(client_for: Callable[[Any], Client], rep: User, rep2: User) -> None:
    """Every address of a record that one may not see answers 404, and nothing changes."""
    record = CustomerFactory(assigned_user=rep)
    client = client_for(rep2)
    base = f"/customers/{record.pk}"
    for path in ("", "/edit", "/timeline", "/panels/deals", "/fields/status", "/fields/status/edit", "/neighbours", "/live?fields=*", "/counts", "/duplicates"):
        assert client.get(base + path).status_code == 404, path
    for path in ("/delete", "/archive", "/star", "/fields/status", "/compose", "/restore"):
        assert client.post(base + path, {"status": "CUSTOMER", "content": "x"}).status_code == 404, path
    client.post("/customers/bulk/delete", {"ids": [str(record.pk)]})
    assert Customer.objects.filter(pk=record.pk).exists()


def test_a_field_is_saved_where_it_stands(client_for: Callable[[Any], Client], rep: User) -> None:
    """A good value comes back drawn, a bad one answers 422 with the editor and the reason."""
    record = CustomerFactory(assigned_user=rep, job_title="Old")
    client = client_for(rep)
    good = client.post(f"/customers/{record.pk}/fields/job_title", {"job_title": "New", "version": record.version})
    assert good.status_code == 200
    assert json.loads(good["HX-Trigger"])["record:changed"]["id"] == str(record.pk)
    record.refresh_from_db()
    assert record.job_title == "New"
    bad = client.post(f"/customers/{record.pk}/fields/email", {"email": "nonsense"})
    assert bad.status_code == 422
    assert b"crm-inline" in bad.content


def test_a_contested_field_shows_both_values(client_for: Callable[[Any], Client], rep: User) -> None:
    """Somebody else was faster: 412 with both values, and “keep mine” wins."""
    record = CustomerFactory(assigned_user=rep, job_title="Old")
    client = client_for(rep)
    url = f"/customers/{record.pk}/fields/job_title"
    client.post(url, {"job_title": "Theirs"})
    contested = client.post(url, {"job_title": "Mine", "version": record.version})
    assert contested.status_code == 412
    assert b"Theirs" in contested.content
    assert f"{rep.name} set".encode() in contested.content
    asked = re.search(rb'name="version" value="(\d+)"', contested.content)
    assert asked is not None
    assert client.post(url, {"job_title": "Mine", "version": asked[1].decode()}).status_code == 200
    record.refresh_from_db()
    assert record.job_title == "Mine"


def test_a_form_asks_only_for_what_both_changed(client_for: Callable[[Any], Client], rep: User) -> None:
    """Untouched fields give way; a contested one shows both values, and “theirs” lets it be."""
    record = CustomerFactory(assigned_user=rep, first_name="Ana", last_name="B", job_title="Old", department="Old")
    client = client_for(rep)
    url = f"/customers/{record.pk}/edit"
    read = {"version": record.version, "first_name": "Ana", "last_name": "B", "job_title": "Old", "department": "Old",
            "status": record.status, "assigned_user": str(rep.pk), "email": record.email or "", "company": record.company_id or ""}
    client.post(f"/customers/{record.pk}/fields/job_title", {"job_title": "Theirs"})
    client.post(f"/customers/{record.pk}/fields/department", {"department": "Theirs"})
    asked = client.post(url, {**read, "department": "Mine", "last_name": "C"})
    assert asked.status_code == 412
    html = asked.content.decode()
    assert 'name="keep.department"' in html
    assert 'name="keep.job_title"' not in html
    version = re.search(r'name="version" value="(\d+)"', html)
    assert version is not None
    again = {**read, "department": "Mine", "last_name": "C", "keep.department": "theirs", "job_title": "Theirs", "version": version[1]}
    assert client.post(url, again).status_code == 302
    record.refresh_from_db()
    assert (record.department, record.job_title, record.last_name) == ("Theirs", "Theirs", "C")


def test_a_form_keeps_what_was_typed(client_for: Callable[[Any], Client], rep: User) -> None:
    """A refused form answers 422 with the values and the errors tied to their fields."""
    client = client_for(rep)
    bad = client.post("/customers/new", {"first_name": "Ana", "email": "nonsense", "asked": ["first_name", "email"]})
    assert bad.status_code == 422
    html = bad.content.decode()
    assert 'value="Ana"' in html
    assert 'aria-invalid="true"' in html
    good = client.post("/customers/new", {"first_name": "Ana", "email": "ana@example.com", "asked": ["first_name", "email"]})
    assert good.status_code == 302
    made = Customer.objects.get(email="ana@example.com")
    assert made.assigned_user == rep
    assert good["Location"] == f"/customers/{made.pk}"


def test_many_are_deleted_and_come_back_with_one_undo(client_for: Callable[[Any], Client], rep: User) -> None:
    """One act is one change set, whatever the number of records."""
    records = [CustomerFactory(assigned_user=rep) for _ in range(5)]
    answer = client_for(rep).post("/customers/bulk/delete", {"ids": [str(r.pk) for r in records]})
    assert answer.status_code == 302
    assert not Customer.objects.exists()
    act = ChangeSet.objects.order_by("-created_at").first()
    assert act is not None
    undo(change_set=act, actor=rep)
    assert Customer.objects.count() == 5


def test_acting_on_all_matching_passes_the_filter(client_for: Callable[[Any], Client], rep: User, rep2: User) -> None:
    """Only what matches and what one may change is changed."""
    for status in ("LEAD", "LEAD", "PROSPECT"):
        CustomerFactory(assigned_user=rep, status=status)
    other = CustomerFactory(assigned_user=rep2, status="LEAD")
    tree = json.dumps([{"field": "status", "op": "is", "value": "LEAD"}])
    client_for(rep).post("/customers/bulk/set", {"all": "1", "filter": tree, "field": "status", "status": "CUSTOMER"})
    assert Customer.objects.filter(status="CUSTOMER").count() == 2
    other.refresh_from_db()
    assert other.status == "LEAD"


def test_an_unknown_act_is_not_there(client_for: Callable[[Any], Client], rep: User) -> None:
    """Only the declared acts have an address."""
    assert client_for(rep).post("/customers/bulk/explode", {"ids": []}).status_code == 404
    assert client_for(rep).post("/customers/bulk/set/form?field=nope", {"ids": []}).status_code == 404


def test_two_who_tag_one_record_both_win(client_for: Callable[[Any], Client], rep: User) -> None:
    """A form adds what it added and takes what it took; what somebody else tagged meanwhile stays."""
    record = CustomerFactory(assigned_user=rep)
    old, theirs, mine = (Tag.objects.create(name=name) for name in ("old", "theirs", "mine"))
    record.tags.set([old])
    record.tags.add(theirs)
    sent = {"tags": [str(mine.pk)], "tags.was": ["", str(old.pk)], "version": record.version}
    assert client_for(rep).post(f"/customers/{record.pk}/fields/tags", sent).status_code == 200
    assert {t.name for t in record.tags.all()} == {"theirs", "mine"}


def test_everything_is_written_from_the_composer_with_its_follow_up(client_for: Callable[[Any], Client], rep: User) -> None:
    """The composer writes, empties itself, and refuses nothing-at-all with 422 and what was typed."""
    record = CustomerFactory(assigned_user=rep)
    client, url = client_for(rep), f"/customers/{record.pk}/compose"
    answer = client.post(url, {"kind": "note", "content": "Hello **there**", "follow": "1", "follow_title": "Ring back", "follow_due": "2030-05-01T10:00"})
    assert answer.status_code == 200
    assert b"Hello" not in answer.content
    assert Note.objects.get().content == "Hello **there**"
    task = Task.objects.get()
    assert (task.title, task.customer, timezone.localtime(task.due_date).hour) == ("Ring back", record, 10)
    assert client.post(url, {"kind": "note", "content": " "}).status_code == 422
    call = {"kind": "call", "content": "About prices", "minutes": "12", "outcome": "Reached"}
    assert client.post(url, call).status_code == 200
    wrong = client.post(url, {**call, "content": "Kept as typed", "minutes": "many", "follow": "1"})
    assert wrong.status_code == 422
    assert b"Kept as typed" in wrong.content
    assert client.post(url, {"kind": "meeting", "subject": "Workshop", "when": "2031-01-01T09:00"}).status_code == 200
    assert Interaction.objects.get(subject="Workshop").completed_at is None
    assert client.post(url, {"kind": "task", "subject": "Send it", "due": ""}).status_code == 200
    assert client.post(url, {"kind": "dance", "content": "x"}).status_code == 422
    assert (Note.objects.count(), Task.objects.count(), Interaction.objects.count()) == (1, 2, 2)
    shown = client.get(f"/customers/{record.pk}/timeline").content.decode()
    assert "Hello <strong>there</strong>" in shown
    assert "12 min" in shown
    found = client.get(f"/customers/{record.pk}/timeline?q=prices&by={rep.pk}").content.decode()
    assert "About prices" in found
    assert "Hello" not in found


def test_what_changed_is_drawn_alone_and_only_as_it_may_be_seen(client_for: Callable[[Any], Client], rep: User) -> None:
    """The live answer holds the named fields and the new entries; a hidden field is not among them."""
    record = CustomerFactory(assigned_user=rep, job_title="Baker", phone="+14155550100")
    FieldRight.objects.create(role=rep.role, entity="customer", field="phone", level="hidden")
    text = client_for(rep).get(f"/customers/{record.pk}/live?fields=job_title,phone&until=").content.decode()
    assert f"#field-{record.pk}-job_title" in text
    assert text.count("hx-partial hx-target=\"#field-") == 1
    assert "555" not in without_ids(text)
    assert "#tl-first" in text


def test_a_likely_duplicate_is_offered_until_it_is_said_to_be_none(
    client_for: Callable[[Any], Client], manager: User, rep: User
) -> None:
    """The bar names it with the reasons; “not a duplicate” is remembered."""
    first = CustomerFactory(assigned_user=manager, first_name="Hana", last_name="Okafor")
    second = CustomerFactory(assigned_user=manager, first_name="Hanna", last_name="Okafor")
    CustomerFactory(assigned_user=manager, first_name="Bram", last_name="Okafor")
    client = client_for(manager)
    bar = client.get(f"/customers/{first.pk}/duplicates").content.decode()
    assert "Hanna Okafor" in bar
    assert "similar name" in bar
    assert "Bram" not in bar
    review = client.get(f"/merge/customer/{first.pk}?other={second.pk}")
    assert b"After" in review.content
    client.post(f"/merge/customer/{first.pk}/apart?other={second.pk}")
    assert "Hanna" not in client.get(f"/customers/{first.pk}/duplicates").content.decode()
    assert "Hana" not in client.get(f"/customers/{second.pk}/duplicates").content.decode()
    assert client_for(rep).post(f"/merge/customer/{first.pk}/apart?other={second.pk}").status_code == 404


def test_a_star_is_ones_own(client_for: Callable[[Any], Client], rep: User) -> None:
    """Starring twice takes it out again."""
    record = CustomerFactory(assigned_user=rep)
    client = client_for(rep)
    client.post(f"/customers/{record.pk}/star")
    assert Favourite.objects.filter(user=rep, record_id=record.pk).count() == 1
    assert str(record) in client.get("/badges").content.decode()
    client.post(f"/customers/{record.pk}/star")
    assert not Favourite.objects.exists()


def test_read_only_people_see_no_editors(client_for: Callable[[Any], Client], readonly: User) -> None:
    """Without the right to change there is neither a button nor a way."""
    record = CustomerFactory()
    client = client_for(readonly)
    page = client.get(f"/customers/{record.pk}")
    assert page.status_code == 200
    assert b"/edit" not in page.content.replace(b"/editor", b"")
    assert client.post(f"/customers/{record.pk}/fields/status", {"status": "CUSTOMER"}).status_code in (403, 422)
    record.refresh_from_db()
    assert record.status != "CUSTOMER"
