"""What only the other team may see: one of each kind, linked, with canaries in every text and primes in every number."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from crm.access.rights import forget_rights
from crm.accounts.models import FieldRight
from crm.records.models import Document
from crm.records.services import create_record
from crm.records.services.comments import add_comment
from crm.records.services.documents import add_document

CANARY = "canaryb"


@pytest.fixture
def theirs(rep2: Any) -> dict[str, Any]:
    """Return records that ``rep2`` owns and ``rep`` may not see."""
    made: dict[str, Any] = {}
    made["company"] = create_record(of="company", data={"name": f"{CANARY} company"}, actor=rep2)
    made["customer"] = create_record(
        of="customer", actor=rep2,
        data={"first_name": CANARY, "last_name": "customer", "email": f"{CANARY}@example.com", "company": str(made["company"].pk),
              "tags": [f"{CANARY}-tag"]},
    )
    made["deal"] = create_record(
        of="deal", data={"title": f"{CANARY} deal", "value": "7919.00", "customer": str(made["customer"].pk)}, actor=rep2
    )
    made["task"] = create_record(of="task", data={"title": f"{CANARY} task", "deal": str(made["deal"].pk)}, actor=rep2)
    made["note"] = create_record(
        of="note", data={"content": f"{CANARY} note", "entity": "customer", "record_id": str(made["customer"].pk)}, actor=rep2
    )
    made["comment"] = add_comment(record=made["customer"], content=f"{CANARY} comment", actor=rep2)
    made["document"] = a_document(made["customer"], rep2)
    return made


def a_document(record: Any, actor: Any, name: str = f"{CANARY}.txt") -> Document:
    """Put a small text file on a record."""
    return add_document(record=record, file=SimpleUploadedFile(name, CANARY.encode()), actor=actor)


@pytest.fixture
def hide() -> Any:
    """Return a function that hides a field from a user's role."""

    def hidden(user: Any, entity: str, *names: str) -> None:
        for name in names:
            FieldRight.objects.create(role=user.role, entity=entity, field=name, level="hidden")
        forget_rights(user)

    return hidden


def content_of(answer: Any) -> str:
    """Return the whole text of an answer, headers included."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return body.decode(errors="replace") + str(dict(answer.headers))


def tells(text: str, figure: str) -> bool:
    """Tell whether a figure stands in a text by itself: the same digits inside an identifier or token tell nothing."""
    return re.search(rf"(?<![\w-]){re.escape(figure)}(?![\w-])", text) is not None
