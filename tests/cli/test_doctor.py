"""The doctor finds troubles that are really there."""

from __future__ import annotations

import json
import os
import socket
import time

import psycopg
import pytest
import redis

from erp_core.cli import checks, statuses
from erp_core.cli import checks_database as database
from erp_core.cli.checks import FAULT, OK, WARNING
from erp_core.kernel.plugins.manager import PluginProblem
from erp_core.kernel.services_registry import ServiceRecord, forget_service, jwt_fingerprint, register_service


def service(
    kind: str, *, pid: int = 1, port: int = 0, secret: str | None = None, version: str = "0.1.0"
) -> ServiceRecord:
    return ServiceRecord(kind, ("core",), socket.gethostname(), pid, port, version, jwt_fingerprint(secret))


@pytest.fixture
def application(erp):
    """An open connection of the application's role."""
    with psycopg.connect(erp("db", "url").stdout.strip(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def superuser(erp):
    with psycopg.connect(erp("db", "url", "--role", "admin").stdout.strip(), autocommit=True) as connection:
        yield connection


def test_a_sound_installation_has_no_fault(erp) -> None:
    answer = erp("doctor", "--json")

    rows = json.loads(answer.stdout)
    assert [row for row in rows if row["state"] == "fault"] == []
    assert answer.returncode == statuses.OK
    assert {
        "packages",
        "disk space",
        "database",
        "role",
        "isolation",
        "schema",
        "clock",
        "Redis",
        "ports",
        "JWT_SECRET",
        "worker",
    } <= {row["check"] for row in rows}


def test_faults_give_the_status_of_faults_and_each_has_a_remedy(erp) -> None:
    answer = erp(
        "doctor", "--json", DATABASE_URL="postgresql://erp_app@127.0.0.1:9/erp", REDIS_URL="redis://127.0.0.1:9"
    )

    rows = {row["check"]: row for row in json.loads(answer.stdout)}
    assert answer.returncode == statuses.FAULTS
    assert rows["database"]["state"] == rows["Redis"]["state"] == "fault"
    assert all(row["remedy"] for row in rows.values() if row["state"] != "ok")


def test_a_superuser_is_no_role_to_serve_with(superuser, application) -> None:
    assert database.check_role(superuser).state == FAULT
    assert database.check_role(application).state == OK


def test_a_table_without_row_level_security_is_a_fault(superuser, application) -> None:
    superuser.execute(
        "CREATE TABLE core.careless (tenant_id uuid NOT NULL, id uuid NOT NULL, PRIMARY KEY (tenant_id, id))"
    )

    findings = database.check_isolation(application, ["core"])

    superuser.execute("DROP TABLE core.careless")
    assert any(finding.state == FAULT and "core.careless" in finding.found and finding.remedy for finding in findings)
    assert all(finding.state != FAULT for finding in database.check_isolation(application, ["core"]))


def test_a_transaction_left_open_is_told(superuser, monkeypatch) -> None:
    monkeypatch.setattr(database, "LONGEST_TRANSACTION", 0)
    with psycopg.connect(superuser.info.dsn, password=superuser.info.password, application_name="forgotten") as idle:
        idle.execute("SELECT 1")
        time.sleep(0.05)

        finding = database.check_transactions(superuser)

    assert finding.state == WARNING
    assert "forgotten" in finding.found


def test_clocks_that_differ_are_told(application, monkeypatch) -> None:
    honest = database.check_clock(application)
    monkeypatch.setattr(database, "unix_now", lambda: time.time() - 5)

    finding = database.check_clock(application)

    assert honest.state == OK
    assert finding.state == WARNING
    assert "5.0 s ahead" in finding.found


def test_a_schema_that_is_not_migrated_is_a_fault(run_erp, servers, erp) -> None:
    erp("config")

    answer = run_erp(
        "doctor", "--json", ERP_DATA_DIR=str(servers.data_dir), ERP_PLUGINS="core", DB_NAME="never_migrated"
    )

    rows = {row["check"]: row for row in json.loads(answer.stdout)}
    assert rows["schema"]["state"] == "fault"
    assert rows["schema"]["remedy"] == "Run `erp plugins migrate`."


def test_a_redis_that_may_evict_is_a_warning(servers) -> None:
    client = redis.Redis.from_url(servers.redis_url)
    client.config_set("maxmemory", "100mb")
    client.config_set("maxmemory-policy", "allkeys-lru")

    finding = checks.check_redis(servers.redis_url)

    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "0")
    client.close()
    assert finding.state == WARNING
    assert checks.check_redis(servers.redis_url).state == OK


def test_services_with_different_secrets_are_a_fault(servers) -> None:
    client = redis.Redis.from_url(servers.redis_url)
    one = service("api", pid=1, secret="one")
    other = service("api", pid=2, secret="two")
    register_service(client, one)
    register_service(client, other)

    found = checks.running_services(servers.redis_url)
    finding = checks.check_jwt_secret(found, jwt_fingerprint("one"))

    for record in (one, other):
        forget_service(client, record)
    client.close()
    assert finding.state == FAULT
    assert "one" not in finding.found
    assert checks.check_jwt_secret([one], jwt_fingerprint("one")).state == OK
    assert checks.check_jwt_secret([one], jwt_fingerprint("two")).state == WARNING


def test_an_api_without_worker_or_scheduler_is_a_fault() -> None:
    alone = checks.check_background([service("api")])
    together = checks.check_background([service("api"), service("worker"), service("scheduler")])

    assert [finding.state for finding in alone] == [FAULT, FAULT]
    assert [finding.state for finding in together] == [OK, OK]


def test_a_service_of_another_version_is_a_warning() -> None:
    assert checks.check_versions([service("api", version="0.0.9")], "0.1.0").state == WARNING
    assert checks.check_versions([service("api")], "0.1.0").state == OK


def test_a_port_held_by_a_stranger_is_a_fault() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        strangers = checks.check_ports("127.0.0.1", {"vidrio": port}, [])
        ours = checks.check_ports("127.0.0.1", {"vidrio": port}, [service("api", port=port)])

    assert strangers[0].state == FAULT
    assert str(os.getpid()) in strangers[0].found
    assert ours[0].state == OK


def test_a_full_disk_is_a_fault(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(checks, "NO_SPACE", 10**18)

    finding = checks.check_disk(tmp_path / "not" / "there" / "yet")

    assert finding.state == FAULT
    assert finding.remedy


def test_every_problem_of_a_package_is_a_row() -> None:
    problems = [PluginProblem("uno", "1", "a", "b", "c."), PluginProblem("dos", "2", "d", "e", "f.")]

    findings = checks.check_plugins(problems, ["core"])

    assert [finding.state for finding in findings] == [FAULT, FAULT]
