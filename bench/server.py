"""The API process under measurement: `erp serve core`, started as an operator starts it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.dataset import DATABASE, Bench
from bench.load import put_load
from erp_core.testing.environment import TASK_KEY

_START_SECONDS = 60
COUNTED_SECONDS = 0.4
_STATEMENT = re.compile(rf"@{DATABASE} LOG:  (?:statement|execute [^:]*):")


@dataclass(frozen=True, slots=True)
class Api:
    """A serving process and the port that it listens on."""

    pid: int
    port: int


@contextmanager
def serving(bench: Bench, *, log_level: str) -> Iterator[Api]:
    """Start the API with production settings, wait until it answers, and stop it at the end.

    Only the rate limit is not the default: it counts, and sends its headers, but is never reached. The log goes to a
    file.
    """
    port = _free_port()
    environ = {
        **os.environ,
        "DATABASE_URL": bench.application.addresses.app,
        "REDIS_URL": bench.application.addresses.redis,
        "ERP_TASK_KEY": TASK_KEY,
        "ERP_ENV": "production",
        "ERP_LOG_LEVEL": log_level,
        "ERP_RATE_LIMIT": str(10**9),
        "ERP_PLUGINS": "core",
    }
    command = [sys.executable, "-m", "erp_core.cli", "serve", "core", "--host", "127.0.0.1", "--port", str(port)]
    log = bench.folder / f"api-{log_level}.log"
    with log.open("wb") as output, subprocess.Popen(command, env=environ, stdout=output, stderr=output) as process:
        try:
            _wait(process, port, log)
            yield Api(process.pid, port)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"The API did not start: {log.read_text()[-2000:]}")


def statements_per_request(bench: Bench, api: Api, requests: Sequence[bytes]) -> float:
    """Count what the database was sent for one request, BEGIN and COMMIT included, from the server's own log.

    Whatever the process asks on its own account meanwhile (it looks for revocations twice a second) is in the count
    too; among some hundred requests it is a few hundredths.
    """
    folder = bench.folder / "postgres" / "log"
    before = {path: path.stat().st_size for path in folder.glob("*.log")}
    with psycopg.connect(bench.servers.admin, autocommit=True) as admin:
        _log_statements(admin, "all")
        sent = put_load(api.port, requests, COUNTED_SECONDS, connections=1)
        _log_statements(admin, "none")
    text = "".join(_added(path, before.get(path, 0)) for path in folder.glob("*.log"))
    return len(_STATEMENT.findall(text)) / len(sent.latencies)


def _log_statements(admin: psycopg.Connection[tuple[object, ...]], which: str) -> None:
    admin.execute(f"ALTER SYSTEM SET log_statement = '{which}'".encode())
    admin.execute("SELECT pg_reload_conf()")
    time.sleep(0.3)  # every process takes the new setting when its next message comes, and the log is written behind


def _added(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace")
