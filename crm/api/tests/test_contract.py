"""A fuzzer that knows only the OpenAPI document finds no failure and nothing that the document does not say.

This is the short run of every operation, in-process; the long one is ``schemathesis run`` against a server.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig

from crm.accounts import tokens
from crm.activity.intention import intend
from crm.records.services import create_record

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
# A value that fits the schema may still name a record that is not there, or break a rule of the business.
CONFIG = SchemathesisConfig.from_dict(
    {"checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", "400", "401", "403", "404", "409", "412", "429"]}}}
)
# The other entities run the same code; these stand for them, with everything that is written by hand. An administrator
# is answered otherwise only where others are refused, and strangers are refused alike everywhere.
FAMILIES = {
    "rep": ("customers", "deals", "tags", "auth", "search", "jobs", "imports", "reports", "notifications", "change-sets"),
    "admin": ("tags", "roles", "users", "change-sets", "activity-logs", "jobs"),
    "nobody": ("tasks", "tags", "roles", "auth", "search", "jobs"),
}
# Signing out ends the run, and these wait for other processes.
LEFT_OUT = ("/auth/logout", "/auth/sessions", "/deactivate")
BOUNDED = settings(
    max_examples=1, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Keep the test's connection and transaction through every request, as Django's test client does."""
    signals.request_started.disconnect(close_old_connections)
    signals.request_finished.disconnect(close_old_connections)
    yield
    signals.request_started.connect(close_old_connections)
    signals.request_finished.connect(close_old_connections)


def token_of(user: Any) -> str:
    """Return an access token."""
    with intend(actor=user):
        return tokens.issue(user).access


@pytest.mark.parametrize("who", FAMILIES)
def test_every_operation_keeps_to_the_document(who: str, cast: Any) -> None:
    """Call every operation with generated data, valid and not, and check each answer against the document."""
    headers = {}
    if who != "nobody":
        user = cast(who)
        headers["Authorization"] = f"Bearer {token_of(user)}"
        create_record(of="customer", data={"last_name": "One", "company": "Co"}, actor=user)
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema", app=get_wsgi_application(), config=CONFIG, headers=headers)
    problems: list[str] = []
    called = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.split("/")[3] not in FAMILIES[who] or any(part in operation.path for part in LEFT_OUT):
            continue
        for mode in schemathesis.GenerationMode:
            problems.extend(problem for problem in run(operation, mode, headers))
        called += 1
    assert called > 40
    assert not problems, "\n\n".join(problems[:10])


def run(operation: Any, mode: Any, headers: dict[str, str]) -> list[str]:
    """Return what is wrong with the answers of one operation."""
    problems: list[str] = []

    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        try:
            case.call_and_validate(headers=headers)
        except schemathesis.errors.SchemathesisError:
            raise
        except (AssertionError, BaseExceptionGroup) as error:
            inner = getattr(error, "exceptions", [error])
            problems.append("\n".join(f"{operation.label}: {str(e)[:1500]}" for e in inner))

    try:
        call()
    except Exception as error:
        # Data that breaks the schema cannot always be made (an operation that takes nothing).
        if "Unsatisfiable" not in type(error).__name__ and "skip" not in type(error).__name__.lower():
            problems.append(f"{operation.label}: {type(error).__name__}: {str(error)[:500]}")
    return problems
