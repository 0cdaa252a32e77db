"""A served ERP on a database of its own, and environments that other packages can be installed into."""

from __future__ import annotations

import os
import signal
import site
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from erp_core.testing.environment import TASK_KEY, Servers


@dataclass(frozen=True, slots=True)
class Served:
    """A running API with a worker: its address, and the environment in which `erp` operates it."""

    address: str
    environment: dict[str, str]


def operators_environment(servers: Servers, database: str) -> dict[str, str]:
    """Give the settings with which `erp` works on a database of the test servers."""
    ours = ("ERP_", "DB_", "REDIS_", "DATABASE_URL", "JWT_SECRET", "PORT", "FRONTEND_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    scripts = sysconfig.get_path("scripts")
    return kept | {
        "PATH": f"{scripts}{os.pathsep}{kept.get('PATH', '')}",
        "DATABASE_URL": servers.database(database, "erp_app"),
        "ERP_MIGRATION_URL": servers.database(database, "erp_migrator"),
        "REDIS_URL": servers.redis,
        "ERP_TASK_KEY": TASK_KEY,
        "ERP_PLUGINS": "core",
        "ERP_LOG_LEVEL": "warning",
    }


@pytest.fixture
def served(erp_servers: Servers, migrated_copy: str, tmp_path: Path) -> Iterator[Served]:
    """The core's API and a worker, each a process as operators start it."""
    environment = operators_environment(erp_servers, migrated_copy)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with ExitStack() as stack:
        log = stack.enter_context((tmp_path / "served.log").open("wb"))
        for arguments in (["serve", "core", "--port", str(port)], ["worker"]):
            command = [sys.executable, "-m", "erp_core.cli", *arguments]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            stack.callback(_stop, process)
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/health/ready", tmp_path / "served.log")
        yield Served(address, environment)


def _wait_for(address: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urlopen(address, timeout=2) as answer:  # noqa: S310 - our own server
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8"))


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture
def own_environment(tmp_path: Path) -> Path:
    """The interpreter of a new environment that sees everything that is installed here, and may have more."""
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    found = next(folder.glob("lib/python*/site-packages"))
    shared = [path for path in [*site.getsitepackages(), sysconfig.get_path("purelib")] if Path(path).is_dir()]
    lines = [f"import site; site.addsitedir({path!r})" for path in dict.fromkeys(shared)]
    (found / "shared.pth").write_text("\n".join(lines) + "\n", "utf-8")
    return folder / "bin" / "python"
