"""What stands below the hits of a search: enough to tell them apart, and nothing that is hidden."""

from typing import Any

import pytest

from crm.accounts.models import FieldRight
from customers.tests.factories import CompanyFactory, CustomerFactory
from sales.tests.factories import DealFactory

pytestmark = pytest.mark.django_db


def test_hits_tell_company_mail_stage_and_amount(rep: Any, client_for: Any) -> None:
    company = CompanyFactory(name="Harbour Works", assigned_user=rep)
    person = CustomerFactory(first_name="Hana", company=company, email="hana@harbour.example", assigned_user=rep)
    deal = DealFactory(title="Harbour cranes", company=company, customer=person, value=4200, currency="USD", assigned_user=rep)
    page = client_for(rep)
    found = page.get("/search", {"q": "hana"}).content.decode()
    assert f"/search/facts?ids=customer:{person.pk}" in found
    text = page.get("/search/facts", {"ids": f"customer:{person.pk},deal:{deal.pk}"}).content.decode()
    for words in ("Harbour Works", "hana@harbour.example", "$4,200", str(deal.stage), f"#hit-{deal.pk}"):
        assert words in text


def test_hits_tell_nothing_hidden(rep: Any, rep2: Any, client_for: Any) -> None:
    theirs = DealFactory(title="Canary", value=7919, assigned_user=rep2, customer=None)
    hidden = CompanyFactory(name="Hidden Harbour", assigned_user=rep2)
    mine = DealFactory(title="Mine", value=7907, company=hidden, assigned_user=rep, customer=None)
    FieldRight.objects.create(role=rep.role, entity="deal", field="value", level="hidden")
    page = client_for(rep)
    text = page.get("/search/facts", {"ids": f"deal:{theirs.pk},deal:{mine.pk},ghost:{mine.pk},deal:x,\x00"}).content.decode()
    assert f"#hit-{mine.pk}" in text
    for words in (str(theirs.pk), "Hidden Harbour", "7,907"):
        assert words not in text


def test_the_palette_leads_to_every_page(admin: Any, client_for: Any) -> None:
    text = client_for(admin).get("/palette").content.decode()
    assert "data-pages" in text
    for path in ("/", "/tasks", "/customers", "/companies", "/deals", "/products", "/interactions", "/reports", "/dashboards", "/settings"):
        assert f'data-href="{path}"' in text
