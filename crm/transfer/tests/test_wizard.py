"""The wizard: titles above a header, cells mended in the check, questions settled together, progress told, undo listed."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from crm.activity.undo import undone_by
from crm.jobs.engine import run_now
from crm.jobs.models import Job
from crm.realtime.topics import may_hear
from crm.transfer.engine.seen import DICT_UP_TO, Seen
from crm.transfer.jobs import change_set_of
from crm.transfer.models import ImportRun
from crm.transfer.readers import open_source
from crm.transfer.services import mend
from customers.models import Company, Customer
from sales.models import Product

pytestmark = [pytest.mark.django_db]

PEOPLE = (
    "My export of people,,,\n,,,\nFirst name,Email,Company,Birthday\nAnna,anna@berg.example,Acme,1980-02-03\n"
    "Ben,ben at holm.example,Acme,1985-13-40\nCora,cora@lind.example,,\n"
)


def finish(run: ImportRun) -> ImportRun:
    """Do the job that waits for a run, and read it again."""
    run.refresh_from_db()
    run_now(Job.objects.get(pk=run.job_id))
    run.refresh_from_db()
    return run


def begun(client: Client, text: str, entity: str = "customer") -> ImportRun:
    """Upload a file and send the columns as they are proposed."""
    client.post("/imports/new", {"entity": entity, "file": SimpleUploadedFile("people.csv", text.encode())})
    run = ImportRun.objects.latest("created_at")
    page = client.get(f"/imports/{run.pk}")
    rows = page.context["rows"]
    client.post(f"/imports/{run.pk}", {f"to-{r['index']}": r["value"] for r in rows})
    return finish(run)


@pytest.mark.parametrize(("text", "headers"), [
    ("Report 2024\n\nRegion,North\nname,email,city\nA,a@x.de,B\nC,c@x.de,D\n", ["name", "email", "city"]),
    ("Report;;;\n;;;\nname;email;city;zip\nA;a@x.de;B;1\nC;c@x.de;D;2\n", ["name", "email", "city", "zip"]),
    ("note\nhello, world\nfoo, bar\n", ["note"]),
    ("name,email,city\nA,a@x.de,B\nC,c@x.de\n", ["name", "email", "city"]),
])
def test_titles_above_a_table_are_left_out(tmp_path: Path, text: str, headers: list[str]) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text)
    assert open_source(path, "file.csv").headers == headers


def test_a_cell_is_mended_in_place(client_for: Any, admin: Any) -> None:
    client = client_for(admin)
    run = begun(client, PEOPLE)
    assert run.report["counts"] == {"create": 2, "update": 0, "skip": 0, "error": 1}
    page = client.get(f"/imports/{run.pk}").content.decode()
    assert "My export of people" in page
    assert 'name="cell-1" value="ben at holm.example"' in page
    htmx = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "row-5"}
    half = client.post(f"/imports/{run.pk}/rows/5", {"cell-1": "ben@holm.example", "cell-3": "1985-13-40"}, **htmx).content.decode()
    assert "is not a date" in half
    assert "not an e-mail" not in half
    whole = client.post(f"/imports/{run.pk}/rows/5", {"cell-3": "1985-12-04"}, **htmx).content.decode()
    assert "will be created" in whole
    assert 'hx-swap-oob="true"' in whole
    run.refresh_from_db()
    assert (run.report["counts"]["create"], run.report["counts"]["error"], run.report["errors"]) == (3, 0, [])
    client.post(f"/imports/{run.pk}/run")
    run = finish(run)
    assert (run.state, run.report["result"]["create"]) == ("done", 3)
    assert str(Customer.objects.get(email="ben@holm.example").birthday) == "1985-12-04"


def test_a_mended_row_may_turn_out_to_be_another_one(client_for: Any, admin: Any) -> None:
    run = begun(client_for(admin), PEOPLE)
    mend(run, admin, 5, {1: "anna@berg.example", 3: ""})
    client_for(admin).post(f"/imports/{run.pk}/run")
    run = finish(run)
    # The whole file is checked before it is written: the row is about Anna.
    assert (Customer.objects.count(), run.report["result"]["update"], run.report["result"]["error"]) == (2, 1, 0)


def test_only_rows_that_failed_are_mended_and_only_by_whom_they_belong_to(client_for: Any, admin: Any, rep: Any) -> None:
    run = begun(client_for(admin), PEOPLE)
    assert client_for(admin).post(f"/imports/{run.pk}/rows/4", {"cell-0": "X"}).status_code == 404
    assert client_for(admin).post(f"/imports/{run.pk}/rows/5", {"cell-99": "X"}).status_code == 404
    assert client_for(rep).post(f"/imports/{run.pk}/rows/5", {"cell-1": "a@b.example"}).status_code == 404
    assert (may_hear(admin, f"import:{run.pk}"), may_hear(rep, f"import:{run.pk}"), may_hear(admin, "import:x")) == (True, False, False)


def test_questions_are_settled_together_and_not_asked_again(client_for: Any, admin: Any) -> None:
    Product.objects.create(name="GTX Pro")
    client = client_for(admin)
    text = "title,product,owner,value\nA,GTXPro,Nobody One,1\nB,Other thing,Nobody Two,2\nC,Third thing,,3\n"
    run = begun(client, text, "deal")
    questions = {q["column"]: q["names"] for q in run.report["questions"]}
    assert questions == {"owner": 2} | ({"product": 3} if "product" in questions else {})
    answers = {f"others-{i}": "leave" for i, _q in enumerate(run.report["questions"])}
    client.post(f"/imports/{run.pk}", {"choices": "1", "accept": "1", **answers})
    run = finish(run)
    assert (run.report["references"], run.report["questions"], run.report["blocked"]) == ([], [], False)
    owners = next(s for s in run.report["settled"] if s["column"] == "owner")
    assert (owners["choice"], owners["rows"]) == ("leave", 2)
    page = client.get(f"/imports/{run.pk}").content.decode()
    assert "What do these stand for?" not in page
    assert "kept in a note" in page


def test_the_result_links_to_what_was_made_and_lists_edits_before_an_undo(client_for: Any, admin: Any) -> None:
    client = client_for(admin)
    Customer.objects.create(first_name="Before")
    run = begun(client, "first name,email\nAnna,a@x.example\nBen,b@x.example\n")
    client.post(f"/imports/{run.pk}/run")
    run = finish(run)
    page = client.get(f"/imports/{run.pk}")
    made = client.get(page.context["links"]["created"]).content.decode()
    assert "Anna" in made
    assert "Before" not in made
    anna = Customer.objects.get(first_name="Anna")
    client.post(f"/customers/{anna.pk}/edit", {})
    api = json.dumps({"first_name": "Annabel"})
    client.patch(f"/api/v1/customers/{anna.pk}", api, content_type="application/json")
    Customer.objects.filter(pk=anna.pk).update(first_name="Annabel")
    assert "Annabel" in client.get(f"/imports/{run.pk}/undo").content.decode()
    client.post(f"/imports/{run.pk}/undo")
    assert sorted(Customer.objects.values_list("first_name", flat=True)) == ["Annabel", "Before"]
    assert undone_by(change_set_of(run)) is not None


def test_a_large_undo_is_a_job(client_for: Any, admin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.transfer.views.ENTRIES_AT_ONCE", 1)
    client = client_for(admin)
    run = begun(client, "name\nOne\nTwo\n", "company")
    client.post(f"/imports/{run.pk}/run")
    run = finish(run)
    client.post(f"/imports/{run.pk}/undo")
    assert "is being undone" in client.get(f"/imports/{run.pk}").content.decode()
    run_now(Job.objects.get(kind="activity.undo"))
    assert Company.everything.count() == 0


def test_keys_of_a_million_rows_are_kept_in_little_room() -> None:
    seen, held = Seen(), {}
    for row in range(1, DICT_UP_TO + 60_000):
        key = hash(("field", "email", f"p{row % (DICT_UP_TO + 50_000)}@example.com"))
        seen.put(key, row)
        held[key] = row
    assert all(seen.get(key) == row for key, row in held.items())
    assert seen.get(hash("nothing of it")) is None
    assert len(seen._hashes) * 16 < 100 * len(held)
