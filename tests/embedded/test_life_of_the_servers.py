"""Starting, sharing and stopping the embedded servers."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from erp_core.kernel.embedded.binaries import postgres_binary
from erp_core.kernel.embedded.errors import EmbeddedUnavailable
from erp_core.kernel.embedded.servers import embedded_servers, stop_idle_servers


def test_both_servers_answer_and_the_cluster_is_set_up_for_the_kernel(data_dir, answers):
    steps: list[str] = []

    with embedded_servers(data_dir, on_progress=steps.append) as servers:
        answered = answers(servers.superuser_url(), servers.redis_url)
        with psycopg.connect(servers.superuser_url(), autocommit=True) as connection:
            for extension in ("vector", "btree_gist", "pg_trgm", "unaccent"):
                connection.execute(f"CREATE EXTENSION {extension}")  # type: ignore[call-overload]
            settings = {
                name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0]
                for name in ("fsync", "TimeZone", "server_encoding", "max_connections", "shared_buffers",
                             "listen_addresses", "password_encryption", "shared_preload_libraries")
            }  # fmt: skip
            locale = connection.execute(
                "SELECT datlocprovider::text, datlocale FROM pg_database WHERE datname = 'template1'"
            ).fetchone()
        with Redis.from_url(servers.redis_url) as client:
            durable_redis = client.config_get("append*") | client.config_get("bind") | client.config_get("databases")

    assert answered == (True, True)
    assert steps == ["Creating the PostgreSQL cluster", "Starting PostgreSQL", "Starting Redis"]
    assert settings == {
        "fsync": "on", "TimeZone": "UTC", "server_encoding": "UTF8", "max_connections": "200",
        "shared_buffers": "128MB", "listen_addresses": "127.0.0.1", "password_encryption": "scram-sha-256",
        "shared_preload_libraries": "",
    }  # fmt: skip
    assert locale == ("b", "C.UTF-8")
    assert durable_redis["appendonly"] == "yes"
    assert durable_redis["appendfsync"] == "everysec"
    assert durable_redis["bind"] == "127.0.0.1"
    assert durable_redis["databases"] == "16"


def test_nobody_enters_without_the_password(data_dir):
    with embedded_servers(data_dir, durable=False) as servers:
        postgres = servers.superuser_url().replace(servers.superuser_password, "guess")
        redis = servers.redis_url.replace(servers.secret("redis"), "guess")

        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(postgres)
        with Redis.from_url(redis) as client, pytest.raises(AuthenticationError):
            client.ping()


def test_throwaway_clusters_trade_safety_for_speed(data_dir):
    with (
        embedded_servers(data_dir, durable=False, redis=False) as servers,
        psycopg.connect(servers.superuser_url()) as connection,
    ):
        safety = connection.execute(
            "SELECT string_agg(setting, ' ') FROM pg_settings"
            " WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')"
        ).fetchone()

    assert safety == ("off off off",)


def test_a_second_process_joins_and_the_servers_stay_after_the_first_left(data_dir, hold, answers):
    first = hold()
    addresses = first.addresses()
    second = hold()
    joined = second.addresses()

    first.leave()

    assert joined == addresses
    assert answers(joined["superuser_url"], joined["redis_url"]) == (True, True)


def test_the_last_to_leave_stops_the_servers(data_dir, hold, answers):
    first, second = hold(), hold()
    addresses = first.addresses()
    second.addresses()

    statuses = first.leave(), second.leave()

    assert statuses == (0, 0)
    assert answers(addresses["superuser_url"], addresses["redis_url"]) == (False, False)
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_four_processes_starting_at_once_make_one_cluster(data_dir, hold):
    holders = [hold() for _ in range(4)]

    addresses = [holder.addresses() for holder in holders]

    assert all(address == addresses[0] for address in addresses)
    with psycopg.connect(addresses[0]["superuser_url"]) as connection:
        assert connection.execute("SELECT count(*) FROM pg_control_system()").fetchone() == (1,)
    assert [path.name for path in data_dir.glob("postgres*")] == ["postgres"]


def test_one_process_may_hold_the_servers_twice(data_dir, answers):
    with embedded_servers(data_dir, durable=False) as outer:
        with embedded_servers(data_dir, durable=False) as inner:
            same = inner == outer

        assert same
        assert answers(outer.superuser_url(), outer.redis_url) == (True, True)


def test_each_server_can_run_without_the_other(data_dir):
    with embedded_servers(data_dir, postgres=False) as only_redis:
        with Redis.from_url(only_redis.redis_url) as client:
            client.set("kept", "yes")
        with pytest.raises(EmbeddedUnavailable, match="DATABASE_URL"):
            only_redis.superuser_url()
        no_cluster = not (data_dir / "postgres").exists()

    with embedded_servers(data_dir, redis=False, durable=False) as only_postgres:
        no_redis = only_postgres.redis_url
        with embedded_servers(data_dir, postgres=False) as redis_again, Redis.from_url(redis_again.redis_url) as client:
            kept = client.get("kept")

    assert no_cluster
    assert no_redis == ""
    assert kept == b"yes"


def test_an_interrupt_from_the_terminal_does_not_reach_the_servers(data_dir, hold, answers, postmaster):
    holder = hold()
    addresses = holder.addresses()
    redis_pid = int((data_dir / "redis" / "redis.pid").read_text(encoding="ascii"))
    sessions = {os.getsid(pid) for pid in (postmaster().pid, redis_pid)}
    with embedded_servers(data_dir):
        status = holder.interrupt()
        still = answers(addresses["superuser_url"], addresses["redis_url"])

    assert status != 0
    assert os.getsid(0) not in sessions
    assert still == (True, True)


def test_idle_servers_are_stopped_on_request_and_needed_ones_are_not(data_dir, hold, answers):
    killed = hold()
    addresses = killed.addresses()
    with embedded_servers(data_dir):
        while_needed = stop_idle_servers(data_dir)
        killed.die()
        still = answers(addresses["superuser_url"], addresses["redis_url"])
    survivor = hold()
    survivor.addresses()
    survivor.die()

    when_idle = stop_idle_servers(data_dir)

    assert (while_needed, still, when_idle) == (False, (True, True), True)
    assert answers(addresses["superuser_url"], addresses["redis_url"]) == (False, False)


def test_backups_find_the_programs_of_the_same_release():
    assert postgres_binary("pg_dump").is_file()
    with pytest.raises(EmbeddedUnavailable, match="no program called pg_nothing"):
        postgres_binary("pg_nothing")


def test_a_data_directory_that_is_a_file_is_refused_with_the_remedy(tmp_path: Path):
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(EmbeddedUnavailable, match="ERP_DATA_DIR"), embedded_servers(tmp_path / "file"):
        pass
