"""The test run: its servers, and the cast that every test may ask for."""

import pytest
from django.conf import settings

from crm.embedded.postgres import Postgres
from crm.embedded.valkey import Valkey
from crm.testing import servers

pytest_plugins = ["crm.testing.fixtures"]

_started: list[Postgres | Valkey] = []


def pytest_configure(config: pytest.Config) -> None:
    """Make sure that PostgreSQL and Valkey run (once, in the process that leads the run)."""
    if hasattr(config, "workerinput"):
        return
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # where files are looked for at every start
    _started.extend(
        servers.ensure(
            settings.HOME, postgres=not settings.DATABASE_URL, valkey=not settings.REDIS_URL_GIVEN
        )
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started here."""
    while _started:
        _started.pop().stop()
