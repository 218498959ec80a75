"""The keys: one registry for the sheet and for what they do."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from crm.accounts.models import User
from crm.ui.keys import keys_for

pytestmark = pytest.mark.django_db


def test_no_two_keys_of_a_place_are_the_same(admin: User) -> None:
    """Within what can be pressed at once, each key has one meaning."""
    for label, rows in keys_for(admin):
        ways = [way for row in rows for way in row.keys.split("|")]
        assert len(ways) == len(set(ways)), label


def test_the_sheet_follows_the_rights(client_for: Callable[[Any], Client], admin: User, readonly: User) -> None:
    """Who may not make a deal has no key for it; everybody has the keys of what he may open."""
    whole, less = client_for(admin).get("/").content.decode(), client_for(readonly).get("/").content.decode()
    assert 'data-key="c d"' in whole
    assert 'data-key="c d"' not in less
    assert 'data-key="g c" data-url="/customers"' in less
