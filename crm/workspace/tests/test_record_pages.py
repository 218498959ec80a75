"""The pages and API of what every record has: access, documents, comments, merging, trash."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from crm.access.policy import allows
from crm.accounts.models import User
from crm.accounts.tests.factories import RoleFactory, UserFactory
from crm.activity.models import ActivityLog
from crm.records.models import Comment, Document
from crm.records.services import delete_record
from crm.records.services.documents import add_document, add_version
from customers.models import Customer
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
MAY = {(e, a): "own" for e in ("customer", "document", "note") for a in ("view", "create", "change", "delete", "share", "merge")}


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def rep() -> User:
    return UserFactory(role=RoleFactory(may=MAY))


@pytest.fixture
def stranger() -> User:
    return UserFactory(role=RoleFactory(may=MAY))


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_who_can_see_this_names_people_and_reasons(rep: User, stranger: User, client: Any) -> None:
    customer = CustomerFactory(assigned_user=rep)
    client.force_login(rep)
    shown = client.get(f"/access/customer/{customer.pk}")
    assert shown.status_code == 200
    assert "own" in shown.content.decode()
    posted = client.post(f"/access/customer/{customer.pk}/share", {"whom": f"user:{stranger.pk}", "level": "change"})
    assert posted.status_code == 302
    assert allows(fresh(stranger), "change", customer)
    assert client.post(f"/access/customer/{customer.pk}/share", {"whom": "user:x"}).status_code == 422
    client.force_login(stranger)
    assert client.post(f"/access/customer/{customer.pk}/unshare", {"whom": f"user:{stranger.pk}"}).status_code == 302
    assert client.get(f"/access/customer/{customer.pk}").status_code == 404
    for address in ("/access/ghost/", "/access/stage/"):
        assert client.get(f"{address}{customer.pk}").status_code == 404


def test_documents_are_served_only_to_who_sees_the_record(rep: User, stranger: User, client: Any) -> None:
    customer = CustomerFactory(assigned_user=rep)
    client.force_login(rep)
    file = SimpleUploadedFile("a\u202eb.html", b"<script>alert(1)</script>", content_type="text/html")
    assert client.post(f"/documents/on/customer/{customer.pk}", {"file": file}).status_code == 302
    document = Document.objects.get()
    got = client.get(f"/documents/{document.pk}/download")
    assert b"".join(got.streaming_content) == b"<script>alert(1)</script>"
    assert got["Content-Type"] == "application/octet-stream"
    assert got["Content-Disposition"] == 'attachment; filename="ab.html"'
    assert got["X-Content-Type-Options"] == "nosniff"
    assert got["Cache-Control"].startswith("private")
    assert "sandbox" in got["Content-Security-Policy"]
    assert ActivityLog.objects.filter(action="records.document_downloaded", entity_id=document.pk).count() == 1
    assert client.get(f"/documents/{document.pk}/preview").status_code == 404, "markup is never shown"
    add_version(document=document, file=SimpleUploadedFile("t.txt", b"plain"), actor=rep)
    preview = client.get(f"/documents/{document.pk}/preview")
    assert preview["Content-Type"] == "text/plain; charset=utf-8"
    assert b"".join(client.get(f"/documents/{document.pk}/download?version=1").streaming_content).startswith(b"<script")
    for odd in ("0", "99", "x", "-1", "9" * 50, "²"):
        assert client.get(f"/documents/{document.pk}/download", {"version": odd}).status_code == 404
    client.force_login(stranger)
    for way in ("download", "preview"):
        assert client.get(f"/documents/{document.pk}/{way}").status_code == 404
    assert client.post(f"/documents/{document.pk}/delete").status_code == 404
    assert client.post(f"/documents/on/customer/{customer.pk}", {"file": file}).status_code == 404
    client.logout()
    assert client.get(f"/documents/{document.pk}/download").status_code == 302


def test_panels_show_documents_and_comments(rep: User, client: Any) -> None:
    customer = CustomerFactory(assigned_user=rep)
    client.force_login(rep)
    add_document(record=customer, file=SimpleUploadedFile("offer.txt", b"x"), actor=rep)
    client.post(f"/comments/on/customer/{customer.pk}", {"content": "Look <b>here</b>"})
    assert "offer.txt" in client.get(f"/customers/{customer.pk}/panels/documents").content.decode()
    shown = client.get(f"/customers/{customer.pk}/panels/comments").content.decode()
    assert "Look &lt;b&gt;here" in shown
    remark = Comment.objects.get()
    client.post(f"/comments/{remark.pk}/delete")
    assert "Look" not in client.get(f"/customers/{customer.pk}/panels/comments").content.decode()


def test_a_duplicate_is_merged_on_a_page(rep: User, client: Any) -> None:
    a, b = CustomerFactory(assigned_user=rep, job_title="CEO"), CustomerFactory(assigned_user=rep, job_title="CTO")
    foreign = CustomerFactory()
    client.force_login(rep)
    assert client.get(f"/merge/customer/{a.pk}", {"q": "zzz"}).status_code == 200
    assert client.get(f"/merge/customer/{a.pk}", {"other": str(foreign.pk)}).status_code == 404
    assert "CTO" in client.get(f"/merge/customer/{a.pk}", {"other": str(b.pk)}).content.decode()
    done = client.post(f"/merge/customer/{a.pk}", {"other": str(b.pk), "field-job_title": str(b.pk)})
    assert done.status_code == 302
    assert Customer.objects.get(pk=a.pk).job_title == "CTO"
    assert not Customer.objects.filter(pk=b.pk).exists()


def test_the_trash_shows_restores_and_is_emptied_by_administrators(rep: User, stranger: User, client: Any) -> None:
    customer = CustomerFactory(assigned_user=rep, last_name="Gone")
    delete_record(obj=customer, actor=rep)
    client.force_login(stranger)
    assert "Gone" not in client.get("/trash?entity=customer").content.decode()
    assert client.post(f"/trash/customer/{customer.pk}/restore").status_code == 404
    client.force_login(rep)
    assert "Gone" in client.get("/trash?entity=customer").content.decode()
    assert client.post("/trash/customer/empty").status_code == 403
    assert client.post(f"/trash/customer/{customer.pk}/restore").status_code == 302
    customer.refresh_from_db()
    assert customer.deleted_at is None
    delete_record(obj=customer, actor=rep)
    client.force_login(UserFactory(role=RoleFactory(is_admin=True)))
    assert client.post("/trash/customer/empty").status_code == 302
    assert not Customer.everything.filter(pk=customer.pk).exists()


def test_the_api_tells_and_changes_access(rep: User, stranger: User) -> None:
    customer = CustomerFactory(assigned_user=rep)
    api = APIClient()
    api.force_authenticate(rep)
    told = api.get(f"/api/v1/customers/{customer.pk}/access").json()["data"]
    assert [(p["user"]["id"], p["reasons"][0]["why"]) for p in told] == [(str(rep.pk), "own")]
    made = api.post(f"/api/v1/customers/{customer.pk}/shares", {"user": str(stranger.pk)}, format="json")
    assert (made.status_code, made.json()["data"][0]["may_change"]) == (200, False)
    api.force_authenticate(fresh(stranger))
    assert api.get(f"/api/v1/customers/{customer.pk}").status_code == 200
    assert api.post(f"/api/v1/customers/{customer.pk}/shares", {"user": str(rep.pk)}, format="json").status_code == 403
    api.force_authenticate(fresh(rep))
    assert api.delete(f"/api/v1/customers/{customer.pk}/shares", {"user": str(stranger.pk)}, format="json").status_code == 204
    assert api.delete(f"/api/v1/customers/{customer.pk}/shares", {"user": str(stranger.pk)}, format="json").status_code == 404
    assert api.post(f"/api/v1/customers/{customer.pk}/shares", {}, format="json").status_code == 400
