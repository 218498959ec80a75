"""Headers of other programs and languages find their places, and files tell what their rows are."""

import pytest

from crm.accounts.models import User
from crm.records.entity import entity
from crm.transfer.mapping.guess import Statistics, guess
from crm.transfer.mapping.kinds import likeliest
from crm.transfer.mapping.languages import in_english, plain
from crm.transfer.mapping.model import key_of
from crm.transfer.services import importable_by

pytestmark = pytest.mark.django_db

CUSTOMERS = {
    "Vorname;Nachname;Firma;Telefon geschäftlich;Straße privat;PLZ;Ort;Geburtstag;E-Mail-Adresse;E-Mail 2: Adresse;Mobiltelefon;Anrede;Kategorien":
        "first_name last_name company contact_methods addresses main_address main_address birthday email contact_methods contact_methods salutation tags",
    "Prénom;Nom;Société;Courriel;Téléphone;Code postal;Ville;Date de naissance":
        "first_name last_name company email phone main_address main_address birthday",
    "Nombre;Apellidos;Empresa;Correo electrónico;Teléfono;Ciudad;País": "first_name last_name company email phone main_address main_address",
    "Nome;Cognome;Azienda;Posta elettronica;Telefono;Città": "first_name last_name company email phone main_address",
    "Imię;Nazwisko;Firma;Adres e-mail;Numer telefonu;Kod pocztowy": "first_name last_name company email phone main_address",
    "Voornaam;Achternaam;Bedrijf;E-mailadres;Telefoonnummer;Woonplaats": "first_name last_name company email phone main_address",
    "姓;名;会社名;メールアドレス;電話番号;住所": "last_name first_name company email phone main_address",
    "Имя;Фамилия;Компания;Электронная почта;Телефон;Город": "first_name last_name company email phone main_address",
    "Name;Vorname;Firma": "last_name first_name company",
    "First Name;Last Name;Associated Company;State/Region;Additional email addresses;Contact owner;Lifecycle Stage":
        "first_name last_name company main_address contact_methods assigned_user status",
    "Person - Name;Person - Organization;Person - Email - Work;Person - Phone - Mobile;Person - Owner;Person - ID":
        "full_name company email contact_methods assigned_user external_id",
    "Complete Name;Related Company;Salesperson;Job Position;Website Link;Street2": "full_name company assigned_user job_title website main_address",
    "properties.firstname;properties.lastname;properties.email": "first_name last_name email",
    "First Name;Organization Name;Organization Title;E-mail 1 - Label;E-mail 1 - Value;Address 1 - City;Address 1 - Formatted;Labels":
        "first_name company job_title method_label email addresses addresses tags",
    "Primary Address Street;Alternate Address City;Office Phone;Assigned User Name;Account Name":
        "addresses addresses contact_methods assigned_user company",
}


def places(kind: str, headers: list[str], admin: User, samples: dict[str, list[str]] | None = None) -> list[str]:
    """Return where the columns go, in their order."""
    declared = entity(kind)
    seen = {h: Statistics(3, (samples or {}).get(h, [])) for h in headers}
    mapping = guess(declared, headers, seen, declared.writable_fields(admin))
    return [column.to if (column := mapping.column(h)) else "-" for h in headers]


@pytest.mark.parametrize("headers", CUSTOMERS)
def test_people(admin: User, headers: str) -> None:
    assert places("customer", headers.split(";"), admin) == CUSTOMERS[headers].split()


def test_deals_companies_and_tasks(admin: User) -> None:
    deals = ["Deal - Title", "Deal - Value", "Deal - Currency of Value", "Deal - Organization", "Deal - Contact person", "Deal - Stage", "Deal - Status",
             "Deal - Won time", "Deal - Lost reason", "Expected Closing", "Deal probability"]
    assert places("deal", deals, admin) == (
        ["title", "value", "currency", "company", "customer", "stage", "outcome", "closed", "close_reason", "expected_close_date", "probability"]
    )
    companies = ["Firmenname", "Branche", "Anzahl Mitarbeiter", "Jahresumsatz", "Muttergesellschaft", "Webseite", "Billing Zip/Postal Code", "Company owner"]
    assert places("company", companies, admin) == ["name", "industry", "employees", "annual_revenue", "parent", "website", "main_address", "assigned_user"]
    assert places("task", ["Betreff", "Fällig am", "Priorität", "Verantwortlicher"], admin) == ["title", "due_date", "priority", "assigned_user"]


def test_a_word_that_means_something_is_no_misspelling(admin: User) -> None:
    assert places("customer", ["Employees", "Emial", "Compny", "Phne"], admin) == ["-", "email", "company", "phone"]


def test_cells_tell_where_headers_do_not(admin: User) -> None:
    samples = {"Column 1": ["Ann Lee", "Bob van Roy"], "Column 2": ["a@x.example", "b@x.example"], "Column 3": ["+49 30 123456", "(212) 555-0100"]}
    assert places("customer", list(samples), admin, samples) == ["full_name", "email", "phone"]
    samples = {"Name": ["Lee", "Roy"], "First name": ["Ann", "Bob"], "Photo": ["https://x.example/a.png"], "邮件地址": ["a@x.example"]}
    assert places("customer", list(samples), admin, samples) == ["last_name", "first_name", "-", "email"]
    assert places("customer", ["Name", "First name"], admin, {"Name": ["Ann Lee", "Bob Roy"], "First name": ["Ann", "Bob"]}) == ["full_name", "first_name"]


@pytest.mark.parametrize(("name", "headers", "kind"), [
    ("x.csv", "opportunity_id;sales_agent;product;account;deal_stage;engage_date;close_date;close_value", "deal"),
    ("x.csv", "account;sector;year_established;revenue;employees;office_location;subsidiary_of", "company"),
    ("x.csv", "sales_agent;manager;regional_office", "user"), ("x.csv", "product;series;sales_price", "product"),
    ("x.csv", "First Name;Last Name;Email", "customer"), ("Kontakte.csv", "Name;Telefon;Ort", "customer"), ("accounts.csv", "Name;Phone;City", "company"),
    ("x.csv", "Subject;Due Date;Priority;Status", "task"), ("x.csv", "foo;bar;baz", None), ("crm.lead.csv", "Opportunity;Expected Revenue;Stage", "deal"),
])
def test_what_the_rows_are(admin: User, name: str, headers: str, kind: str | None) -> None:
    found = likeliest(importable_by(admin), headers.split(";"), {}, name, admin)
    assert (found.name if found else None) == kind


def test_words_and_keys() -> None:
    assert in_english(plain("Telefon privat 2")) == "home phone 2"
    assert in_english(plain("Firma")) == "company"
    assert (key_of("Имя клиента"), key_of("2. Größe"), key_of("名前")) == ("imia_klienta", "field_2_grosse", "ming_qian")
