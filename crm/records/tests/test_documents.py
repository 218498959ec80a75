"""Documents: what a file is comes from its content; where it lies from the server; who reads it from the policy."""

import hashlib
import io
import struct
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from crm.access.policy import SYSTEM, allows
from crm.accounts.tests.factories import RoleFactory, UserFactory
from crm.activity.models import ActivityLog
from crm.lib.errors import Denied, Invalid, Missing
from crm.records.files import clean_name, sniff
from crm.records.models import DocumentVersion
from crm.records.services import create_record
from crm.records.services.documents import add_document, add_version, sweep
from customers.tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
MAY = {(e, a): "own" for e in ("customer", "document") for a in ("view", "create", "change", "delete")}


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def rep() -> Any:
    return UserFactory(role=RoleFactory(may=MAY))


def upload(content: bytes, name: str = "x.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/html")


def png(width: int = 2, height: int = 2) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (2, 2)).save(made, "PNG")
    data = bytearray(made.getvalue())
    header = b"IHDR" + struct.pack(">II", width, height) + bytes(data[24:29])
    data[12:33] = header + struct.pack(">I", zlib.crc32(header))
    return bytes(data)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"hello", "text/plain"), ("zw\u00f6lf".encode(), "text/plain"), (b"a,b\n1,2", "text/plain"), (png(), "image/png"),
        (b"%PDF-1.7 x", "application/pdf"), (b"<svg onload=alert(1)>", "text/html"), (b"<!DOCTYPE html><p>", "text/html"),
        (b"\x00\x01\x02", "application/octet-stream"),
        (png()[:29] + b"\x00\x00\x00\x00" + png()[33:], "application/octet-stream"), (b"\xff\xfe\xfa" * 50, "application/octet-stream"),
    ],
)
def test_a_type_is_read_from_the_content(content: bytes, content_type: str) -> None:
    found = sniff(io.BytesIO(content))
    assert found.content_type == content_type
    assert (found.size, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("content", [b"", b"MZ\x90\x00" + b"\x00" * 60, b"\x7fELF\x02\x01\x01" + b"\x00" * 60, png(50_000, 50_000),
                                     png(8_000, 8_000), png(60_000, 60_000)[:29] + b"\x00" * 20])
def test_nothing_programs_and_image_bombs_are_refused(content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        sniff(io.BytesIO(content))
    assert refused.value.details[0].field == "file"


def test_a_file_that_is_too_large_is_refused(settings: Any) -> None:
    settings.MAX_DOCUMENT_BYTES = 10
    sniff(io.BytesIO(b"x" * 10))
    with pytest.raises(Invalid):
        sniff(io.BytesIO(b"x" * 11))


@pytest.mark.parametrize(
    ("given", "kept"),
    [("../../etc/passwd", "passwd"), ("C:\\x\\a.pdf", "a.pdf"), ("a\x00b\r\n.txt", "ab.txt"), ("in\u202egnp.exe", "ingnp.exe"),
     ("", "file"), ("..", "file"), (None, "file"), ("x" * 500 + ".pdf", "x" * 185 + ".pdf"), ("\ud800a.txt", "a.txt")],
)
def test_a_name_is_only_a_name(given: Any, kept: str) -> None:
    assert clean_name(given) == kept


def test_a_document_is_stored_with_versions_out_of_reach(rep: Any, media: Path) -> None:
    customer = CustomerFactory(assigned_user=rep)
    document = add_document(record=customer, file=upload(b"one", "../Offer.txt"), description="The offer", actor=rep)
    add_version(document=document, file=upload(b"two", "other.txt"), actor=rep)
    document.refresh_from_db()
    first, second = document.versions.order_by("number")
    assert (document.name, document.version) == ("Offer.txt", 2)
    assert [v.file.read() for v in (first, second)] == [b"one", b"two"]
    assert "Offer" not in first.file.name
    assert first.file.name.startswith("documents/")
    assert list(ActivityLog.objects.filter(action="records.document_added", subjects__contains=[str(customer.pk)])
                .values_list("changes__version", flat=True).order_by("id")) == [1, 2]


def test_rights_follow_the_record(rep: Any) -> None:
    mine, theirs = CustomerFactory(assigned_user=rep), CustomerFactory()
    with pytest.raises(Missing):
        add_document(record=theirs, file=upload(b"x"), actor=rep)
    reader = UserFactory(role=RoleFactory(may={("customer", "view"): "all", ("document", "view"): "own"}))
    with pytest.raises(Denied):
        add_document(record=mine, file=upload(b"x"), actor=reader)
    document = add_document(record=mine, file=upload(b"x"), actor=rep)
    assert allows(reader, "view", document)
    with pytest.raises(Denied):
        add_version(document=document, file=upload(b"y"), actor=reader)
    with pytest.raises(Invalid):
        create_record(of="document", data={"entity": "customer", "record_id": mine.pk, "name": "x"}, actor=SYSTEM)


def test_a_refused_upload_leaves_neither_row_nor_file_and_the_sweep_removes_orphans(rep: Any, media: Path) -> None:
    customer = CustomerFactory(assigned_user=rep)
    with pytest.raises(Invalid):
        add_document(record=customer, file=upload(b""), actor=rep)
    assert not DocumentVersion.objects.exists()
    document = add_document(record=customer, file=upload(b"kept"), actor=rep)
    default_storage.save("documents/aa/orphan", upload(b"lost"))
    assert sweep() == 0, "not yet: its transaction may still be running"
    assert sweep(older_than=timedelta(0)) == 1
    assert document.versions.get().file.read() == b"kept"
