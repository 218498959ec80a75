"""A migration of a large base is not cut off in its middle."""

import pytest
from django.db import connection
from django.db.models.signals import post_migrate, pre_migrate

from crm.operations.migrating import hurry_again, take_time


def limit() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return str(cursor.fetchone()[0])


@pytest.mark.django_db
def test_the_limit_is_lifted_for_migrations_only() -> None:
    usual = limit()
    assert usual not in ("0", "")
    assert any(take_time is receiver() for _key, receiver, *_rest in pre_migrate.receivers)
    assert any(hurry_again is receiver() for _key, receiver, *_rest in post_migrate.receivers)
    take_time(using="default")
    assert limit() == "0"
    hurry_again(using="default")
    assert limit() == usual
