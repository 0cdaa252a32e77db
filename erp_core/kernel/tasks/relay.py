"""The relay: hands owed outbox entries to the broker, again and again until they are settled."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import TypeAlias, cast
from uuid import UUID

import redis
from sqlalchemy import Connection, Engine, Row, Table, bindparam, delete, func, select, tuple_, update
from sqlalchemy.exc import SQLAlchemyError

from erp_core.kernel.database.tables import OutboxPending
from erp_core.kernel.tasks.broker import SignedRedisBroker, make_message
from erp_core.kernel.tasks.outbox import WAKE_CHANNEL

POLL_SECONDS = 0.25
BATCH = 200
# An entry that was handed over is owed again after this time; it doubles with the entry's age, so that a long queue is
# not filled with repeats.
LEASE_SECONDS = 60.0
LONGEST_LEASE_SECONDS = 900.0
_EPOCH_KEY = "erp:relay:epoch"
_LONGEST_PAUSE = 5.0

# Tenant, id, queue and name of a pending entry.
Owed: TypeAlias = Row[UUID, UUID, str, str]

log = logging.getLogger(__name__)


def run_relay(
    engine: Engine, broker: SignedRedisBroker, tasks: Collection[str], slugs: Collection[str], stop: threading.Event
) -> None:
    """Hand over what is owed to the queues ``slugs`` until ``stop``; Redis or PostgreSQL away only makes it wait."""
    pause = POLL_SECONDS
    bell: redis.client.PubSub | None = None
    while not stop.is_set():
        try:
            bell = bell or _listen(broker.client)
            if redis_forgot(broker.client):
                recall(engine)
                remember_redis(broker.client)
            while relay_batch(engine, broker, tasks, slugs) == BATCH and not stop.is_set():
                pass
            _wait(bell)
            pause = POLL_SECONDS
        except (redis.RedisError, OSError, SQLAlchemyError) as error:
            log.warning("The relay waits %.1f s: %s.", pause, type(error).__name__)
            _hang_up(bell)
            bell = None
            stop.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
    _hang_up(bell)


def relay_batch(engine: Engine, broker: SignedRedisBroker, tasks: Collection[str], slugs: Collection[str]) -> int:
    """Hand over one batch; gives how many entries were due.

    The lease is committed before the message leaves: a worker that is quicker than this transaction would find the row
    locked and drop the message. Should this process die in between, the entry is due again when the lease ends.
    """
    with engine.begin() as connection:
        due = (
            select(OutboxPending.tenant_id, OutboxPending.id, OutboxPending.queue, OutboxPending.name)
            .where(OutboxPending.available_at <= func.now(), OutboxPending.queue.in_(list(slugs)))
            .order_by(OutboxPending.available_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        rows = connection.execute(due).all()
        events = [row for row in rows if is_event(row.name)]
        owed = [row for row in rows if not is_event(row.name)]
        if events:
            keys = [(row.tenant_id, row.id) for row in events]
            connection.execute(delete(OutboxPending).where(tuple_(OutboxPending.tenant_id, OutboxPending.id).in_(keys)))
        if owed:
            _set_lease(connection, [(row, lease_seconds(row.id)) for row in owed])
    for name in {row.name for row in owed if row.name not in tasks}:
        log.warning("The task %s is owed and not known here; it waits for a process that knows it.", name)
    _send(engine, broker, [row for row in owed if row.name in tasks])
    return len(rows)


def is_event(name: str) -> bool:
    """Tell an event (``core.partners.created``) from a task (``core.import_rows``) by its name.

    Nobody receives events through the broker yet. A task that this process does not know may be one of a newer release
    and stays owed.
    """
    return name.count(".") > 1


def lease_seconds(entry_id: UUID) -> float:
    """Give the seconds between two hand-overs of an entry: a minute, or its age if that is more, up to 15 minutes."""
    age = time.time() - (entry_id.int >> 80) / 1000 if entry_id.version == 7 else 0.0
    return min(max(LEASE_SECONDS, age), LONGEST_LEASE_SECONDS)


def redis_forgot(client: redis.Redis) -> bool:
    """Tell whether Redis was flushed, restarted or replaced since the entries were handed over."""
    return client.get(_EPOCH_KEY) != _run_id(client)


def remember_redis(client: redis.Redis) -> None:
    """Leave the mark that disappears with the messages."""
    client.set(_EPOCH_KEY, _run_id(client))


def recall(engine: Engine) -> None:
    """Make everything owed due at once, but for what is being worked on (those rows are locked)."""
    with engine.begin() as connection:
        waiting = select(OutboxPending.tenant_id, OutboxPending.id).where(OutboxPending.available_at > func.now())
        free = waiting.with_for_update(skip_locked=True)
        table = OutboxPending
        connection.execute(
            update(table).where(tuple_(table.tenant_id, table.id).in_(free)).values(available_at=func.now())
        )


def _send(engine: Engine, broker: SignedRedisBroker, rows: Sequence[Owed]) -> None:
    for number, row in enumerate(rows):
        try:
            broker.enqueue(make_message(row.queue, row.name, str(row.tenant_id), str(row.id)))
        except (redis.RedisError, OSError):
            with suppress(SQLAlchemyError), engine.begin() as connection:
                _set_lease(connection, [(left, 0.0) for left in rows[number:]])
            raise


def _set_lease(connection: Connection, leases: Sequence[tuple[Owed, float]]) -> None:
    """Set when each row is due again, in seconds from now."""
    moment = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds"))
    this = (OutboxPending.tenant_id == bindparam("tenant")) & (OutboxPending.id == bindparam("entry"))
    values = [{"tenant": row.tenant_id, "entry": row.id, "seconds": seconds} for row, seconds in leases]
    connection.execute(update(cast("Table", OutboxPending.__table__)).where(this).values(available_at=moment), values)


def _listen(client: redis.Redis) -> redis.client.PubSub:
    bell: redis.client.PubSub = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    bell.subscribe(WAKE_CHANNEL)
    return bell


def _wait(bell: redis.client.PubSub) -> None:
    """Sleep until somebody committed an entry, or for the poll interval; several calls count as one."""
    deadline = time.monotonic() + POLL_SECONDS
    rung = None
    while rung is None and (left := deadline - time.monotonic()) > 0:
        rung = bell.get_message(timeout=left)
    while rung is not None:
        rung = bell.get_message()


def _hang_up(bell: redis.client.PubSub | None) -> None:
    if bell is not None:
        with suppress(redis.RedisError, OSError):
            bell.close()


def _run_id(client: redis.Redis) -> bytes:
    return str(client.info("server")["run_id"]).encode()
