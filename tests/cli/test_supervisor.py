"""Processes are kept alive together, and all of them end."""

from __future__ import annotations

import io
import os
import sys
import threading
import time

import pytest

from erp_core.cli import supervisor
from erp_core.cli.processes import spawn
from erp_core.cli.supervisor import Child, GivenUp, Supervisor

SLEEP = [sys.executable, "-c", "print('awake', flush=True); import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]
DYING = [sys.executable, "-c", "print('last words'); raise SystemExit(7)"]
TIED = [
    sys.executable,
    "-c",
    "from erp_core.cli.opening import end_with_parent; end_with_parent(); import time; time.sleep(60)",
]


def supervised(*children: Child) -> tuple[Supervisor, io.StringIO, threading.Event]:
    output, stop = io.StringIO(), threading.Event()
    return Supervisor(children, spawn, dict(os.environ), "127.0.0.1", output, stop), output, stop


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def eventually(condition, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_every_line_carries_the_name_of_its_process() -> None:
    running, output, stop = supervised(Child("core", SLEEP), Child("scheduler", SLEEP))
    thread = threading.Thread(target=running.run, args=(lambda: None,))

    thread.start()
    both = eventually(lambda: "scheduler | awake" in output.getvalue() and "core      | awake" in output.getvalue())
    stop.set()
    thread.join(15)

    assert both
    assert not thread.is_alive()


def test_a_process_that_dies_is_started_again() -> None:
    child = Child("core", SLEEP)
    running, output, stop = supervised(child)
    thread = threading.Thread(target=running.run, args=(lambda: None,))
    thread.start()
    assert eventually(lambda: child.running)
    first = child.process.pid

    os.kill(first, 9)

    again = eventually(lambda: child.running and child.process.pid != first)
    stop.set()
    thread.join(15)
    assert again
    assert "ended unexpectedly (status -9)" in output.getvalue()


def test_a_process_that_dies_again_and_again_ends_everything(monkeypatch) -> None:
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.05)
    healthy, sick = Child("core", SLEEP), Child("vidrio", DYING)
    running, output, _ = supervised(healthy, sick)

    with pytest.raises(GivenUp) as given_up:
        running.run(lambda: None)

    assert given_up.value.child is sick
    assert not healthy.running
    assert output.getvalue().count("starting it again") == supervisor.MOST_RESTARTS
    assert "vidrio | last words" in output.getvalue()


def test_a_process_that_ignores_the_request_is_killed(monkeypatch) -> None:
    monkeypatch.setattr(supervisor, "TERM_SECONDS", 0.5)
    child = Child("core", STUBBORN)
    running, output, stop = supervised(child)
    thread = threading.Thread(target=running.run, args=(lambda: None,))
    thread.start()
    assert eventually(lambda: "deaf" in output.getvalue())
    pid = child.process.pid

    stop.set()
    thread.join(10)

    assert not is_alive(pid)
    assert "was killed" in output.getvalue()


def test_children_end_when_their_parent_is_killed() -> None:
    script = f"""
import io, os, threading
from erp_core.cli.processes import spawn
from erp_core.cli.supervisor import Child, Supervisor
child = Child("core", {TIED!r})
class Output(io.StringIO): pass
running = Supervisor([child], spawn, dict(os.environ), "127.0.0.1", Output(), threading.Event())
threading.Thread(target=running.run, args=(lambda: print(child.process.pid, flush=True),), daemon=True).start()
threading.Event().wait(60)
"""
    import subprocess

    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        assert is_alive(pid)

        parent.kill()

    assert eventually(lambda: not is_alive(pid))
