"""Real server processes, and the proof after each test that none of them is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis
from redis.exceptions import RedisError

REPOSITORY = Path(__file__).parents[2]


def processes_in(folder: Path) -> list[psutil.Process]:
    """Return the living processes that work in `folder` or below it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(folder):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """Give a data directory that does not exist yet, and fail the test that leaves a process in it."""
    folder = tmp_path / ("a long name " * 9).strip() / "with spaces 'quotes' and $signs"
    yield folder
    # PostgreSQL's log collector notices a moment later that its server is gone.
    _, left = psutil.wait_procs(processes_in(tmp_path), timeout=3)
    names = [process.name() for process in left]
    for process in left:
        process.kill()
    assert names == []


@dataclass(frozen=True)
class Holder:
    """A second process that holds the servers."""

    process: subprocess.Popen[str]

    def addresses(self) -> dict[str, str]:
        """Wait until its servers answer."""
        assert self.process.stdout is not None
        return dict(json.loads(self.process.stdout.readline()))

    def leave(self) -> int:
        """Let it end normally."""
        self.process.communicate("", timeout=30)
        return self.process.returncode

    def interrupt(self) -> int:
        """Press Ctrl-C in its terminal."""
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=30)
        return self.process.returncode

    def die(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def hold(data_dir: Path) -> Iterator[Callable[[], Holder]]:
    """Start further processes that hold the servers of `data_dir`."""
    started: list[Holder] = []

    def start() -> Holder:
        command = [sys.executable, str(Path(__file__).parent / "holder.py"), str(data_dir)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])},
        )  # fmt: skip
        started.append(Holder(process))
        return started[-1]

    yield start
    for holder in started:
        if holder.process.stdout is not None and not holder.process.stdout.closed:
            holder.leave()


@pytest.fixture
def answers() -> Callable[[str, str], tuple[bool, bool]]:
    """Ask whether PostgreSQL and Redis answer at these addresses."""

    def ask(superuser_url: str, redis_url: str) -> tuple[bool, bool]:
        return _postgres_answers(superuser_url), _redis_answers(redis_url)

    return ask


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    """Ask again for at most ten seconds."""

    def ask(condition: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + 10
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    return ask


@pytest.fixture
def postmaster(data_dir: Path) -> Callable[[], psutil.Process]:
    """Return the main process of the running cluster."""

    def find() -> psutil.Process:
        lines = (data_dir / "postgres" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return psutil.Process(int(lines[0]))

    return find


def _postgres_answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def _redis_answers(url: str) -> bool:
    try:
        with Redis.from_url(url, socket_timeout=3, retry=None) as client:
            return bool(client.ping())
    except RedisError:
        return False
