"""Everything on one machine: it starts, answers, and is gone when it is asked to go."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from erp_core.cli import statuses
from erp_core.cli.demo_data import USERS

OFFSET = 10_000
SLUGS = ("uno", "dos", "tres", "cuatro", "cinco", "seis")
PORTS = {"core": 3011 + OFFSET} | {slug: 18_000 + 10 * number + OFFSET for number, slug in enumerate(SLUGS)}


@dataclass
class Running:
    """An `erp up` of seven components, and what it has printed."""

    process: subprocess.Popen[bytes]
    log: Path
    data_dir: Path

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def family(self) -> list[psutil.Process]:
        """Give every process that belongs to it: its descendants, and the servers it started."""
        parent = psutil.Process(self.process.pid)
        servers = [
            one for one in psutil.process_iter(["cwd"]) if str(one.info["cwd"] or "").startswith(str(self.data_dir))
        ]
        return [*parent.children(recursive=True), *servers]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, install_package) -> Path:
    packages = tmp_path_factory.mktemp("packages")
    for number, slug in enumerate(SLUGS):
        install_package(packages, slug, port=PORTS[slug] - OFFSET, redis_db=number + 7)
    return packages


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that nobody else holds servers in, so that they stop with the last of ours."""
    return tmp_path_factory.mktemp("erp-up")


@pytest.fixture
def everything(folder: Path, data_dir: Path, tmp_path: Path, environment_of) -> Iterator[Running]:
    """Start `erp up --demo` and wait until it is ready."""
    ready, log = tmp_path / "ready", tmp_path / "log"
    command = [
        sys.executable,
        "-m",
        "erp_core.cli",
        "up",
        "--demo",
        "--port-offset",
        str(OFFSET),
        "--ready-file",
        str(ready),
    ]
    settings = {"ERP_DATA_DIR": str(data_dir), "ERP_PLUGINS": ",".join(SLUGS), "PYTHONPATH": str(folder)}
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=environment_of(**settings), stdout=output, stderr=output) as process,
    ):
        deadline = time.monotonic() + 90
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        assert ready.exists(), log.read_text()
        yield Running(process, log, data_dir)
        process.kill()


def health(port: int) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def still_alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
def test_seven_components_answer_and_all_is_gone_within_ten_seconds(
    everything: Running, number: signal.Signals
) -> None:
    answers = {slug: health(port) for slug, port in PORTS.items()}
    family = everything.family()
    began = time.monotonic()

    everything.process.send_signal(number)
    status = everything.process.wait(15)
    took = time.monotonic() - began
    time.sleep(0.5)

    assert answers.pop("core") == (200, {"status": "ok", "db": True, "redis": True})
    assert all(answer == (200, {"status": "ok", "db": True}) for answer in answers.values())
    assert status == statuses.OK
    assert took < 10
    # Seven APIs, a worker, a scheduler, PostgreSQL and Redis at least: the list was not empty by mistake.
    assert len(family) > 11
    assert still_alive(family) == []
    text = everything.text()
    assert all(f"http://127.0.0.1:{port}/health" in text for port in PORTS.values())
    assert all(user.email in text for user in USERS)
    assert "Traceback" not in text


def test_a_component_that_is_killed_comes_back(everything: Running) -> None:
    victim = next(one.pid for one in everything.family() if listens(one, PORTS["tres"]))

    os.kill(victim, signal.SIGKILL)

    time.sleep(0.5)
    deadline = time.monotonic() + 20
    status = 0
    while status != 200 and time.monotonic() < deadline:
        try:
            status, _ = health(PORTS["tres"])
        except OSError:
            time.sleep(0.1)
    everything.process.send_signal(signal.SIGINT)
    everything.process.wait(15)
    assert status == 200
    assert "tres      | ended unexpectedly (status -9)" in everything.text()


def test_nothing_is_left_when_it_is_killed_itself(everything: Running) -> None:
    children = psutil.Process(everything.process.pid).children(recursive=True)

    everything.process.kill()

    gone, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert len(gone) > 8


def test_a_taken_port_is_told_before_anything_starts(folder: Path, run_erp, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", PORTS["dos"]))
        listener.listen()

        answer = run_erp(
            "up",
            "--port-offset",
            str(OFFSET),
            PYTHONPATH=str(folder),
            ERP_PLUGINS=",".join(SLUGS),
            ERP_DATA_DIR=str(tmp_path / "data"),
        )

    assert answer.returncode == statuses.REFUSED
    assert f"Port {PORTS['dos']} of dos is taken by process {os.getpid()}." in answer.stderr
    assert not (tmp_path / "data").exists()


def test_one_component_is_served_on_its_own(run_erp, environment_of, folder: Path, data_dir: Path) -> None:
    settings = {
        "ERP_DATA_DIR": str(data_dir),
        "ERP_PLUGINS": ",".join(SLUGS),
        "PYTHONPATH": str(folder),
        "PORT": str(PORTS["uno"]),
    }
    command = [sys.executable, "-m", "erp_core.cli", "serve", "uno"]
    with subprocess.Popen(command, env=environment_of(**settings), stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 40
        answer = (0, {})
        while answer[0] != 200 and time.monotonic() < deadline:
            try:
                answer = health(PORTS["uno"])
            except OSError:
                time.sleep(0.1)
        second = run_erp("serve", "uno", **settings)

        process.terminate()
        _, errors = process.communicate(timeout=10)

    assert answer == (200, {"status": "ok", "db": True})
    assert second.returncode == statuses.REFUSED
    assert f"is taken by process {process.pid}" in second.stderr
    assert process.returncode == statuses.OK
    assert "Traceback" not in errors


def listens(process: psutil.Process, port: int) -> bool:
    try:
        return any(c.laddr.port == port and c.status == psutil.CONN_LISTEN for c in process.net_connections("tcp"))
    except psutil.Error:
        return False
