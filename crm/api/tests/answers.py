"""What tests read from the answers of the API."""

from typing import Any


def data(answer: Any, status: int = 200) -> Any:
    """Return the data of an answer that has this status."""
    assert answer.status_code == status, answer.content
    return answer.json()["data"]


def refused(answer: Any, status: int = 400) -> set[str]:
    """Return the fields that a refusal names."""
    assert answer.status_code == status, answer.content
    return {d["field"] for d in answer.json()["error"]["details"]}
