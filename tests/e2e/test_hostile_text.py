"""Text that tries to be markup stays text, on every page that shows it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from crm.accounts.models import User
from crm.lib.errors import Refusal
from crm.records.entity import entity
from crm.records.fields import Kind
from crm.records.services import create_record, update_record
from crm.records.services.comments import add_comment
from crm.records.services.documents import add_document
from crm.workspace.services.setup import ensure_reference_data
from sales.models import Pipeline

pytestmark = pytest.mark.django_db(transaction=True)

SHORT = "\"'><img src=/pwned onerror=__pwned=1>"
LONG = (
    SHORT + "</script></title></textarea></template><script>window.__pwned=2</script><svg/onload=__pwned=3>"
    "<a href=javascript:__pwned=4 hx-get=/pwned hx-trigger=load hx-on::load=__pwned=5>x</a><iframe srcdoc='<script>parent.__pwned=6</script>'></iframe>"
    "{{7*7}}{% debug %}<!--\u2028\u2029]]>"
)
BAD_URLS = ("javascript:alert(1)", "data:text/html,<script>1</script>", "vbscript:x", "\x01javascript:alert(1)", "java\tscript:alert(1)", "//evil.example")


def hostile(of: str, actor: User, **given: Any) -> Any:
    """Make a record with the payload in every text that it takes."""
    data = dict(given)
    for key, f in entity(of).writable_fields(actor).items():
        if key in data or f.unique or f.kind not in (Kind.TEXT, Kind.LONG_TEXT):
            continue
        data[key] = LONG if (f.max_length or 9999) > len(LONG) else SHORT[: f.max_length]
    return create_record(of=of, data=data, actor=actor)


@pytest.fixture
def trap(transactional_db: None, admin: User) -> dict[str, Any]:
    """A workspace in which every name is an attack."""
    ensure_reference_data()
    for name in ("first_name", "last_name"):
        update_record(obj=admin, data={name: SHORT}, actor=admin)
    create_record(of="tag", data={"name": SHORT}, actor=admin)
    create_record(of="team", data={"name": SHORT}, actor=admin)
    create_record(of="custom_field", data={"entity": "customer", "key": "trap", "label": SHORT, "kind": "text"}, actor=admin)
    pipeline = Pipeline.objects.get(is_default=True)
    update_record(obj=pipeline, data={"name": SHORT}, actor=admin)
    stage = pipeline.stages.order_by("position").first()
    update_record(obj=stage, data={"name": SHORT}, actor=admin)
    mine = {"assigned_user": str(admin.pk), "tags": [SHORT]}
    company = hostile("company", admin, **mine, website="https://example.com", email="a@example.com", phone="")
    customer = hostile("customer", admin, **mine, company=str(company.pk), website="", **{"custom.trap": LONG[:200]})
    product = hostile("product", admin, tags=[SHORT], currency="USD")
    deal = hostile("deal", admin, **mine, customer=str(customer.pk), company=str(company.pk), stage=str(stage.pk), value="100",
                   currency="USD", product=str(product.pk))
    task = hostile("task", admin, **mine, customer=str(customer.pk), due_date=timezone.now().isoformat())
    talk = hostile("interaction", admin, tags=[SHORT], type="CALL", customer=str(customer.pk), deal=str(deal.pk))
    create_record(of="note", data={"entity": "customer", "record_id": str(customer.pk), "content": LONG, "is_pinned": True}, actor=admin)
    add_comment(record=customer, content=LONG, actor=admin)
    add_document(record=customer, file=SimpleUploadedFile(SHORT + ".txt", b"x"), name=SHORT, actor=admin)
    view = create_record(of="saved_view", data={"name": SHORT, "entity": "customer"}, actor=admin)
    update_record(obj=customer, data={"job_title": SHORT[:20]}, actor=admin)
    return {"customer": customer, "company": company, "deal": deal, "task": task, "product": product, "interaction": talk, "view": view}


def test_nothing_that_people_write_is_run(open_as: Callable[..., Any], admin: User, trap: dict[str, Any]) -> None:
    """No script of the payload runs, no address in it is asked, and the policy has nothing to report."""
    customer = trap["customer"].pk
    tabs = ("activity", "contacts", "relationships", "documents", "comments")
    paths = [
        "/", f"/customers?view={trap['view'].pk}&facets=1&group=status", "/companies", "/products", "/interactions", "/deals",
        "/deals?layout=table", "/deals?layout=forecast", "/tasks?layout=board", f"/search?q={SHORT}", "/dashboards", "/reports",
        "/settings/audit", "/settings/users", "/settings/teams", "/settings/pipelines", "/changes", "/notifications",
        f"/history/customer/{customer}", f"/access/customer/{customer}", f"/merge/customer/{customer}?q=img",
        *(f"/customers/{customer}?tab={t}" for t in tabs), f"/customers/{customer}/edit",
        *(entity(n).url(trap[n]) for n in ("company", "deal", "task", "product", "interaction")),
        f"/customers?q={SHORT}&sort={SHORT}&filter={SHORT}", f"/nope/{SHORT}", f"/account/sign-in?next={SHORT}",
    ]
    page = open_as(admin, paths[0])
    site = page.url.rstrip("/")
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    for path in paths:
        page.goto(site + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.__pwned") is None, path
    page.goto(f"{site}/customers")
    page.keyboard.press("Control+k")
    page.keyboard.type("onerror")
    page.wait_for_selector("#cmd-list [role=option]")
    page.keyboard.press("Escape")
    page.click("tbody .check >> nth=0")
    page.click(".bulk [data-bulk='delete']")
    page.wait_for_selector(".toast")
    page.goto(f"{site}/trash?entity=customer")
    page.wait_for_selector("text=onerror")
    assert page.evaluate("window.__pwned") is None
    assert [u for u in asked if u.startswith(f"{site}/pwned") or not u.startswith((site, "data:", "blob:"))] == []


@pytest.mark.parametrize("url", BAD_URLS)
def test_links_lead_to_web_addresses_only(admin: User, url: str) -> None:
    """A field for a web address takes http and https."""
    with pytest.raises(Refusal):
        create_record(of="company", data={"name": "A", "website": url}, actor=admin)
