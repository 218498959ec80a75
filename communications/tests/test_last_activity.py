"""The last activity that customers, companies and deals keep, whoever writes the interactions and how."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from communications.models import Interaction
from communications.tests.factories import InteractionFactory
from crm.access.policy import SYSTEM
from crm.activity.models import ActivityLog
from crm.jobs.engine import enqueue, run_now
from crm.records.services import delete_record, restore_record
from crm.records.services.merging import merge_records
from customers.tests.factories import CompanyFactory, CustomerFactory
from sales.tests.factories import DealFactory

pytestmark = pytest.mark.django_db


def kept(*records: Any) -> list[Any]:
    """Return which interaction each record keeps as its last one."""
    for record in records:
        record.refresh_from_db()
    return [record.last_activity_id for record in records]


@pytest.fixture
def three() -> tuple[Any, Any, Any]:
    company = CompanyFactory()
    customer = CustomerFactory(company=company)
    return customer, company, DealFactory(customer=customer, company=company)


def test_the_newest_counts_and_comes_back(three: Any) -> None:
    customer, company, deal = three
    about = {"customer": customer, "company": company, "deal": deal}
    now = timezone.now()
    old = InteractionFactory(**about, completed_at=now - timedelta(days=9))
    new = InteractionFactory(**about, completed_at=now - timedelta(days=2))
    InteractionFactory(**about, completed_at=now - timedelta(days=5))
    assert kept(*three) == [new.pk] * 3
    assert customer.last_activity_at == new.completed_at
    delete_record(obj=new, actor=SYSTEM)
    Interaction.objects.filter(pk=old.pk).update(completed_at=now - timedelta(days=1))
    assert kept(*three) == [old.pk] * 3
    restore_record(obj=new, actor=SYSTEM)
    Interaction.objects.filter(pk=old.pk).update(deal=None, completed_at=now - timedelta(days=30))
    assert kept(*three) == [new.pk] * 3
    Interaction.everything.filter(customer=customer).delete()
    assert kept(*three) == [None] * 3 and customer.last_activity_at is None


def test_in_sets_and_without_a_trace_of_its_own(three: Any) -> None:
    customer, company, deal = three
    other = CustomerFactory()
    rows = [InteractionFactory.build(type_id="CALL", customer=c, deal=d, completed_at=timezone.now() - timedelta(hours=n))
            for n, (c, d) in enumerate([(customer, None), (other, deal), (customer, deal)], start=1)]
    before, version = ActivityLog.objects.filter(entity_id=customer.pk).count(), customer.version
    Interaction.objects.bulk_create(rows)
    assert kept(customer, other, deal, company) == [rows[0].pk, rows[1].pk, rows[1].pk, None]
    assert (ActivityLog.objects.filter(entity_id=customer.pk).count(), customer.version) == (before, version)


def test_what_is_planned_counts_once_it_has_passed(three: Any) -> None:
    customer, *_ = three
    meeting = InteractionFactory(customer=customer, scheduled_at=timezone.now() + timedelta(hours=2))
    assert kept(customer) == [None]
    # As if three hours had gone by; the row itself is not touched by anybody.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        Interaction.objects.filter(pk=meeting.pk).update(scheduled_at=timezone.now() - timedelta(hours=1))
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    assert kept(customer) == [None]
    assert run_now(enqueue("communications.passed")).result == {"passed": 1}
    assert kept(customer) == [meeting.pk]


def test_it_follows_a_merge(three: Any) -> None:
    customer, *_ = three
    twin = CustomerFactory()
    call = InteractionFactory(customer=twin, completed_at=timezone.now() - timedelta(hours=1))
    merge_records(survivor=customer, others=[twin], actor=SYSTEM)
    assert kept(customer) == [call.pk]


def test_the_list_tells_it(rep: Any, rep2: Any, client_for: Any) -> None:
    customer = CustomerFactory(assigned_user=rep)
    InteractionFactory(customer=customer, subject="The second phase <b>", user=rep2, completed_at=timezone.now() - timedelta(hours=3))
    client = client_for(rep)
    text = client.get("/customers").content.decode()
    assert "The second phase &lt;b&gt;" in text and ">3 h</time>" in text
    client.get("/customers?sort=-last_activity_at")
    with CaptureQueriesContext(connection) as few:
        client.get("/customers?sort=-last_activity_at")
    for _n in range(20):
        InteractionFactory(customer=CustomerFactory(assigned_user=rep), completed_at=timezone.now())
    with CaptureQueriesContext(connection) as many:
        assert client.get("/customers?sort=-last_activity_at").status_code == 200
    assert len(many) <= len(few)
