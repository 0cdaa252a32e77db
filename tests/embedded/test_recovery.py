"""What a crash leaves behind does not hinder the next start."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import psutil
import psycopg
import pytest
from redis import Redis

from erp_core.kernel.embedded.processes import is_alive
from erp_core.kernel.embedded.servers import embedded_servers


def test_committed_rows_survive_a_killed_postmaster(data_dir, hold, postmaster):
    holder = hold()
    connection = psycopg.connect(holder.addresses()["superuser_url"], autocommit=True)
    connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")
    postmaster().kill()
    holder.die()

    with embedded_servers(data_dir) as servers, psycopg.connect(servers.superuser_url()) as again:
        rows = again.execute("SELECT count(*) FROM kept").fetchone()

    connection.close()
    assert rows == (1000,)


def test_a_postmaster_killed_under_its_holders_is_started_again_by_the_next_one(data_dir, postmaster):
    with embedded_servers(data_dir) as first:
        postmaster().kill()
        with embedded_servers(data_dir) as second, psycopg.connect(second.superuser_url()) as connection:
            answer = connection.execute("SELECT 1").fetchone()

        assert answer == (1,)
        assert second == first


def test_a_killed_redis_is_started_again_with_its_data(data_dir, eventually):
    with embedded_servers(data_dir, postgres=False) as servers:
        with Redis.from_url(servers.redis_url) as client:
            client.set("kept", "yes")
        process = psutil.Process(int((data_dir / "redis" / "redis.pid").read_text(encoding="ascii")))
        process.kill()
        gone = eventually(lambda: not is_alive(process))
        with embedded_servers(data_dir, postgres=False) as again, Redis.from_url(again.redis_url) as client:
            kept = client.get("kept")

    assert gone
    assert kept == b"yes"
    assert again.redis_url == servers.redis_url


def test_servers_of_a_killed_holder_are_reused_and_the_last_one_stops_them(data_dir, hold, answers, postmaster):
    killed = hold()
    addresses = killed.addresses()
    killed.die()
    orphan = postmaster().pid

    with embedded_servers(data_dir) as servers:
        reused = postmaster().pid == orphan
        same = servers.superuser_url() == addresses["superuser_url"]

    assert reused
    assert same
    assert answers(addresses["superuser_url"], addresses["redis_url"]) == (False, False)
    assert list((data_dir / "leases").iterdir()) == []


def test_a_start_killed_in_the_middle_of_initdb_is_done_again(data_dir, hold, eventually):
    killed = hold()
    half_done = eventually(lambda: any(data_dir.glob("postgres.new-*/global")))
    killed.die()
    no_cluster_yet = not (data_dir / "postgres").exists()

    with embedded_servers(data_dir) as servers, psycopg.connect(servers.superuser_url()) as connection:
        answer = connection.execute("SELECT 1").fetchone()

    assert half_done
    assert no_cluster_yet
    assert answer == (1,)
    assert [path.name for path in data_dir.glob("postgres*")] == ["postgres"]
    assert list(data_dir.glob("initdb*")) == []


def test_a_start_killed_while_postgresql_recovers_is_joined_or_done_again(data_dir, hold, eventually, postmaster):
    with embedded_servers(data_dir, redis=False) as servers, psycopg.connect(servers.superuser_url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 300000) AS number")
        connection.commit()
        postmaster().kill()
    pid_file = data_dir / "postgres" / "postmaster.pid"
    dead = _first_line(pid_file)
    killed = hold()
    starting = eventually(lambda: _first_line(pid_file) not in ("", dead))
    killed.die()

    with embedded_servers(data_dir) as again, psycopg.connect(again.superuser_url()) as connection:
        rows = connection.execute("SELECT count(*) FROM kept").fetchone()

    assert starting
    assert rows == (300000,)


@pytest.mark.parametrize("dead", [False, True], ids=["a stranger", "a zombie"])
def test_who_has_the_old_process_id_is_not_taken_for_the_server(dead, data_dir, eventually):
    with embedded_servers(data_dir, durable=False):
        pid_files = {path: path.read_text(encoding="utf-8") for path in _pid_files(data_dir)}
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    if dead:
        other.kill()
        assert eventually(lambda: psutil.Process(other.pid).status() == psutil.STATUS_ZOMBIE)
    for path, text in pid_files.items():
        path.write_text(text.replace(text.split("\n", 1)[0], str(other.pid), 1), encoding="utf-8")
        os.chown(path, path.parent.stat().st_uid, path.parent.stat().st_gid)

    with embedded_servers(data_dir, durable=False) as servers, psycopg.connect(servers.superuser_url()) as connection:
        answer = connection.execute("SELECT 1").fetchone()
    unharmed = other.returncode is None and psutil.pid_exists(other.pid)
    other.communicate()

    assert answer == (1,)
    assert unharmed


def test_a_port_taken_by_a_stranger_is_given_up_for_another(data_dir, answers):
    with embedded_servers(data_dir, durable=False):
        pass
    before = json.loads((data_dir / "ports.json").read_text(encoding="utf-8"))
    with (
        socket.create_server(("127.0.0.1", before["postgres"])),
        socket.create_server(("127.0.0.1", before["redis"])),
        embedded_servers(data_dir, durable=False) as servers,
    ):
        answered = answers(servers.superuser_url(), servers.redis_url)
    after = json.loads((data_dir / "ports.json").read_text(encoding="utf-8"))

    assert answered == (True, True)
    assert before.keys() == after.keys() == {"postgres", "redis"}
    assert before["postgres"] != after["postgres"]
    assert before["redis"] != after["redis"]


def test_the_ports_stay_the_same_from_one_start_to_the_next(data_dir):
    with embedded_servers(data_dir, durable=False) as first:
        pass

    with embedded_servers(data_dir, durable=False) as second:
        assert second == first


def test_a_redis_whose_port_was_forgotten_is_replaced(data_dir):
    with embedded_servers(data_dir, postgres=False) as servers:
        process = psutil.Process(int((data_dir / "redis" / "redis.pid").read_text(encoding="ascii")))
        (data_dir / "ports.json").unlink()
        with embedded_servers(data_dir, postgres=False) as again, Redis.from_url(again.redis_url) as client:
            answered = client.ping()

    assert answered
    assert not is_alive(process)
    assert again.redis_url != servers.redis_url


def _pid_files(data_dir):
    return data_dir / "postgres" / "postmaster.pid", data_dir / "redis" / "redis.pid"


def _first_line(path):
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0]
    except FileNotFoundError:
        return ""
