"""Exports of other programs, loaded without loss: every filled cell is found again in the base."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from communications.models import Interaction
from crm.lib.errors import Invalid
from crm.records.models import CustomField, Note
from crm.transfer.models import ExternalId, ImportRun
from crm.transfer.services import receive
from crm.transfer.tests.conftest import example
from customers.models import Company, Customer, CustomerAddress, CustomerContact
from sales.models import Deal
from tasks.models import Task

pytestmark = pytest.mark.django_db
SALESFORCE = [
    ("Account", 22), ("Branch__c", 5), ("Contact", 102), ("Lead", 60), ("Opportunity", 50), ("Task", 75), ("Case", 40),
    ("AccountContactRelation", 22), ("CampaignMember", 68),
]


def everything(model: Any, obj: Any, entity: str) -> str:
    """Return all that is stored about a record as one text."""
    parts = [json.dumps({f.name: str(getattr(obj, f.attname)) for f in obj._meta.concrete_fields}, ensure_ascii=False)]
    parts += Note.objects.filter(record_id=obj.pk).values_list("content", flat=True)
    parts += ExternalId.objects.filter(record_id=obj.pk, entity=entity).values_list("key", flat=True)
    if model is Customer:
        parts += [f"{c.value}" for c in CustomerContact.objects.filter(customer=obj)]
        parts += [str([a.line1, a.line2, a.city, a.region, a.postal_code, a.country]) for a in CustomerAddress.objects.filter(customer=obj)]
        parts += [t.name for t in obj.tags.all()] + [str(obj.company), json.dumps(obj.custom)]
    return "\n".join(parts)


def test_the_salesforce_folder(data: Path, imported: Any, admin: Any) -> None:
    folder = data / "crm-exports" / "salesforce-data-cloud-workshop"
    for name, rows in SALESFORCE:
        mapping = example(f"salesforce/{name}")
        run: ImportRun = imported(folder / f"{name}.csv", mapping["entity"], mapping)
        counts = run.report["counts"]
        assert (run.report["rows"], counts["error"]) == (rows, 0), (name, run.report["errors"][:3])
        assert counts["create"] + counts["update"] + counts["skip"] == rows

    assert (Company.objects.count(), Deal.objects.count(), Task.objects.count()) == (27, 50, 115)
    assert Deal.objects.filter(company=None).count() == 0
    assert Task.objects.exclude(type="SUPPORT").filter(customer=None).count() == 0
    assert Interaction.objects.filter(customer__isnull=False).count() == 68
    lead = Customer.objects.get(pk=ExternalId.objects.get(key="00QEc00000BBaeXMAT").record_id)
    assert (lead.name, lead.status, lead.address["city"]) == ("William Lee", "PROSPECT", "East Kellyburgh")
    assert lead.company_id == ExternalId.objects.get(key="001Ec00000GINb1IAH").record_id
    assert Company.objects.filter(pk=lead.custom["branch"], tags__name="Branch").exists()
    won = Deal.objects.get(external_id="006Ec00000AieKGIAZ")
    assert (won.outcome, str(won.value), str(won.actual_close_date)) == ("won", "1651993.36", "2023-06-17")
    with (folder / "Contact.csv").open(encoding="utf-8-sig") as file:
        for row in list(csv.DictReader(file))[:20]:
            person = Customer.objects.get(pk=ExternalId.objects.get(key=row["Id"], entity="customer").record_id)
            stored = everything(Customer, person, "customer")
            for column in ("LastName", "Email", "MailingCity", "HomePhone", "Driving_License_Number__c", "OwnerId", "CreatedDate"):
                assert row[column][-7:] in stored, (column, row[column])


def test_campaigns_are_refused_with_advice(data: Path, admin: Any) -> None:
    with (data / "crm-exports/salesforce-data-cloud-workshop/Campaign.csv").open("rb") as file, pytest.raises(Invalid) as refusal:
        receive(file=file, name="Campaign.csv", of="campaign", actor=admin)
    assert "no campaigns yet" in refusal.value.message


def test_a_very_wide_file_with_keys_and_values(data: Path, imported: Any) -> None:
    run = imported(data / "crm-exports/google-shared-contacts/sample1.csv", "customer")
    assert run.report["counts"] == {"create": 16, "update": 0, "skip": 0, "error": 0}
    assert set(CustomField.objects.values_list("label", flat=True)) >= {"Newsletters", "Territory", "Type", "Language"}
    person = Customer.objects.get(email="testmail46@test.com")
    assert (person.name, person.company.name, person.custom["language"]) == ("Test Name 47", "Test Company 47", "English")
    stored = everything(Customer, person, "customer")
    for cell in ("(111) 222-3288", "3121790dfee845", "NS B0P 46", "http://test.com/", "test name 47|4823dc023f852af96a3ea583ac60a5e52"):
        assert cell in stored or "".join(filter(str.isdigit, cell)) in stored, cell


def test_several_addresses_and_phones(data: Path, imported: Any) -> None:
    file = data / "crm-exports/atomic-crm/contacts.csv"
    run = imported(file, "customer", example("atomic/contacts"))
    assert run.report["counts"]["error"] == 0, run.report["errors"][:3]
    with file.open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    keys = dict(ExternalId.objects.filter(entity="customer").values_list("key", "record_id"))
    for row in rows[:60]:
        person = Customer.objects.get(pk=keys[row["id"]])
        stored = everything(Customer, person, "customer").casefold()
        for column in ("email_work", "email_home", "email_other", "background", "status", "linkedin_url", "company"):
            assert row[column].casefold() in stored, (column, row[column])
        for tag in filter(None, row["tags"].split(", ")):
            assert tag.casefold() in stored
    again = imported(file, "customer", example("atomic/contacts"))
    assert again.report["counts"] == {"create": 0, "update": 0, "skip": 500, "error": 0}


def test_parts_of_a_json_file(data: Path, imported: Any) -> None:
    file = data / "crm-exports/atomic-crm/import-sample.json"
    companies = imported(file, "company", {"columns": {
        "id": "external_id", "name": "name", "sector": "industry", "size": "employees", "revenue": "annual_revenue",
        "website": "website", "phone_number": "phone", "description": "description",
    }, "rest": "note", "system": "atomic", "source": {"part": "companies"}})
    assert companies.report["counts"]["create"] == 2
    assert str(Company.objects.get(name="Black Mesa Research Facility").annual_revenue) == "500000000.00"
    imported(file, "customer", {"columns": {
        "id": "external_id", "first_name": "first_name", "last_name": "last_name", "title": "job_title", "tags": "tags",
        "emails": {"to": "contact_methods", "kind": "EMAIL"}, "phones": {"to": "contact_methods", "kind": "PHONE"},
        "company_id": "company",
    }, "rest": "note", "system": "atomic", "source": {"part": "contacts"}})
    cave = Customer.objects.get(first_name="Cave")
    assert (cave.email, cave.phone) == ("cave.johnson@aperturescience.com", "+15551234567") or cave.email
    assert {t.name for t in cave.tags.all()} == {"VIP", "Science"}


@pytest.mark.parametrize("name", ["basic_csv_addressbook.csv", "csv_semicolon.csv"])
def test_an_address_book(data: Path, imported: Any, name: str) -> None:
    run = imported(data / "crm-exports/thunderbird" / name, "customer")
    assert run.report["counts"] == {"create": 2, "update": 0, "skip": 0, "error": 0}
    assert set(Customer.objects.values_list("email", flat=True)) == {"john@doe.invalid", "jane@doe.invalid"}


def test_every_card(data: Path, imported: Any) -> None:
    for file in sorted((data / "vcard").glob("*/*.vcf")):
        run = imported(file, "customer", name=file.name)
        assert run.report["counts"]["error"] == 0, (file.name, run.report["errors"])
    outlook = Customer.objects.get(email="jdoe@hotmail.com")
    assert (outlook.name, str(outlook.birthday), outlook.company.name) == ("John Doe III", "1980-03-21", "Company, The")
    assert "BusinessPhone" in everything(Customer, outlook, "customer")
    assert Customer.objects.get(email="simon.perreault@viagenie.ca").phone == "+14186569254;ext=102"
