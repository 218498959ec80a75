"""The cache that may go away."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm.embedded.valkey import Valkey
from crm.lib.cache import PAUSE, ResilientCache
from crm.testing import servers


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A Valkey of this test's own, to be killed."""
    valkey = Valkey(tmp_path_factory.mktemp("v"))
    valkey.prepare()
    valkey.start()
    servers.wait(valkey)
    yield valkey
    valkey.stop()


def cache_on(valkey: Valkey) -> ResilientCache:
    options = {"socket_timeout": 1, "socket_connect_timeout": 1}
    return ResilientCache(f"unix://{valkey.socket}", {"KEY_PREFIX": "t", "TIMEOUT": 60, "OPTIONS": options})


def kill(valkey: Valkey) -> None:
    assert valkey.process is not None
    valkey.process.kill()
    valkey.process.wait()


def test_it_keeps_counts_and_forgets(server: Valkey) -> None:
    cache = cache_on(server)
    cache.set("a", {"b": 1})
    assert cache.get("a") == {"b": 1}
    assert cache.add("n", 1) is True
    assert cache.add("n", 1) is False
    assert cache.incr("n") == 2
    cache.delete("a")
    assert cache.get("a", "none") == "none"
    assert cache.is_up()


def test_without_a_server_reads_miss_and_writes_are_forgotten_at_once(server: Valkey) -> None:
    cache = cache_on(server)
    cache.set("a", 1)
    kill(server)
    started = time.monotonic()
    assert cache.get("a", "none") == "none"
    cache.set("a", 2)
    cache.set_many({"b": 1})
    cache.delete_many(["b"])
    assert cache.get_many(["a", "b"]) == {}
    assert cache.add("c", 1) is False
    assert cache.touch("a") is False
    assert cache.has_key("a") is False
    assert cache.delete("a") is False
    assert cache.clear() is False
    with pytest.raises(ValueError, match="not found"):
        cache.incr("n")
    assert not cache.is_up()
    assert time.monotonic() - started < 1.5


def test_what_should_have_been_deleted_meanwhile_does_not_come_back(server: Valkey) -> None:
    """A network gap: the server kept a session that was ended while we could not reach it."""
    cache = cache_on(server)
    cache.set("session", "signed in")
    other = cache_on(server)
    assert server.process is not None
    subprocess.run(["kill", "-STOP", str(server.process.pid)], check=True)
    cache.delete("session")
    subprocess.run(["kill", "-CONT", str(server.process.pid)], check=True)
    time.sleep(PAUSE + 0.2)
    assert cache.get("anything") is None
    assert other.get("session") is None


def test_clearing_leaves_the_keys_of_others(server: Valkey) -> None:
    cache = cache_on(server)
    cache.set("mine", 1)
    client = cache._cache.get_client()
    client.set("queue", "message")
    cache.clear()
    assert cache.get("mine") is None
    assert client.get("queue") == b"message"


def test_clients_are_shared_by_requests(server: Valkey) -> None:
    assert cache_on(server)._cache is cache_on(server)._cache


def test_sockets_are_private(server: Valkey) -> None:
    assert Path(server.socket).stat().st_mode & 0o077 == 0
