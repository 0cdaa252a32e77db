"""API processes that tests may kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from erp_core.testing.environment import Erp


@dataclass(slots=True)
class Api:
    """One `erp serve` process."""

    process: subprocess.Popen[bytes]
    base: str

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def start_api(erp: Erp, free_port: int) -> Iterator[Callable[[], Api]]:
    """Start `erp serve` on one port, again and again."""
    started: list[Api] = []

    def start() -> Api:
        command = [sys.executable, "-m", "erp_core.cli", "serve", "--port", str(free_port)]
        environ = {**os.environ, **erp.environ, "ERP_RATE_LIMIT": "0"}
        api = Api(subprocess.Popen(command, env=environ), f"http://127.0.0.1:{free_port}")
        started.append(api)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if httpx.get(f"{api.base}/health/ready", timeout=1).status_code == 200:
                    return api
            except httpx.TransportError:
                time.sleep(0.1)
        message = "The API did not become ready within 30 seconds."
        raise AssertionError(message)

    yield start
    for api in started:
        if api.process.poll() is None:
            api.process.send_signal(signal.SIGTERM)
            try:
                api.process.wait(10)
            except subprocess.TimeoutExpired:
                api.kill()
