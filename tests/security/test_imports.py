"""What an import may not tell: that there is a record which the importer does not see."""

import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from crm.transfer.models import ImportRun
from crm.transfer.services import carry_out, check, receive, settle
from customers.models import Company, Customer
from tests.security.conftest import CANARY

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_media(settings: Any, tmp_path: Any) -> None:
    """Keep uploaded files in the test's own folder."""
    settings.MEDIA_ROOT = tmp_path / "media"


def checked(text: str, of: str, actor: Any, columns: dict[str, Any], **more: Any) -> ImportRun:
    """Check a file as somebody."""
    run = receive(file=io.BytesIO(text.encode()), name="a.csv", of=of, actor=actor)
    settle(run, {"entity": of, "columns": columns, **more}, actor)
    check(run, actor)
    return run


def told(run: ImportRun) -> dict[str, Any]:
    """Return what a check says, without what was asked for."""
    return {k: v for k, v in run.report.items() if k in ("counts", "errors", "skipped", "unresolved", "shared_addresses")}


def test_a_hidden_record_and_none_are_the_same_to_an_import(theirs: dict[str, Any], rep: Any) -> None:
    never = "00000000-0000-7000-8000-000000000000"
    by_id = {"Id": "own_id", "Last name": "last_name"}
    assert told(checked(f"Id,Last name\n{theirs['customer'].pk},Lee\n", "customer", rep, by_id)) == told(
        checked(f"Id,Last name\n{never},Lee\n", "customer", rep, by_id)
    )
    assert told(checked(f"Name\n{CANARY} company\n", "company", rep, {"Name": "name"})) == told(
        checked("Name\nNobody company\n", "company", rep, {"Name": "name"})
    )
    same = {"First": "first_name", "Last": "last_name"}
    for match in (["last_name"], ["first_name"], []):
        assert told(checked(f"First,Last\n{CANARY},customer\n", "customer", rep, same, match=match)) == told(
            checked("First,Last\nNobody,else\n", "customer", rep, same, match=match)
        )


def test_ones_own_record_is_found_beside_a_hidden_one_of_the_same_name(theirs: dict[str, Any], rep: Any) -> None:
    for _turn in range(2):
        run = checked(f"Name,City\n{CANARY} company,Bonn\n", "company", rep, {"Name": "name", "City": {"to": "main_address", "part": "city"}})
        carry_out(run, rep)
    assert Company.objects.filter(name=f"{CANARY} company").count() == 2
    theirs["company"].refresh_from_db()
    assert theirs["company"].address == {}


def test_a_hidden_address_is_refused_and_nothing_else_is_told(theirs: dict[str, Any], rep: Any) -> None:
    run = checked(f"Mail\n{CANARY}@example.com\n", "customer", rep, {"Mail": "email"})
    assert run.report["counts"] == {"create": 0, "update": 0, "skip": 0, "error": 1}
    assert str(theirs["customer"].pk) not in json.dumps(run.report, default=str)
    assert Customer.objects.filter(email=f"{CANARY}@example.com").count() == 1


@pytest.mark.parametrize("encoding", ["punycode", "undefined", "idna", "unicode_escape", "utf-7", "zlib", "../x", "", 5, ["a"]])
def test_odd_encodings_are_refused_or_left_out(rep: Any, client_for: Any, encoding: Any) -> None:
    mapping = json.dumps({"entity": "customer", "source": {"encoding": encoding}, "columns": {"Name": "last_name"}})
    answer = client_for(rep).post("/api/v1/customers/import", {"file": SimpleUploadedFile("a.csv", b"Name\nLee\n"), "mapping": mapping, "dry_run": "true"})
    assert answer.status_code in ((202,) if encoding == "" else (400,)), answer.content
