"""Killed and stopped workers, a flushed Redis and one that is away: nothing is lost and nothing is done twice.

Each test has a Redis and workers of its own, in a module without the shared worker, whose relay would take the work.
"""

from __future__ import annotations

import signal
import time

from erp_core.kernel.database.tables import Job
from erp_core.kernel.tasks.broker import make_broker
from erp_core.kernel.tasks.jobs import start_job
from erp_core.kernel.tasks.relay import relay_batch
from erp_core.kernel.tasks.routes import cancel_job
from erp_core.kernel.tasks.worker import list_workers


def test_a_killed_worker_loses_nothing_and_repeats_nothing(own_place, until):
    gate = own_place.folder / "gate"
    first = own_place.start()
    own_place.defer("sample.wait_for_file", path=str(gate), text="survivor")
    until(gate.with_suffix(".started").exists)

    first.kill()
    first.wait()
    gate.touch()
    killed = time.monotonic()
    own_place.start()
    until(own_place.notes, 25)

    assert own_place.notes() == ["survivor"]
    assert time.monotonic() - killed < 20
    until(lambda: own_place.owed() == 0)


def test_a_flushed_redis_loses_nothing(own_place, until):
    broker = make_broker(own_place.application.addresses)
    for number in range(20):
        own_place.defer("sample.write_note", text=f"note {number:02}")
    relay_batch(own_place.units.engine, broker, own_place.application.tasks, ["sample"])
    assert own_place.redis.client.hlen("erp:sample.msgs") == 20

    own_place.redis.client.flushall()
    own_place.start()
    until(lambda: own_place.owed() == 0)

    assert own_place.notes() == [f"note {number:02}" for number in range(20)]
    broker.client.close()


def test_writes_go_on_while_redis_is_away(own_place, until):
    own_place.start()
    until(lambda: list_workers(f"{own_place.redis.url}/0"))
    own_place.redis.stop()

    started = time.monotonic()
    for number in range(20):
        own_place.defer("sample.write_note", text=f"note {number:02}")
    took = time.monotonic() - started
    own_place.redis.start()
    until(lambda: own_place.owed() == 0, 20)

    assert took < 2
    assert own_place.notes() == [f"note {number:02}" for number in range(20)]


def test_a_stopping_worker_leaves_in_time_and_its_task_is_done_by_another(own_place, until):
    gate = own_place.folder / "gate"
    first = own_place.start()
    own_place.defer("sample.wait_for_file", path=str(gate), text="handed on")
    until(gate.with_suffix(".started").exists)

    asked = time.monotonic()
    first.send_signal(signal.SIGTERM)
    status = first.wait(timeout=12)
    took = time.monotonic() - asked
    gate.touch()
    own_place.start()
    until(own_place.notes, 10)

    assert status == 0
    assert took < 8
    assert own_place.notes() == ["handed on"]
    until(lambda: own_place.owed() == 0)


def test_a_background_process_can_be_seen_and_is_gone_after_it_ends(own_place, until):
    process = own_place.start("scheduler")

    found = until(lambda: list_workers(f"{own_place.redis.url}/0"))
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=10)

    assert [(sign.kind, sign.pid, sign.queues) for sign in found] == [("scheduler", process.pid, ("sample",))]
    assert list_workers(f"{own_place.redis.url}/0") == []


def test_work_that_kills_its_worker_each_time_is_given_up(own_place, until, owed_at_once):
    job_id = own_place.as_user(lambda ctx: start_job(ctx, "sample.death", "sample.die", {}))
    own_place.start().wait(timeout=10)

    own_place.start()
    until(lambda: list_workers(f"{own_place.redis.url}/0"))
    owed_at_once()
    job = until(lambda: (job := own_place.as_user(lambda ctx: ctx.get(Job, job_id))).state == "failed" and job)

    assert (job.problem["code"], job.problem["attempts"]) == ("too_many_attempts", 1)


def test_a_worker_whose_task_waits_for_the_database_leaves_in_time_and_frees_the_work(own_place, until):
    first = own_place.start()
    own_place.defer("sample.wait_in_the_database", seconds=60, text="first")
    until(lambda: own_place.statements("pg_sleep") == 1)

    asked = time.monotonic()
    first.send_signal(signal.SIGTERM)
    first.wait(timeout=12)
    took = time.monotonic() - asked

    assert took < 8
    until(lambda: own_place.statements("pg_sleep") == 0, 5)
    assert own_place.owed() == 1
    assert own_place.notes() == []


def test_a_waiting_job_that_is_cancelled_never_runs(own_place, until):
    gate = own_place.folder / "gate"
    gate.touch()
    arguments = {"path": str(gate), "text": "never"}
    job_id = own_place.as_user(
        lambda ctx: start_job(ctx, "sample.waiting", "sample.job_that_leaves_a_trace", arguments)
    )
    own_place.as_user(lambda ctx: cancel_job.function(ctx, job_id))

    own_place.start()
    until(lambda: own_place.owed() == 0)

    assert not gate.with_suffix(".started").exists()
    assert own_place.as_user(lambda ctx: ctx.get(Job, job_id)).state == "cancelled"
    assert own_place.notes() == []


def test_a_redis_flushed_under_busy_workers_loses_nothing(own_place, until):
    gate = own_place.folder / "gate"
    own_place.start()
    for number in range(own_place.application.settings.worker_threads):
        own_place.defer("sample.wait_for_file", path=str(gate), text=f"busy {number}")
    until(gate.with_suffix(".started").exists)
    for number in range(20):
        own_place.defer("sample.write_note", text=f"note {number:02}")
    until(lambda: own_place.redis.client.hlen("erp:sample.msgs") >= 20)

    own_place.redis.client.flushall()
    gate.touch()
    until(lambda: own_place.owed() == 0)

    busy = [f"busy {number}" for number in range(own_place.application.settings.worker_threads)]
    assert own_place.notes() == [*busy, *(f"note {number:02}" for number in range(20))]
