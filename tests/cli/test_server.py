"""The server that answers HTTP: lifespan, signals, and the end of slow requests."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

SCRIPT = """
import asyncio, sys
from erp_core.cli.server import serve_application

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        print("opened on", type(asyncio.get_running_loop()).__module__.split(".")[0], flush=True)
        refusal = {"type": "lifespan.startup.failed", "message": "no pool"}
        await send(refusal if FAIL else {"type": "lifespan.startup.complete"})
        await receive()
        print("closed", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    await asyncio.sleep(float(scope["query_string"] or b"0"))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

FAIL = len(sys.argv) > 2
serve_application(application, "127.0.0.1", int(sys.argv[1]), started=lambda: print("started", flush=True))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, query: str = "") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", f"/?{query}")
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for _ in range(100):
            try:
                get(port)
                break
            except OSError:
                time.sleep(0.05)
        yield process, port
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_closes_the_application(server, number: signal.Signals) -> None:
    process, port = server
    assert get(port) == 200
    began = time.monotonic()

    process.send_signal(number)
    output, errors = process.communicate(timeout=10)

    assert process.returncode == 0
    assert output.splitlines() == ["opened on uvloop", "started", "closed"]
    assert errors == ""
    assert time.monotonic() - began < 5


def test_a_request_that_runs_is_finished_before_the_end(server) -> None:
    process, port = server
    answers: list[int] = []
    slow = threading.Thread(target=lambda: answers.append(get(port, "1.5")))
    slow.start()
    time.sleep(0.4)

    process.terminate()
    slow.join(10)
    process.wait(10)

    assert answers == [200]


def test_a_request_that_never_ends_does_not_hold_the_process(server) -> None:
    process, port = server
    held = http.client.HTTPConnection("127.0.0.1", port)
    held.request("GET", "/?60")
    time.sleep(0.4)
    began = time.monotonic()

    process.terminate()
    output, errors = process.communicate(timeout=10)

    assert time.monotonic() - began < 5
    assert process.returncode == 0
    assert output.splitlines()[-1] == "closed"
    assert "Traceback" not in errors
    held.close()


def test_an_idle_connection_does_not_hold_the_process(server) -> None:
    process, port = server
    idle = http.client.HTTPConnection("127.0.0.1", port)
    idle.request("GET", "/")
    idle.getresponse().read()
    began = time.monotonic()

    process.terminate()
    process.wait(10)

    assert time.monotonic() - began < 3
    idle.close()


def test_an_application_that_cannot_open_is_not_served() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(free_port()), "fail"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert answer.returncode != 0
    assert "The application failed at its startup: no pool." in answer.stderr
    assert "started" not in answer.stdout
