"""A real API process with every package, and two companies full of data behind it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from erp_core.testing.environment import Erp, Person

from .ground import Company, fill


@dataclass(slots=True)
class Api:
    """One `erp serve` process; everything that it writes goes to ``output``."""

    process: subprocess.Popen[bytes]
    base: str
    port: int
    output: Path

    def stop(self) -> None:
        """Ask it to stop; kill it when it does not."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def free_port() -> int:
    """Give a port that is free just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def served(environ: dict[str, str], output: Path) -> Iterator[Api]:
    """Run `erp serve` with all packages until the block ends."""
    port = free_port()
    command = [sys.executable, "-m", "erp_core.cli", "serve", "--port", str(port)]
    with output.open("wb") as file:
        process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=file, stderr=subprocess.STDOUT)
    api = Api(process, f"http://127.0.0.1:{port}", port, output)
    try:
        _wait_ready(api)
        yield api
    finally:
        api.stop()


def _wait_ready(api: Api) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and api.process.poll() is None:
        try:
            if httpx.get(f"{api.base}/health/ready", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    message = f"The API did not become ready:\n{api.output.read_text('utf-8')[-3000:]}"
    raise AssertionError(message)


@pytest.fixture(scope="session")
def api(erp: Erp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The process that is attacked."""
    environ = {**erp.environ, "ERP_RATE_LIMIT": "0"}
    with served(environ, tmp_path_factory.mktemp("api") / "output.txt") as found:
        yield found
    # Whatever was sent, and however it was answered: nothing may have failed in a way that nobody foresaw.
    unforeseen = found.output.read_text("utf-8", "replace").count("request failed")
    assert unforeseen == 0, f"{unforeseen} requests failed in a way that nobody foresaw"


@pytest.fixture(scope="session")
def client(api: Api) -> Iterator[httpx.Client]:
    """A client of that process."""
    with httpx.Client(base_url=api.base, timeout=30) as http:
        yield http


@pytest.fixture(scope="session")
def owner(erp: Erp, client: httpx.Client) -> Company:
    """The company whose objects the other one is after."""
    return fill(erp, client)


@pytest.fixture(scope="session")
def attacker(erp: Erp, client: httpx.Client) -> Company:
    """A company with data of its own, in which somebody may do everything."""
    return fill(erp, client)


@pytest.fixture
def someone(erp: Erp, client: httpx.Client) -> Person:
    """Somebody with every permission in a new, empty company."""
    person = erp.open_tenant()
    person.http = client
    return person


@pytest.fixture
def sign_in(erp: Erp, client: httpx.Client) -> Callable[..., Person]:
    """Sign further people in, through the process that is attacked."""

    def enter(slug: str, **options: object) -> Person:
        person = erp.sign_in(slug, **options)  # type: ignore[arg-type]
        person.http = client
        return person

    return enter
