"""One scheduler leads; each moment reaches every active tenant once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest
from sqlalchemy import select

from erp_core.kernel.context import Actor
from erp_core.kernel.database.tables import IdempotencyKey, OutboxEntry
from erp_core.kernel.tasks.declaration import Schedule
from erp_core.kernel.tasks.moments import schedule_faults
from erp_core.kernel.tasks.scheduler import fire_latest, leadership, purge_idempotency_keys

NAME = "sample.every_three_seconds"


def dues(place, tenant_id=None):
    def read(ctx):
        entries = ctx.session.scalars(
            select(OutboxEntry).where(OutboxEntry.tenant_id == ctx.tenant_id, OutboxEntry.kind == "task")
        )
        return sorted(datetime.fromisoformat(entry.payload["due"]) for entry in entries)

    return place.units.run(Actor(tenant_id or place.tenant_id), read)


@pytest.fixture
def hourly(place):
    schedule = Schedule(
        "sample.hourly", "0 * * * *", "sample.remember_due", place.application.tasks["sample.audit"].label
    )
    with psycopg.connect(place.application.addresses.admin, autocommit=True) as admin:
        admin.execute("DELETE FROM core.schedules")
        admin.execute("INSERT INTO core.schedules VALUES (%s, %s)", [schedule.name, datetime(2026, 5, 1, tzinfo=UTC)])
    return schedule


def test_two_schedulers_fire_each_moment_once_and_one_takes_over_from_the_dead(own_place, until):
    schedulers = [own_place.start("scheduler"), own_place.start("scheduler")]
    own_place.start("worker")
    until(lambda: len(dues(own_place)) >= 2, 20)

    logs = {process.pid: log for process, log in zip(schedulers, own_place.logs("scheduler"), strict=True)}
    leader = next(process for process in schedulers if "This scheduler leads" in logs[process.pid].read_text())
    leader.kill()
    leader.wait()
    before = len(dues(own_place))
    until(lambda: len(dues(own_place)) >= before + 3, 20)

    found = dues(own_place)
    steps = {later - earlier for earlier, later in pairwise(found)}
    assert steps == {timedelta(seconds=3)}
    until(lambda: [datetime.fromisoformat(note) for note in own_place.notes()][: len(found)] == found)


def test_after_a_pause_only_the_latest_moment_fires(place, hourly):
    now = datetime(2026, 5, 2, 10, 30, tzinfo=UTC)

    first = fire_latest(place.units, hourly, now)
    again = fire_latest(place.units, hourly, now)

    assert (first, again) == (datetime(2026, 5, 2, 10, tzinfo=UTC), None)
    assert dues(place) == [first]


def test_a_moment_that_was_fired_half_is_completed_not_repeated(place, hourly, new_tenant):
    now = datetime(2026, 5, 2, 10, 30, tzinfo=UTC)
    fire_latest(place.units, hourly, now)
    late = new_tenant()
    with psycopg.connect(place.application.addresses.admin, autocommit=True) as admin:
        admin.execute("UPDATE core.schedules SET last_fired_at = %s", [datetime(2026, 5, 1, tzinfo=UTC)])

    fire_latest(place.units, hourly, now)

    assert len(dues(place)) == 1
    assert len(dues(place, late)) == 1


def test_a_suspended_tenant_is_left_alone(place, hourly, new_tenant):
    suspended = new_tenant("suspended")

    fire_latest(place.units, hourly, datetime(2026, 5, 2, 10, 30, tzinfo=UTC))

    assert len(dues(place)) == 1
    assert dues(place, suspended) == []


def test_only_one_holds_the_lock(place):
    address, gone = place.application.addresses.app, threading.Event()

    with leadership(address, threading.Event()) as first:
        threading.Timer(1.5, gone.set).start()
        with leadership(address, gone) as second:
            pass

    assert first is not None
    assert second is None


def test_answers_to_requests_are_forgotten_after_a_day(place):
    def remember(ctx):
        for key, age in (("old", 25), ("young", 23)):
            made = datetime.now(UTC) - timedelta(hours=age)
            row = IdempotencyKey(
                tenant_id=ctx.tenant_id, user_id=place.user_id, key=key, fingerprint=b"x", created_at=made
            )
            ctx.session.add(row)

    place.as_user(remember)

    purge_idempotency_keys(place.units, [place.tenant_id])

    assert place.as_user(lambda ctx: ctx.session.scalars(select(IdempotencyKey.key)).all()) == ["young"]


def test_each_fault_of_a_schedule_is_told(place):
    label, tasks = place.application.tasks["sample.audit"].label, place.application.tasks
    good = Schedule("sample.good", "30 2 * * *", "sample.audit", label)
    bad = Schedule("sample.bad", "30 25 * * *", "sample.unknown", label, "America/Nowhere")

    faults = schedule_faults(bad, tasks)

    assert schedule_faults(good, tasks) == []
    assert len(faults) == 3
    assert "sample.unknown" in faults[2]
