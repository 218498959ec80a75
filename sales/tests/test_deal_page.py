"""The page of a deal: its stages, its people, its lines, and what they say to whom."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.access.rights import forget_rights
from crm.accounts.models import FieldRight
from crm.activity.models import ChangeSet
from crm.lib.errors import Conflict, Invalid, Missing
from crm.records.services import update_record
from customers.tests.factories import CompanyFactory, CustomerFactory
from sales.models import Deal, DealContact, DealProduct, LossReason, Pipeline, Stage
from sales.passage import changed_lately, passage, steps_of
from sales.services.deals import move_deal
from sales.services.parts import add_contact, add_line, remove_part, take_total
from sales.tests.factories import DealFactory, ProductFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def stages() -> dict[str, Stage]:
    """Return the stages of the default pipeline by code."""
    return {s.code: s for s in Pipeline.objects.get(is_default=True).stages.all()}


@pytest.fixture
def deal(stages: dict[str, Stage], rep: Any) -> Deal:
    """Make an open deal of rep, in Prospecting for ten days."""
    made = DealFactory(
        stage=stages["PROSPECTING"], assigned_user=rep, customer=CustomerFactory(assigned_user=rep), title="Grand pilot",
        entered_stage_at=timezone.now() - dt.timedelta(days=10), expected_close_date=timezone.localdate(),
    )
    return Deal.objects.get(pk=made.pk)


def test_the_page_shows_the_stages_and_moves_the_deal(deal: Deal, stages: dict[str, Stage], rep: Any, client_for: Any) -> None:
    page = client_for(rep)
    text = page.get(f"/deals/{deal.pk}").content.decode()
    assert 'class="stepper"' in text
    assert "10 days" in text
    answer = page.post(f"/deals/{deal.pk}/stage", {"stage": stages["PROPOSAL"].pk, "version": deal.version}, HTTP_HX_REQUEST="true")
    assert answer["HX-Redirect"] == f"/deals/{deal.pk}"
    deal.refresh_from_db()
    assert deal.stage.code == "PROPOSAL"
    assert [(s.stage.code, s.state, s.days) for s in steps_of(deal)][:3] == [
        ("PROSPECTING", "done", 10), ("QUALIFICATION", "done", None), ("PROPOSAL", "now", 0),
    ]
    old = page.post(f"/deals/{deal.pk}/stage", {"stage": stages["QUALIFICATION"].pk, "version": "1"})
    assert old.status_code == 412


def test_the_page_takes_eight_statements_at_most(
    deal: Deal, manager: Any, client_for: Any, django_assert_max_num_queries: Any
) -> None:
    page = client_for(manager)
    page.get(f"/deals/{deal.pk}")
    with django_assert_max_num_queries(8):
        assert page.get(f"/deals/{deal.pk}").status_code == 200


def test_losing_asks_first_and_who_leads_reopens_it(
    deal: Deal, stages: dict[str, Stage], rep: Any, manager: Any, client_for: Any
) -> None:
    page, url = client_for(rep), f"/deals/{deal.pk}"
    lost = stages["CLOSED_LOST"]
    asked = page.post(f"{url}/stage", {"stage": lost.pk})
    assert b'name="reason"' in asked.content
    assert Deal.objects.get(pk=deal.pk).is_open
    reason = LossReason.objects.filter(outcome="lost").first()
    page.post(f"{url}/stage", {"stage": lost.pk, "asked": "1", "reason": reason.pk, "note": "Too dear"})
    closed = Deal.objects.get(pk=deal.pk)
    assert (closed.outcome, closed.close_reason, closed.close_note) == ("lost", reason, "Too dear")
    # Closed for longer than a slip takes to be noticed, it is changed by those who lead.
    Deal.objects.filter(pk=deal.pk).update(entered_stage_at=timezone.now() - dt.timedelta(hours=1))
    assert b"Reopen" not in page.get(url).content
    assert page.post(f"{url}/reopen").status_code == 403
    assert page.post(f"{url}/fields/title", {"title": "Mine"}).status_code == 403
    assert b"Reopen" in client_for(manager).get(url).content
    client_for(manager).post(f"{url}/reopen")
    assert Deal.objects.get(pk=deal.pk).stage.code == "PROSPECTING"


def test_who_closed_a_deal_by_mistake_takes_it_back(deal: Deal, stages: dict[str, Stage], rep: Any, client_for: Any) -> None:
    page, url = client_for(rep), f"/deals/{deal.pk}"
    page.post(f"{url}/stage", {"stage": stages["CLOSED_WON"].pk, "asked": "1"})
    assert not Deal.objects.get(pk=deal.pk).is_open
    won = ChangeSet.objects.filter(user=rep).order_by("-created_at").first()
    page.post(f"/changes/{won.pk}/undo")
    assert Deal.objects.get(pk=deal.pk).is_open


def test_the_checklist_says_what_the_next_stage_asks_for(deal: Deal, stages: dict[str, Stage], rep: Any, client_for: Any) -> None:
    Stage.objects.filter(pk=stages["PROPOSAL"].pk).update(required_fields=["value", "competitor"])
    Deal.objects.filter(pk=deal.pk).update(value=10, competitor="")
    text = client_for(rep).get(f"/deals/{deal.pk}/panels/checklist").content.decode()
    assert "1/2" in text
    assert f'data-fill="field-{deal.pk}-competitor"' in text
    assert "Proposal" in text


def test_a_reason_is_needed_exactly_where_the_stage_asks_for_it(
    deal: Deal, stages: dict[str, Stage], rep: Any, client_for: Any, api: Any
) -> None:
    lost, path = stages["CLOSED_LOST"], f"/api/v1/deals/{deal.pk}/stage"
    lost.required_fields = ["close_reason"]
    lost.save()
    page = client_for(rep).post(f"/deals/{deal.pk}/move", {"stage": lost.pk})
    assert page.status_code == 422
    assert 'id="mv-reason_error"' in page.json()["form"]
    refused = api(rep).put(path, {"stage": "CLOSED_LOST"})
    assert refused.status_code == 400
    assert "close_reason" in refused.content.decode()
    with pytest.raises(Invalid):
        update_record(obj=deal, data={"stage": lost.pk}, actor=rep)
    lost.required_fields = []
    lost.save()
    assert api(rep).put(path, {"stage": "CLOSED_LOST"}).status_code == 200


def test_people_have_one_part_each(deal: Deal, rep: Any, rep2: Any, client_for: Any) -> None:
    person = CustomerFactory(assigned_user=rep, first_name="Ada", last_name="Byron")
    page, url = client_for(rep), f"/deals/{deal.pk}/people"
    assert page.get(f"{url}/new").status_code == 200
    assert page.post(f"{url}/new", {"customer": "", "role": "BUYER"}).status_code == 422
    assert page.post(f"{url}/new", {"customer": person.pk, "role": "BUYER"}).status_code == 200
    part = DealContact.objects.get()
    again = page.post(f"{url}/new", {"customer": person.pk, "role": "USER"})
    assert again.status_code == 422
    assert b"in the deal already" in again.content
    page.post(f"{url}/{part.pk}", {"customer": person.pk, "role": "BLOCKER"})
    shown = page.get(f"/deals/{deal.pk}/panels/people").content.decode()
    assert "Ada Byron" in shown
    assert "Blocker" in shown
    with pytest.raises(Missing):
        add_contact(deal=deal, data={"customer": str(person.pk)}, actor=rep2)
    assert client_for(rep2).get(f"{url}/new").status_code == 404
    page.post(f"{url}/{part.pk}/remove")
    assert not DealContact.objects.exists()


def test_a_person_whom_one_may_not_see_is_not_named(deal: Deal, rep: Any, rep2: Any, admin: Any, client_for: Any) -> None:
    hidden = CustomerFactory(assigned_user=rep2, first_name="Secret", last_name="Person")
    with pytest.raises(Invalid):
        add_contact(deal=deal, data={"customer": str(hidden.pk)}, actor=rep)
    add_contact(deal=deal, data={"customer": str(hidden.pk)}, actor=admin)
    shown = client_for(rep).get(f"/deals/{deal.pk}/panels/people").content.decode()
    assert "Secret" not in shown
    assert "Hidden" in shown


def test_lines_add_up_and_become_the_value(deal: Deal, rep: Any, client_for: Any, api: Any) -> None:
    product = ProductFactory(name="GTX Pro", price=100)
    first = add_line(deal=deal, data={"product": str(product.pk), "quantity": "2.5", "discount_percent": "10"}, actor=rep)
    assert (first.unit_price, first.total) == (100, Decimal("225.00"))
    page, url = client_for(rep), f"/deals/{deal.pk}"
    wrong = page.post(f"{url}/lines/new", {"product": product.pk, "quantity": "0", "unit_price": "5"})
    assert wrong.status_code == 422
    assert page.post(f"{url}/lines/new", {"product": product.pk, "quantity": "1", "unit_price": "75"}).status_code == 200
    shown = page.get(f"{url}/panels/lines").content.decode()
    assert "$300" in shown
    assert "Set the value to the total" in shown
    page.post(f"{url}/value-from-lines")
    deal.refresh_from_db()
    assert deal.value == 300
    assert "Set the value to the total" not in page.get(f"{url}/panels/lines").content.decode()
    remove_part(part=first, actor=rep)
    assert DealProduct.objects.count() == 1
    assert api(rep).post(f"/api/v1/deals/{deal.pk}/lines", {"product": str(product.pk), "quantity": 0}).status_code == 400
    DealProduct.objects.all().delete()
    with pytest.raises(Conflict):
        take_total(deal=deal, actor=rep)


def test_another_currency_needs_a_price(deal: Deal, rep: Any) -> None:
    product = ProductFactory(currency="EUR")
    with pytest.raises(Invalid) as refused:
        add_line(deal=deal, data={"product": str(product.pk)}, actor=rep)
    assert refused.value.details[0].field == "unit_price"


def test_the_way_and_the_last_thirty_days(deal: Deal, stages: dict[str, Stage], rep: Any) -> None:
    today = timezone.localdate()
    for days, value in ((7, "2000"), (21, "1500")):
        deal = update_record(
            obj=deal, data={"expected_close_date": (today + dt.timedelta(days=days)).isoformat(), "value": value}, actor=rep
        )
    deal = move_deal(deal=deal, stage=stages["PROPOSAL"], actor=rep)
    lately = changed_lately(deal, rep)
    assert (lately.value_before, lately.value_now, lately.value_changes) == (1000, 1500, 2)
    assert (lately.pushes, lately.pulls, lately.pushed_days, lately.stage_changes) == (2, 0, 21, 1)
    way = passage(deal, rep)
    assert [p.change.to_stage.code for p in way] == ["PROPOSAL", "PROSPECTING"]
    assert way[1].seconds // 86_400 == 10
    FieldRight.objects.create(role=rep.role, entity="deal", field="value", level="hidden")
    forget_rights(rep)
    assert changed_lately(deal, rep).value_changes == 0


def test_companies_and_customers_show_their_open_deals(deal: Deal, rep: Any, client_for: Any) -> None:
    company = CompanyFactory(assigned_user=rep)
    Deal.objects.filter(pk=deal.pk).update(company=company)
    for path in (f"/companies/{company.pk}", f"/customers/{deal.customer_id}"):
        shown = client_for(rep).get(f"{path}/panels/open-deals").content.decode()
        assert "Grand pilot" in shown
        assert shown.count('class="on"') == 1


def test_eight_statements(deal: Deal, rep: Any, client_for: Any) -> None:
    page = client_for(rep)
    page.get(f"/deals/{deal.pk}")
    with CaptureQueriesContext(connection) as asked:
        page.get(f"/deals/{deal.pk}")
    own = [q["sql"] for q in asked if "django_session" not in q["sql"] and "SAVEPOINT" not in q["sql"]]
    assert len(own) <= 14, own
