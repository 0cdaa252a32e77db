"""Wheels in an environment that has nothing else: they install, run, leave, and come back to their data."""

from __future__ import annotations

import http.client
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from erp_core.cli.main import COMMANDS as GROUPS
from erp_core.kernel.embedded.servers import EmbeddedServers, embedded_servers

pytestmark = pytest.mark.release

# Clear of an `erp up` that somebody has running, and of the ports that systems hand out by themselves.
OFFSET = 9_000
PORTS = {
    "core": 3011,
    "construccion": 3021,
    "vidrio": 3031,
    "mecanicas": 3041,
    "retail": 3051,
    "clinicas": 3061,
    "pos": 3071,
}
VERTICALS = sorted(set(PORTS) - {"core"})
CORE_HEALTH = (200, b'{"status":"ok","db":true,"redis":true}')
VERTICAL_HEALTH = (200, b'{"status":"ok","db":true}')
COMMANDS = (
    ("plugins", "list"),
    ("plugins", "check"),
    ("plugins", "migrate"),
    ("plugins", "info", "pos"),
    ("tenants", "list"),
    ("config",),
    ("routes",),
    ("db", "url"),
    ("doctor",),
    ("demo", "load"),
    *((name, "--help") for name in GROUPS),
)


@pytest.fixture(scope="module")
def all_seven(fresh):
    """An environment with the core and all six verticals."""
    fresh.install("erp-core[embedded]", *(f"erp-{slug}" for slug in VERTICALS))
    return fresh


@pytest.fixture(scope="module")
def servers(all_seven) -> Iterator[EmbeddedServers]:
    """PostgreSQL and Redis of that environment, which stay between its commands."""
    with embedded_servers(all_seven.data, durable=False) as running:
        yield running


@contextmanager
def everything(fresh, folder: Path) -> Iterator[None]:
    """Run `erp up` until the block ends."""
    ready, log = folder / "ready", folder / "log"
    with (
        log.open("a") as output,
        fresh.start(output, "up", "--port-offset", str(OFFSET), "--ready-file", str(ready)) as process,
    ):
        deadline = time.monotonic() + 120
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        try:
            assert ready.exists(), log.read_text()
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    assert process.returncode == 0, log.read_text()


def health(slug: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", PORTS[slug] + OFFSET, timeout=10)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def contents(servers: EmbeddedServers, schema: str) -> dict[str, tuple[int, str]]:
    """The number of rows of every table of a schema, and a digest of them."""
    with psycopg.connect(servers.superuser_url("erp_generic")) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]).fetchall()
        digest = sql.SQL("SELECT count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {} t")
        queries = {name: digest.format(sql.Identifier(schema, name)) for (name,) in found}
        return {name: connection.execute(query).fetchone() for name, query in queries.items()}


def applied(*outputs: str) -> list[str]:
    """The revisions that were applied, as `erp plugins migrate` tells."""
    lines = [line for output in outputs for line in output.splitlines()]
    return sorted(line.split(":")[0] for line in lines if line.startswith("applied "))


def test_one_vertical_brings_the_core_and_runs(fresh_again, tmp_path: Path) -> None:
    fresh_again.install("erp-construccion")
    brought = fresh_again.installed()
    without_servers = fresh_again.erp("plugins", "list")
    fresh_again.install("erp-core[embedded]")
    states = fresh_again.states()
    with everything(fresh_again, tmp_path):
        answers = {slug: health(slug) for slug in ("core", "construccion")}

    assert {name for name in brought if name.startswith("erp-")} == {"erp-core", "erp-construccion"}
    assert without_servers.returncode != 0
    assert "erp-core[embedded]" in without_servers.stderr
    assert "Traceback" not in without_servers.stderr
    assert states == {"core": "not migrated", "construccion": "not migrated"}
    assert answers == {"core": CORE_HEALTH, "construccion": VERTICAL_HEALTH}


def test_two_migrations_at_once_apply_each_revision_once(all_seven, servers: EmbeddedServers, tmp_path: Path) -> None:
    logs = [tmp_path / "one", tmp_path / "two"]
    with logs[0].open("w") as one, logs[1].open("w") as two:
        processes = [all_seven.start(output, "plugins", "migrate") for output in (one, two)]
        statuses = [process.wait(120) for process in processes]
    both = applied(*(log.read_text() for log in logs))
    third = all_seven.erp("plugins", "migrate")

    assert statuses == [0, 0], [log.read_text() for log in logs]
    assert len(both) == len(set(both))
    assert {line.split()[1] for line in both} == set(PORTS)
    assert third.returncode == 0
    assert applied(third.stdout, third.stderr) == []
    assert "The database is up to date." in third.stderr
    assert set(all_seven.states().values()) == {"up to date"}


def test_a_vertical_leaves_alone_and_comes_back_to_its_rows(
    all_seven, servers: EmbeddedServers, tmp_path: Path
) -> None:
    with everything(all_seven, tmp_path):
        all_seven.erp("demo", "load")
    before = contents(servers, "vidrio")

    left = all_seven.run("pip", "uninstall", "--quiet", "--yes", "erp-vidrio")
    states = all_seven.states()
    done = {command: all_seven.erp(*command) for command in COMMANDS}
    with everything(all_seven, tmp_path):
        answers = {slug: health(slug) for slug in VERTICALS if slug != "vidrio"}
    meanwhile = contents(servers, "vidrio")
    all_seven.install("erp-vidrio")
    with everything(all_seven, tmp_path):
        again = health("vidrio")

    assert left.returncode == 0, left.stderr
    assert states == dict.fromkeys(PORTS, "up to date") | {"vidrio": "removed"}
    assert {command: result.stderr for command, result in done.items() if result.returncode != 0} == {}
    assert set(answers.values()) == {VERTICAL_HEALTH}
    assert again == VERTICAL_HEALTH
    assert sum(rows for rows, _ in before.values()) > len(before)
    assert before == meanwhile == contents(servers, "vidrio")
    assert all_seven.states() == dict.fromkeys(PORTS, "up to date")
