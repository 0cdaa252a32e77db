"""A real API process with every package, and somebody with demo data who may do everything."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from erp_core.testing.environment import Erp, Person


@pytest.fixture(scope="session")
def fuzzed(erp: Erp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an `erp serve` process with all packages."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = int(sock.getsockname()[1])
    output = tmp_path_factory.mktemp("fuzz") / "output.txt"
    command = [sys.executable, "-m", "erp_core.cli", "serve", "--port", str(port)]
    environ = {**os.environ, **erp.environ, "ERP_RATE_LIMIT": "0"}
    with output.open("wb") as file:
        process = subprocess.Popen(command, env=environ, stdout=file, stderr=subprocess.STDOUT)
    try:
        _wait_ready(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_ready(base: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{base}/health/ready", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    message = "The API did not become ready."
    raise AssertionError(message)


@pytest.fixture(scope="session")
def caller(erp: Erp) -> Person:
    """Somebody with every permission in a company that has the demo data of every package."""
    person = erp.open_tenant()
    for _, step in erp.application.demo:
        erp.units.run(erp.actor(person), step.load)
    return person
