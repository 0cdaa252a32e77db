"""The scheduler: one leader fires each due moment once for every active tenant, and tidies up.

After a pause (nobody was leader) a schedule fires once, for the latest moment that it missed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from erp_core.kernel.context import Actor, Context
from erp_core.kernel.database.addresses import libpq_address
from erp_core.kernel.database.tables import IdempotencyKey, OutboxEntry, OutboxPending, ScheduleState
from erp_core.kernel.database.unit_of_work import Units
from erp_core.kernel.errors import Problem
from erp_core.kernel.tasks.declaration import Schedule
from erp_core.kernel.tasks.moments import latest_due, moment_id, next_due

TICK_SECONDS = 0.5
CANDIDATE_SECONDS = 1.0
MAINTENANCE_SECONDS = 3600.0
IDEMPOTENCY_KEPT = timedelta(hours=24)
_LEADER_LOCK = 7_237_488_021
# A leader whose machine vanished is forgotten by the server within some seconds.
_KEEPALIVE = "-c tcp_keepalives_idle=3 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=2"

Upkeep = Callable[[Session, datetime], object]

log = logging.getLogger(__name__)


def keep_schedules(
    address: str, units: Units, schedules: Mapping[str, Schedule], stop: threading.Event, upkeep: Sequence[Upkeep] = ()
) -> None:
    """Wait to become the leader, then fire what is due, until ``stop``; whatever breaks only ends the leadership.

    ``upkeep`` is done once an hour: what the packages tidy in their global tables.
    """
    while not stop.is_set():
        try:
            with leadership(address, stop) as connection:
                if connection is not None:
                    _lead(connection, units, schedules, stop, upkeep)
        except (psycopg.Error, SQLAlchemyError, Problem) as error:
            log.warning("The scheduler lost the database (%s) and tries again.", type(error).__name__)
            stop.wait(CANDIDATE_SECONDS)


@contextmanager
def leadership(address: str, stop: threading.Event) -> Iterator[psycopg.Connection | None]:
    """Hold the leader's lock on a session of its own; gives ``None`` when ``stop`` came first.

    ``address`` must reach PostgreSQL directly or through a pooler that keeps sessions.
    """
    with psycopg.connect(libpq_address(address), autocommit=True, options=_KEEPALIVE, connect_timeout=5) as connection:
        connection.execute("SET application_name = 'erp-scheduler'")
        while not stop.is_set():
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", [_LEADER_LOCK]).fetchone()
            if row is not None and row[0]:
                log.info("This scheduler leads.")
                yield connection
                return
            stop.wait(CANDIDATE_SECONDS)
        yield None


def _lead(
    connection: psycopg.Connection,
    units: Units,
    schedules: Mapping[str, Schedule],
    stop: threading.Event,
    upkeep: Sequence[Upkeep],
) -> None:
    now = datetime.now(UTC)
    _know(units, schedules, now)
    # A moment that was missed is due at once; after that, each schedule is looked at only when its time comes.
    due_at = dict.fromkeys(schedules, now)
    tidy_at = time.monotonic()
    while not stop.is_set():
        connection.execute("SELECT 1")
        now = datetime.now(UTC)
        for name, schedule in schedules.items():
            if due_at[name] <= now:
                due_at[name] = _fire_and_look_ahead(units, schedule, now, stop)
        if time.monotonic() >= tidy_at:
            purge_idempotency_keys(units, tenants(units, active=False))
            _keep_up(units, upkeep)
            tidy_at = time.monotonic() + MAINTENANCE_SECONDS
        stop.wait(TICK_SECONDS)


def _fire_and_look_ahead(units: Units, schedule: Schedule, now: datetime, stop: threading.Event) -> datetime:
    """Fire if need be and give the next moment; a schedule that cannot be read does not hold up the others."""
    try:
        fire_latest(units, schedule, now, stop)
        return next_due(schedule.cron, schedule.time_zone, now)
    except (ValueError, KeyError):
        log.exception("The schedule %s cannot be read; `erp plugins check` tells more.", schedule.name)
        return now + timedelta(minutes=5)


def fire_latest(
    units: Units, schedule: Schedule, now: datetime, stop: threading.Event | None = None
) -> datetime | None:
    """Fire the latest moment of a schedule if it has not been fired; gives that moment.

    Each tenant has a transaction of its own and the entry's id follows from schedule, moment and tenant: whoever
    repeats a half-fired moment only adds what is missing. The moment is noted when every tenant has it.
    """
    due = latest_due(schedule.cron, schedule.time_zone, now)
    with units.engine.connect() as connection:
        fired = connection.scalar(select(ScheduleState.last_fired_at).where(ScheduleState.name == schedule.name))
    if fired is not None and fired >= due:
        return None
    for tenant_id in tenants(units):
        if stop is not None and stop.is_set():
            return None
        _owe(units, schedule, due, tenant_id)
    with units.engine.begin() as connection:
        state = (ScheduleState.name == schedule.name, ScheduleState.last_fired_at < due)
        connection.execute(update(ScheduleState).where(*state).values(last_fired_at=due))
    log.info("The schedule %s fired for %s.", schedule.name, due.isoformat())
    return due


def tenants(units: Units, *, active: bool = True) -> list[UUID]:
    """List the ids of the active tenants, or of all."""
    every = "SELECT id FROM auth.tenants ORDER BY id"
    working = "SELECT id FROM auth.tenants WHERE state = 'active' ORDER BY id"
    with units.engine.connect() as connection:
        return list(connection.scalars(text(working if active else every)))


def purge_idempotency_keys(units: Units, tenant_ids: Collection[UUID]) -> None:
    """Forget the answers to requests that are older than a day."""

    def purge(ctx: Context) -> None:
        old = (IdempotencyKey.tenant_id == ctx.tenant_id, IdempotencyKey.created_at < func.now() - IDEMPOTENCY_KEPT)
        ctx.session.execute(delete(IdempotencyKey).where(*old), execution_options={"synchronize_session": False})

    for tenant_id in tenant_ids:
        units.run(Actor(tenant_id), purge)


def _keep_up(units: Units, upkeep: Sequence[Upkeep]) -> None:
    """Let the packages tidy their global tables; one that fails does not hold up the others."""
    for work in upkeep:
        try:
            with Session(units.engine) as session, session.begin():
                work(session, datetime.now(UTC))
        except SQLAlchemyError:
            log.exception("An upkeep failed; it is tried again in %d seconds.", MAINTENANCE_SECONDS)


def _know(units: Units, schedules: Mapping[str, Schedule], now: datetime) -> None:
    """Start a new schedule from now on; what was before its installation is not owed."""
    rows = [{"name": name, "last_fired_at": now} for name in schedules]
    if rows:
        with units.engine.begin() as connection:
            connection.execute(insert(ScheduleState).values(rows).on_conflict_do_nothing())


def _owe(units: Units, schedule: Schedule, due: datetime, tenant_id: UUID) -> None:
    entry_id = moment_id(due, schedule.name, str(tenant_id))
    key = {"tenant_id": tenant_id, "id": entry_id}
    entry = {**key, "kind": "task", "name": schedule.task, "payload": {"due": due.isoformat()}}
    entry["request_id"] = f"{schedule.name}@{due.isoformat()}"
    pending = {**key, "queue": schedule.task.partition(".")[0], "name": schedule.task}

    def write(ctx: Context) -> None:
        made = ctx.session.execute(insert(OutboxEntry).values(entry).on_conflict_do_nothing().returning(OutboxEntry.id))
        if made.first() is not None:
            ctx.session.execute(insert(OutboxPending).values(pending).on_conflict_do_nothing())

    units.run(Actor(tenant_id), write)
