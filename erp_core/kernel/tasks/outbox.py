"""The outbox seen from the tasks: taking an entry, settling it, and waking the relay after a commit.

A row of ``core.outbox_pending`` stands for work that is still owed. It goes away in the transaction that does the work,
or that gives the work up; until then the relay hands it over again whenever ``available_at`` has passed. So Redis holds
nothing that PostgreSQL does not know.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import redis
from sqlalchemy import ColumnElement, Row, Text, Uuid, and_, delete, exists, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from erp_core.kernel.context import Actor, Context, Pending
from erp_core.kernel.database.tables import InboxEntry, OutboxEntry, OutboxPending
from erp_core.kernel.errors import NotFound
from erp_core.kernel.tasks.broker import make_client

WAKE_CHANNEL = "erp:relay:wake"
_REDIS_PATIENCE = 0.2
_REDIS_PAUSE = 5.0

_TAKE_TO_DO = text("""
    WITH taken AS (
        DELETE FROM core.outbox_pending WHERE (tenant_id, id) IN (
            SELECT tenant_id, id FROM core.outbox_pending WHERE tenant_id = :tenant AND id = :entry
            FOR UPDATE SKIP LOCKED)
        RETURNING tenant_id, id
    ), found AS (
        SELECT o.tenant_id, o.id, o.payload, o.user_id, o.request_id FROM taken JOIN core.outbox o USING (tenant_id, id)
        WHERE o.tenant_id = :tenant AND o.kind = 'task' AND o.name = :task
    ), noted AS (
        INSERT INTO core.inbox (tenant_id, id, task) SELECT tenant_id, id, :task FROM found
        ON CONFLICT DO NOTHING RETURNING id
    )
    SELECT found.payload, found.user_id, found.request_id, t.language, t.time_zone
    FROM noted JOIN found USING (id) LEFT JOIN auth.tenants t ON t.id = found.tenant_id
""").columns(payload=JSONB(), user_id=Uuid(), request_id=Text(), language=Text(), time_zone=Text())

log = logging.getLogger(__name__)


def make_hand_over(redis_url: str) -> Callable[[Actor, list[Pending]], None]:
    """Give the ``on_commit`` of a process: it wakes the relays, and never fails or delays the request.

    ``redis_url`` names database 0. After a failure it keeps quiet for five seconds; the relays poll and find the
    entries without it.
    """
    client = make_client(redis_url, timeout=_REDIS_PATIENCE)
    quiet_until = 0.0

    def hand_over(_actor: Actor, pending: list[Pending]) -> None:
        nonlocal quiet_until
        if not pending or time.monotonic() < quiet_until:
            return
        try:
            client.publish(WAKE_CHANNEL, b"")
        except (redis.RedisError, OSError):
            quiet_until = time.monotonic() + _REDIS_PAUSE
            log.warning("Redis does not answer; background work waits in the database until it does.")

    return hand_over


def take(session: Session, tenant_id: UUID, entry_id: UUID) -> bool:
    """Take an entry off the owed ones; false when it is settled already or somebody else works on it.

    The row is deleted and stays locked until the transaction ends, so a rollback, or the death of this process, gives
    it back by itself.
    """
    free = select(OutboxPending.tenant_id, OutboxPending.id).where(_is(tenant_id, entry_id))
    owed = tuple_(OutboxPending.tenant_id, OutboxPending.id).in_(free.with_for_update(skip_locked=True))
    return session.execute(delete(OutboxPending).where(owed).returning(OutboxPending.id)).first() is not None


def take_to_do(session: Session, tenant_id: UUID, entry_id: UUID, task: str) -> Row[Any] | None:
    """Take an entry, note it as done and read it, in one round trip; ``None`` when there is nothing to do.

    The row has payload, user_id, request_id, and the tenant's language and time_zone. What was done before is only
    taken off the owed ones.
    """
    return session.execute(_TAKE_TO_DO, {"tenant": tenant_id, "entry": entry_id, "task": task}).first()


def postpone(session: Session, tenant_id: UUID, entry_id: UUID, seconds: float) -> None:
    """Let the relay hand an entry over again after so many seconds, unless somebody works on it."""
    free = (
        select(OutboxPending.tenant_id, OutboxPending.id)
        .where(_is(tenant_id, entry_id))
        .with_for_update(skip_locked=True)
    )
    moment = func.clock_timestamp() + timedelta(seconds=seconds)
    waiting = update(OutboxPending).where(tuple_(OutboxPending.tenant_id, OutboxPending.id).in_(free))
    session.execute(waiting.values(available_at=moment), execution_options={"synchronize_session": False})


def failed_tasks(ctx: Context, limit: int = 100) -> list[OutboxEntry]:
    """List this tenant's tasks that were given up: no longer owed and never done, newest first."""
    owed = exists().where(OutboxPending.tenant_id == OutboxEntry.tenant_id, OutboxPending.id == OutboxEntry.id)
    done = exists().where(InboxEntry.tenant_id == OutboxEntry.tenant_id, InboxEntry.id == OutboxEntry.id)
    mine = and_(OutboxEntry.tenant_id == ctx.tenant_id, OutboxEntry.kind == "task")
    query = select(OutboxEntry).where(mine, ~owed, ~done).order_by(OutboxEntry.created_at.desc()).limit(limit)
    return list(ctx.session.scalars(query))


def replay(ctx: Context, entry_id: UUID) -> None:
    """Owe a task again that was given up; one that was done does nothing when it comes."""
    entry = ctx.get(OutboxEntry, entry_id)
    if entry.kind != "task":
        raise NotFound(resource="outbox", id=str(entry_id))
    row = {"tenant_id": entry.tenant_id, "id": entry.id, "queue": entry.name.partition(".")[0], "name": entry.name}
    ctx.session.execute(insert(OutboxPending).values(row).on_conflict_do_nothing())


def _is(tenant_id: UUID, entry_id: UUID) -> ColumnElement[bool]:
    return and_(OutboxPending.tenant_id == tenant_id, OutboxPending.id == entry_id)
