"""The supervisor: restarts, order, one per home, leftovers."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from crm.embedded.processes import dies_with_parent, end_group, spawn, started_at
from crm.operations.home import Home
from crm.operations.programs import Program, application
from crm.operations.supervisor import Supervisor, port_problem

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    home = Home(tmp_path)
    assert home.take()
    return Supervisor(home, "http://localhost:1", lambda text: None)


def test_what_is_killed_starts_again(supervisor: Supervisor) -> None:
    program = Program("sleeper", lambda: spawn(SLEEPER), patience=2)
    supervisor.start(program)
    assert program.process is not None
    first = program.process.pid
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and (program.process is None or program.process.pid == first):
        supervisor.look()
        time.sleep(0.02)
    assert program.process is not None
    assert program.process.pid != first
    assert supervisor.home.read()["children"]["sleeper"][0] == program.process.pid
    supervisor.stop_all()
    assert program.process is None


def test_pauses_grow(supervisor: Supervisor) -> None:
    program = Program("broken", lambda: spawn([sys.executable, "-c", "raise SystemExit(3)"]))
    pauses = []
    for _ in range(4):
        program.start()
        assert program.process is not None
        program.process.wait()
        assert program.ended() == 3
        pauses.append(program.plan_restart())
    assert pauses == [0.25, 0.5, 1.0, 2.0]


def test_a_home_has_one_supervisor(tmp_path: Path) -> None:
    first, second = Home(tmp_path), Home(tmp_path)
    assert first.take()
    first.write("http://localhost:8000", {})
    assert not second.take()
    assert second.read()["url"] == "http://localhost:8000"
    first.release()
    assert second.take()
    second.release()


def test_leftovers_are_ended_and_strangers_are_not(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.take()
    ours, stranger = spawn(SLEEPER), spawn(SLEEPER)
    home.write("http://localhost:1", {"web": ours.pid})
    text = home.note.read_text()
    # The id of a process that ended long ago, given to another one since.
    home.note.write_text(text.replace('"children": {', f'"children": {{"worker": [{stranger.pid}, 1.0], '))
    assert home.end_leftovers() == ["web"]
    assert ours.wait(30) is not None
    assert started_at(stranger.pid) is not None
    end_group(stranger.pid, patience=5)
    home.release()


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux ends a child with its parent.")
def test_children_end_with_their_parent() -> None:
    assert dies_with_parent(signal.SIGTERM) is not None
    script = (
        "from crm.embedded.processes import spawn; import sys, time;"
        "p = spawn([sys.executable, '-c', 'import time; time.sleep(60)']); print(p.pid, flush=True); time.sleep(60)"
    )
    root = Path(__file__).resolve().parents[3]
    import subprocess

    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and started_at(child) is not None:
        time.sleep(0.05)
    assert started_at(child) is None


def test_a_taken_port_is_refused_by_name() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = port_problem("127.0.0.1", port, socket.socket)
        assert str(port) in said
        assert "PORT=" in said
    assert port_problem("127.0.0.1", port, socket.socket) == ""


def test_who_is_told_to_end_is_let_go_when_the_successor_answers(supervisor: Supervisor, tmp_path: Path) -> None:
    """The deploy under load: two servers for a moment, never none."""
    answers = False
    program = Program("web", lambda: spawn(SLEEPER), patience=2)
    program.leaves = lambda pid: (tmp_path / f"{pid}.leaving").exists()
    program.answers = lambda: answers
    supervisor.start(program)
    assert program.process is not None
    first = program.process
    (tmp_path / f"{first.pid}.leaving").touch()
    supervisor.look()
    assert program.process.pid != first.pid
    assert supervisor.home.read()["children"]["web"][0] == program.process.pid
    supervisor.look()
    assert first.poll() is None
    answers, program.ask_at = True, 0.0
    supervisor.look()
    assert first.poll() is None, "It still serves while the open connections come over."
    program.ask_at = 0.0
    supervisor.look()
    assert first.wait(30) is not None
    assert program.process.poll() is None
    supervisor.stop_all()


def test_the_wish_to_end_reaches_the_process_and_its_children_follow(tmp_path: Path) -> None:
    script = (
        "import os, signal, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "def end(*_):\n"
        "    open(sys.argv[1], 'w').write(str(child.poll())); os._exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = spawn([sys.executable, "-c", script, str(tmp_path / "seen")], stdout=-1)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    end_group(parent.pid, patience=5)
    parent.stdout.close()
    assert (tmp_path / "seen").read_text() == "None", "The child was to live while its parent ends in good order."
    assert started_at(child) is None


def test_the_web_server_does_not_linger_when_its_supervisor_is_dead(tmp_path: Path) -> None:
    web = application(base=tmp_path, logs=tmp_path)[0]
    assert web.name == "web"
    # SIGTERM would begin the pause in which a successor is awaited.
    assert web.stop_signal == signal.SIGINT
    seen = tmp_path / "seen"
    program = (
        "import pathlib, signal, sys, time\n"
        "for number in (signal.SIGINT, signal.SIGTERM):\n"
        "    signal.signal(number, lambda n, f: (pathlib.Path(sys.argv[1]).write_text(signal.Signals(n).name), sys.exit()))\n"
        "print('up', flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = (
        "import signal, subprocess, sys, time\n"
        "from crm.embedded.processes import spawn\n"
        "child = spawn([sys.executable, '-c', sys.argv[1], sys.argv[2]], stop_signal=signal.SIGINT, stdout=subprocess.PIPE)\n"
        "print(child.stdout.readline().decode(), flush=True)\n"
        "time.sleep(60)\n"
    )
    root = Path(__file__).resolve().parents[3]
    running = spawn([sys.executable, "-c", parent, program, str(seen)], stdout=-1, cwd=root)
    assert running.stdout is not None
    assert running.stdout.readline().strip() == b"up"
    running.kill()
    running.wait()
    running.stdout.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not (seen.exists() and seen.read_text()):
        time.sleep(0.05)
    assert seen.read_text() == "SIGINT"
