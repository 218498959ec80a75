"""The web server says that it is about to end, before it does."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from crm.operations import leaving


@pytest.mark.django_db
def test_readiness_is_off_before_the_end(client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    note = leaving.note_of(1, tmp_path)
    monkeypatch.setenv(leaving.VARIABLE, str(note))
    assert not leaving.is_leaving()
    monkeypatch.setenv(leaving.VARIABLE, str(tmp_path / "web.leaving"))
    (tmp_path / "web.leaving").touch()
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "leaving"}
    assert client.get("/health/live").status_code == 200
    assert client.get("/account/sign-in")["Connection"] == "close", "The next request goes to the successor."


def ask(port: int, path: str) -> int:
    """Return the status of an answer; 0 when nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except ConnectionRefusedError:
        return 0
    finally:
        connection.close()


def counted(port: int) -> int:
    """Return how many requests the server says it has had."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    found = [line for line in text.splitlines() if line.startswith("django_http_requests_before_middlewares_total ")]
    return int(float(found[0].split()[1]))


@pytest.mark.slow
def test_a_server_told_to_end_serves_on_for_a_while(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "run").mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")} | {
        "RAPPORT_HOME": str(tmp_path), "RAPPORT_DOTENV": "off", "PORT": str(port), "BIND": "127.0.0.1",
        "WEB_DRAIN_SECONDS": "60", "LOG_LEVEL": "ERROR", "WEB_WORKERS": "2",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "crm.operations.web"], cwd=settings.BASE_DIR, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while ask(port, "/health/live") != 200:
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        before = counted(port)
        assert [ask(port, "/health/live") for _ in range(8)] == [200] * 8
        # Whichever of the two processes is asked tells what both have answered.
        assert counted(port) >= before + 9
        server.send_signal(signal.SIGTERM)
        while not leaving.note_of(server.pid, tmp_path).exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert ask(port, "/health/live") == 200
        assert ask(port, "/health/ready") == 503
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
        assert ask(port, "/health/live") == 0
        assert not leaving.note_of(server.pid, tmp_path).exists()
    finally:
        server.kill()
        server.wait()
