"""The pool gives out the connection that is warm, and lets the others go."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connections
from psycopg_pool import ConnectionPool

from crm.lib.postgres.base import DatabaseWrapper, WarmPool


@pytest.fixture
def pool(db: None) -> Iterator[ConnectionPool]:
    """Return a pool of the kind that the product opens, with three connections that a busy moment needed."""
    wrapper = connections["default"]
    assert isinstance(wrapper, DatabaseWrapper) and isinstance(wrapper.pool, WarmPool)
    with WarmPool(kwargs={**wrapper.get_connection_params(), "autocommit": True}, min_size=1, max_size=3, open=False) as made:
        made.open(wait=True)
        busy = threading.Barrier(3)

        def use() -> None:
            with made.connection() as taken:
                busy.wait(10)
                taken.execute("SELECT 1")

        threads = [threading.Thread(target=use) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        yield made


def test_one_request_after_the_other_has_the_same_connection(pool: ConnectionPool) -> None:
    used = []
    for _turn in range(6):
        with pool.connection() as taken:
            used.append(taken.info.backend_pid)
    assert pool.get_stats()["pool_size"] == 3
    assert len(set(used)) == 1


def test_what_shrinks_is_what_nobody_used(pool: ConnectionPool) -> None:
    with pool.connection() as taken:
        warm = taken.info.backend_pid
    pool._shrink_pool()  # resets what it counts
    with pool.connection():
        pass
    pool._shrink_pool()
    assert pool.get_stats()["pool_size"] == 2
    with pool.connection() as taken:
        assert taken.info.backend_pid == warm
