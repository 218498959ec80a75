"""Notes, comments and tags."""

import uuid
from typing import Any

import pytest

from crm.access.policy import SYSTEM, visible_to
from crm.accounts.tests.factories import RoleFactory, UserFactory
from crm.activity.models import ActivityLog
from crm.lib.errors import Conflict, Denied, Invalid, Missing
from crm.records.models import Note, Tag
from crm.records.services import create_record, update_record
from crm.records.services.comments import add_comment, delete_comment, edit_comment
from crm.records.services.tags import delete_tag, merge_tags, rename_tag
from crm.records.tests.factories import TagFactory
from customers.tests.factories import CompanyFactory, CustomerFactory

pytestmark = pytest.mark.django_db
MAY = {(e, a): "own" for e in ("customer", "note") for a in ("view", "create", "change", "delete")}


@pytest.fixture
def rep() -> Any:
    return UserFactory(role=RoleFactory(may=MAY))


def test_a_note_is_signed_and_shown_on_its_record_and_what_that_belongs_to(rep: Any) -> None:
    company = CompanyFactory()
    customer = CustomerFactory(assigned_user=rep, company=company)
    note = create_record(of="note", data={"entity": "customer", "record_id": str(customer.pk), "content": "Likes tea"}, actor=rep)
    assert note.author == rep
    told = ActivityLog.objects.get(action="records.noted")
    assert set(told.subjects) == {str(customer.pk), str(company.pk)}
    create_record(of="note", data={"entity": "customer", "record_id": customer.pk, "content": "Secret", "is_private": True}, actor=rep)
    assert ActivityLog.objects.filter(action="records.noted").count() == 1, "a private note is nobody else's news"
    other = UserFactory(role=RoleFactory(may={("customer", "view"): "all", ("note", "view"): "all"}))
    assert list(visible_to(other, Note)) == [note]


def test_a_note_stays_on_a_record_that_its_writer_sees(rep: Any) -> None:
    mine, theirs = CustomerFactory(assigned_user=rep), CustomerFactory()
    for data in ({"entity": "customer", "record_id": theirs.pk}, {"entity": "customer", "record_id": uuid.uuid4()},
                 {"entity": "ghost", "record_id": mine.pk}, {"entity": "tag", "record_id": mine.pk},
                 {"entity": "customer", "record_id": "x"}):
        with pytest.raises(Invalid):
            create_record(of="note", data={"content": "x", **data}, actor=rep)
    note = create_record(of="note", data={"entity": "customer", "record_id": mine.pk, "content": "x"}, actor=rep)
    with pytest.raises(Invalid):
        update_record(obj=note, data={"record_id": CustomerFactory(assigned_user=rep).pk}, actor=rep)
    assert update_record(obj=note, data={"content": "y", "record_id": mine.pk}, actor=rep).content == "y"


def test_comments_mention_only_who_may_see_the_record(rep: Any) -> None:
    customer = CustomerFactory(assigned_user=rep)
    boss, stranger = UserFactory(role=RoleFactory(is_admin=True)), UserFactory()
    first = add_comment(record=customer, content="Look, both!", mentions=[boss.pk, stranger.pk, rep.pk, uuid.uuid4()], actor=rep)
    assert list(first.mentions.all()) == [boss]
    reply = add_comment(record=customer, content="I do", parent=first, actor=boss)
    deeper = add_comment(record=customer, content="So do I", parent=reply, actor=rep)
    assert deeper.parent == first, "one level of replies"
    assert edit_comment(comment=first, content=" Look! ", actor=rep).content == "Look!"
    with pytest.raises(Denied):
        edit_comment(comment=reply, content="x", actor=rep)
    delete_comment(comment=first, actor=rep)
    with pytest.raises(Conflict):
        edit_comment(comment=first, content="x", actor=rep)
    first.refresh_from_db()
    with pytest.raises(Invalid):
        add_comment(record=customer, content="x", parent=first, actor=rep)
    with pytest.raises(Missing):
        add_comment(record=customer, content="x", actor=stranger)
    for odd in ("", "  ", "x" * 10_001, "\x00", None):
        with pytest.raises(Invalid):
            add_comment(record=customer, content=odd, actor=rep)  # type: ignore[arg-type]


def test_tags_are_renamed_merged_and_deleted_everywhere() -> None:
    vip, important, other = TagFactory(name="VIP"), TagFactory(name="important"), TagFactory(name="other")
    both, one = CustomerFactory(tags=[vip, important]), CustomerFactory(tags=[important])
    assert rename_tag(tag=vip, name="vip", actor=SYSTEM).name == "vip"
    with pytest.raises(Conflict):
        rename_tag(tag=vip, name="IMPORTANT", actor=SYSTEM)
    assert merge_tags(survivor=vip, others=[important], actor=SYSTEM) == 2
    assert [t.name for c in (both, one) for t in c.tags.all()] == ["vip", "vip"]
    delete_tag(tag=vip, actor=SYSTEM)
    assert list(Tag.objects.filter(name__in=["vip", "important", "other"])) == [other]
    reader = UserFactory()
    with pytest.raises(Denied):
        merge_tags(survivor=other, others=[TagFactory()], actor=reader)
