"""Undo puts the base back, to the row, and leaves alone what was edited or built upon since."""

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from crm.accounts.models import User
from crm.activity.intention import Origin, acting_from, intend
from crm.activity.models import ActivityLog, ChangeSet
from crm.activity.triggers import logged_models
from crm.activity.undo import preview_undo, undo
from crm.lib.errors import Conflict, Denied
from crm.records.models import Note, Tag
from customers.models import Company, Customer, CustomerContact
from sales.models import Deal, Stage, StageChange

pytestmark = pytest.mark.django_db


def snapshot() -> dict[str, list[str]]:
    """Return every row of every logged table as JSON, without version and updated_at."""
    found: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        for model in logged_models():
            table = model._meta.db_table
            cursor.execute(f"SELECT (to_jsonb(t) - 'version' - 'updated_at')::text FROM \"{table}\" t")
            found[table] = sorted(row[0] for row in cursor.fetchall())
    return found


def the_set(intention: Any) -> ChangeSet:
    return ChangeSet.objects.get(pk=intention.id)


def make_deal(**values: Any) -> Deal:
    stage = Stage.objects.filter(outcome="open").order_by("position").first()
    assert stage is not None
    return Deal.objects.create(
        **{"title": "Roof", "pipeline_id": stage.pipeline_id, "stage": stage, "company": values.pop("company", None), **values}
    )


def test_created_rows_go_with_history_tags_and_companies(admin: Any) -> None:
    before = snapshot()
    with intend(actor=admin, label="Import") as intention:
        company = Company.objects.create(name="Acme")
        Company.objects.create(name="Acme Child", parent=company)
        customer = Customer.objects.create(first_name="Ada", email="ada@example.org", company=company)
        customer.tags.add(Tag.objects.create(name="vip"))
        CustomerContact.objects.create(customer=customer, kind="email", value="ada2@example.org")
        deal = make_deal(company=company, customer=customer)
        won = Stage.objects.get(pipeline=deal.pipeline, outcome="won")
        Deal.objects.filter(pk=deal.pk).update(stage=won, outcome="won", actual_close_date="2026-01-02")
    assert StageChange.objects.count() == 2
    after = snapshot()
    preview = preview_undo(the_set(intention), admin)
    assert preview.conflicts == []
    assert {c.entity: c.removed for c in preview.counts}["company"] == 2
    assert snapshot() == after, "a preview writes nothing"
    done = undo(change_set=the_set(intention), actor=admin)
    assert snapshot() == before
    assert done.undoes_id == intention.id and done.label == "Undo: Import"
    with pytest.raises(Conflict):
        undo(change_set=the_set(intention), actor=admin)
    again = undo(change_set=done, actor=admin)
    assert snapshot() == after, "the undo of an undo is a redo"
    assert again.label == "Redo: Import"
    undo(change_set=again, actor=admin)
    assert snapshot() == before


def test_updates_put_back_only_what_still_stands(admin: Any, manager: Any) -> None:
    with intend(actor=admin):
        customer = Customer.objects.create(first_name="Ada", job_title="Clerk", department="A")
    with intend(actor=admin) as bulk:
        Customer.objects.filter(pk=customer.pk).update(job_title="Boss", department="B", version=2)
    with intend(actor=manager):
        Customer.objects.filter(pk=customer.pk).update(department="C", version=3)
    preview = preview_undo(the_set(bulk), admin)
    (conflict,) = preview.conflicts
    assert (conflict.reason, conflict.columns, conflict.who) == ("edited", ["department"], manager.name)
    undo(change_set=the_set(bulk), actor=admin)
    customer.refresh_from_db()
    assert (customer.job_title, customer.department, customer.version) == ("Clerk", "C", 4)


def test_force_overwrites_edits(admin: Any) -> None:
    with intend(actor=admin):
        customer = Customer.objects.create(first_name="Ada", job_title="Clerk")
    with intend(actor=admin) as bulk:
        Customer.objects.filter(pk=customer.pk).update(job_title="Boss")
    with intend(actor=admin):
        Customer.objects.filter(pk=customer.pk).update(job_title="Other")
    undo(change_set=the_set(bulk), actor=admin, force=True)
    customer.refresh_from_db()
    assert customer.job_title == "Clerk"


def test_edited_or_referenced_rows_stay_with_what_they_need(admin: Any, rep: Any) -> None:
    with intend(actor=admin) as imported:
        company = Company.objects.create(name="Acme")
        other = Company.objects.create(name="Other")
        edited = Customer.objects.create(first_name="Ada", company=company)
        edited.tags.add(Tag.objects.create(name="vip"))
        noted = Customer.objects.create(first_name="Bea", company=other)
        Customer.objects.create(first_name="Cleo", company=other).tags.add(Tag.objects.get(name="vip"))
    with intend(actor=rep):
        Customer.objects.filter(pk=edited.pk).update(first_name="Adele")
        Note.objects.create(entity="customer", record_id=noted.pk, content="Called", author=rep)
    preview = preview_undo(the_set(imported), admin)
    assert [c.reason for c in preview.conflicts][:2] == ["edited", "referenced"]
    undo(change_set=the_set(imported), actor=admin)
    assert set(Customer.objects.values_list("first_name", flat=True)) == {"Adele", "Bea"}
    assert set(Company.objects.values_list("name", flat=True)) == {"Acme", "Other"}
    assert list(edited.tags.values_list("name", flat=True)) == ["vip"]


def test_what_the_application_did_by_itself_is_no_conflict(admin: Any) -> None:
    before = snapshot()
    with intend(actor=admin) as imported:
        customer = Customer.objects.create(first_name="Ada")
    with acting_from(Origin(source="system")), intend():
        Customer.objects.filter(pk=customer.pk).update(score=40)
        Relationship = CustomerContact
        Relationship.objects.create(customer=customer, kind="email", value="found@example.org")
    assert preview_undo(the_set(imported), admin).conflicts == []
    undo(change_set=the_set(imported), actor=admin)
    assert snapshot() == before


def test_columns_tied_by_a_rule_go_back_together_or_not_at_all(admin: Any) -> None:
    with intend(actor=admin):
        deal = make_deal()
    won = Stage.objects.get(pipeline=deal.pipeline, outcome="won")
    lost = Stage.objects.get(pipeline=deal.pipeline, outcome="lost")
    with intend(actor=admin) as win:
        Deal.objects.filter(pk=deal.pk).update(stage=won, outcome="won", actual_close_date="2026-01-02", next_step="Bill")
    with intend(actor=admin):
        Deal.objects.filter(pk=deal.pk).update(stage=lost, outcome="lost")
    undo(change_set=the_set(win), actor=admin)
    deal.refresh_from_db()
    assert (deal.outcome, str(deal.actual_close_date), deal.next_step) == ("lost", "2026-01-02", "")


def test_a_row_that_would_break_a_rule_is_left_out_and_named(admin: Any) -> None:
    with intend(actor=admin):
        first = Customer.objects.create(first_name="Ada", email="ada@example.org")
        second = Customer.objects.create(first_name="Bea", email="bea@example.org")
    with intend(actor=admin) as bulk:
        Customer.objects.filter(pk=first.pk).update(email="x@example.org")
        Customer.objects.filter(pk=second.pk).update(email="y@example.org")
    with intend(actor=admin):
        Customer.objects.create(first_name="New", email="ada@example.org")
    undo(change_set=the_set(bulk), actor=admin)
    first.refresh_from_db(), second.refresh_from_db()
    assert (first.email, second.email) == ("x@example.org", "bea@example.org")


def test_soft_deletion_and_physical_removal_come_back(admin: Any) -> None:

    with intend(actor=admin):
        customer = Customer.objects.create(first_name="Ada")
        contact = CustomerContact.objects.create(customer=customer, kind="email", value="a@example.org")
        tag = Tag.objects.create(name="vip")
        customer.tags.add(tag)
    before = snapshot()
    with intend(actor=admin) as purge:
        Customer.objects.filter(pk=customer.pk).update(deleted_at=timezone.now())
        CustomerContact.objects.filter(pk=contact.pk).delete()
        customer.tags.clear()
        tag.delete()
    undo(change_set=the_set(purge), actor=admin)
    assert snapshot() == before


def test_plain_sql_and_copy_are_undone_too(admin: Any) -> None:
    before = snapshot()
    with intend(actor=admin) as intention, connection.cursor() as cursor:
        cursor.execute("INSERT INTO records_tag (id, created_at, updated_at, name, hue, description, version) "
                       "VALUES (rapport_uuid7(), now(), now(), 'sql', 'teal', '', 1)")
        with cursor.copy("COPY records_tag (id, created_at, updated_at, name, hue, description, version) FROM STDIN") as copy:
            for i in range(3):
                copy.write(f"00000000-0000-7000-8000-00000000000{i}\t2026-01-01\t2026-01-01\tcopied {i}\tteal\t\t1\n")
    assert undo(change_set=the_set(intention), actor=admin)
    assert snapshot() == before


def test_only_ones_own_unless_one_governs_the_log(admin: Any, rep: Any, rep2: Any) -> None:
    with intend(actor=rep) as own:
        Tag.objects.create(name="mine")
    with pytest.raises(Denied):
        undo(change_set=the_set(own), actor=rep2)
    undo(change_set=the_set(own), actor=admin)


def test_a_rep_undoes_a_deal_with_all_its_parts_but_not_what_is_no_longer_theirs(rep: Any, rep2: Any, manager: Any) -> None:
    before = snapshot()
    with intend(actor=rep) as own:
        customer = Customer.objects.create(first_name="Ada", assigned_user=rep)
        customer.tags.add(Tag.objects.create(name="vip"))
        make_deal(customer=customer, assigned_user=rep)
    done = undo(change_set=the_set(own), actor=rep)
    assert snapshot() == before
    undo(change_set=done, actor=rep)
    with intend(actor=rep) as edit:
        Customer.objects.update(job_title="Boss")
    with intend(actor=manager):
        Customer.objects.update(assigned_user=rep2)
    preview = preview_undo(the_set(edit), rep)
    assert [c.reason for c in preview.conflicts] == ["refused"]
    with pytest.raises(Conflict):
        undo(change_set=the_set(edit), actor=rep)


def test_an_undone_change_of_a_user_raises_the_epoch_so_that_no_old_token_lives_again(admin: Any, rep: Any, readonly: Any) -> None:
    epoch = rep.auth_epoch
    with intend(actor=admin) as intention:
        User.objects.filter(pk=rep.pk).update(role=readonly.role, auth_epoch=epoch + 1)
    undo(change_set=the_set(intention), actor=admin)
    role = rep.role_id
    rep.refresh_from_db()
    assert (rep.role_id, rep.auth_epoch) == (role, epoch + 2)
    assert ActivityLog.objects.filter(action="accounts.access_changed", entity_id=rep.pk).exists()
