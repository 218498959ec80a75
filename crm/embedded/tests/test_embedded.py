"""Addresses of the embedded servers, and their first start."""

import os
from pathlib import Path

import psycopg
import pytest

from crm.embedded import LONGEST_SOCKET_FOLDER, broker_url, database, redis_url, socket_folder
from crm.embedded.postgres import Postgres
from crm.embedded.processes import CannotStart, Owner, give_to, let_read
from crm.testing import servers


def test_a_long_home_gets_a_short_folder_for_its_sockets(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    assert len(str(socket_folder(home))) <= LONGEST_SOCKET_FOLDER
    assert socket_folder(home) == socket_folder(home)
    assert socket_folder(home) != socket_folder(tmp_path / ("other" * 30))
    assert socket_folder(Path("/srv/rapport")) == Path("/srv/rapport/run")


def test_urls_are_read_whole() -> None:
    found = database("postgres://us%40er:p%2Fw@db.example:6543/crm", Path("/x"))
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"], found["NAME"]) == (
        "us@er", "p/w", "db.example", "6543", "crm",
    )


def test_celery_and_cache_mean_the_same_server() -> None:
    assert broker_url("unix:///h/run/valkey.sock?db=3") == "redis+socket:///h/run/valkey.sock?virtual_host=3"
    assert broker_url("redis://valkey:6379/0") == "redis://valkey:6379/0"


def test_parallel_tests_share_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw2")
    assert redis_url(Path("/h")) == "unix:///h/run/valkey.sock?db=3"
    monkeypatch.delenv("PYTEST_XDIST_WORKER")
    assert redis_url(Path("/h")) == "unix:///h/run/valkey.sock"


def test_a_platform_without_a_wheel_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.embedded.postgres.find_spec", lambda name: None)
    with pytest.raises(CannotStart, match="DATABASE_URL"):
        Postgres.binaries()


@pytest.mark.slow
def test_a_first_start_an_interrupted_one_and_a_stale_pid(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("pg")
    (home / "pg").mkdir()
    (home / "pg" / "half").write_text("an initdb that was interrupted")
    server = Postgres(home, durable=False, max_connections=10)
    server.prepare()
    server.start()
    servers.wait(server)
    server.make_database()
    server.make_database()
    with psycopg.connect(host=str(server.sockets), user="postgres", dbname="rapport") as connection:
        row = connection.execute("SELECT lower('ÅÉ'), current_setting('listen_addresses')").fetchone()
        assert row == ("åé", "")
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    again = Postgres(home, durable=False, max_connections=10)
    again.end_leftover()
    again.start()
    servers.wait(again)
    again.stop()


def test_a_package_installed_with_a_narrow_umask_is_opened(tmp_path: Path) -> None:
    folder, program, text = tmp_path / "bin", tmp_path / "bin" / "postgres", tmp_path / "bin" / "sample.conf"
    folder.mkdir(mode=0o700)
    program.touch(mode=0o700)
    text.touch(mode=0o600)
    (folder / "dangling").symlink_to("nowhere")
    let_read(tmp_path)
    modes = [path.stat().st_mode & 0o777 for path in (folder, program, text)]
    assert modes == [0o705, 0o705, 0o604]


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root gives files away.")
def test_data_that_root_put_back_belongs_to_the_server_again(tmp_path: Path) -> None:
    (tmp_path / "pg" / "base").mkdir(parents=True)
    (tmp_path / "pg" / "PG_VERSION").write_text("18")
    give_to(Owner(4242, 4243), tmp_path / "pg")
    for path in (tmp_path / "pg", tmp_path / "pg" / "base", tmp_path / "pg" / "PG_VERSION"):
        assert (path.stat().st_uid, path.stat().st_gid) == (4242, 4243)
    give_to(Owner(4242, 4243), tmp_path / "nowhere")
