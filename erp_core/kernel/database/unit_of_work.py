"""One request or task is one transaction, opened, retried and committed here and nowhere else."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from uuid import UUID

import pluggy
import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError

from erp_core.kernel.context import Actor, Context, Pending
from erp_core.kernel.database.ledger import CONTEXT, UnitSession, write_ledger
from erp_core.kernel.errors import DatabaseAway, StaleVersion

T = TypeVar("T")

ATTEMPTS = 6
_SERIALIZATION = "40001"
_DEADLOCK = "40P01"
_FEATURE = "0A000"
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Units:
    """What opens units of work; one for each process.

    ``on_commit`` is given the outbox entries of a transaction after it is committed, never before and never twice.
    """

    engine: Engine
    hooks: pluggy.HookRelay
    on_commit: Callable[[Actor, list[Pending]], None] | None = None

    def run(self, actor: Actor, function: Callable[[Context], T], *, read_only: bool = False) -> T:
        """Run ``function`` in one transaction of the actor's tenant and commit it.

        A serialization failure or a deadlock rolls back and runs the function again with a new context, a bounded
        number of times; so the function must not do anything that a rollback does not undo.
        """
        attempt = 1
        while True:
            try:
                with self.open(actor, read_only=read_only) as ctx:
                    return function(ctx)
            except (DBAPIError, psycopg.Error) as error:
                if attempt >= ATTEMPTS or not _worth_repeating(error):
                    raise
            # Two that collided must not meet again at the same pace.
            time.sleep(random.uniform(0.5, 1.0) * 0.01 * 2**attempt)  # noqa: S311 - only spreads the retries
            attempt += 1

    @contextmanager
    def open(self, actor: Actor, *, read_only: bool = False) -> Iterator[Context]:
        """Open one unit of work and commit it at the end of the block; one attempt, no retry."""
        connection = self._begin(actor.tenant_id, read_only=read_only)
        try:
            session = UnitSession(connection, expire_on_commit=False, join_transaction_mode="rollback_only")
            ctx = Context(session, actor, self.hooks)
            session.info[CONTEXT] = ctx
            try:
                yield ctx
                _finish(connection, ctx)
            except StaleDataError as stale:
                raise StaleVersion from stale
            finally:
                session.close()
        except BaseException as error:
            _give_up(connection, error)
            raise
        finally:
            _release(connection)
        if ctx.pending:
            self._tell(actor, ctx.pending)

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def _begin(self, tenant: UUID, *, read_only: bool) -> Connection:
        """Begin and set the tenant in one round trip; a connection that died while idle is replaced."""
        for _ in range(cast("Any", self.engine.pool).size() + 1):
            try:
                connection = self.engine.connect()
            except (OperationalError, PoolTimeout) as away:
                raise DatabaseAway from away
            try:
                connection.begin()
                _set_tenant(_raw(connection), tenant, read_only=read_only)
            except psycopg.OperationalError as error:
                connection.invalidate(error)
                connection.close()
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise DatabaseAway

    def _tell(self, actor: Actor, pending: list[Pending]) -> None:
        if self.on_commit is None:
            return
        try:
            self.on_commit(actor, pending)
        except Exception:  # noqa: BLE001 - whatever the broker raises, the answer stands
            # The change is committed and its outbox rows are waiting: the relay takes them to the broker later.
            _log.exception("The outbox entries of a committed transaction are left to the relay.")


def _set_tenant(raw: psycopg.Connection[Any], tenant: UUID, *, read_only: bool) -> None:
    # SET takes no parameters; the value is a UUID that was parsed and is written again here.
    statement = f"SET LOCAL app.current_tenant = '{UUID(str(tenant))}'"
    # The driver would wait for the answer to a BEGIN of its own, so the unit of work says BEGIN and COMMIT itself.
    begin = b"BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY" if read_only else b"BEGIN ISOLATION LEVEL READ COMMITTED"
    raw.autocommit = True
    with raw.pipeline():
        raw.execute(begin, prepare=False)
        raw.execute(statement.encode("ascii"), prepare=False)


def _finish(connection: Connection, ctx: Context) -> None:
    """Send what is left of the change, then its ledger and the commit together in one round trip."""
    transaction = connection.get_transaction()
    if transaction is None or not transaction.is_active:
        msg = "A service ended the transaction; only the unit of work commits or rolls back."
        raise RuntimeError(msg)
    ctx.session.flush()
    raw = _raw(connection)
    if raw.info.transaction_status != TransactionStatus.INTRANS:
        msg = "A service went on after a database error, which has undone everything; use a savepoint to try something."
        raise RuntimeError(msg)
    with raw.pipeline():
        write_ledger(raw, ctx)
        raw.execute(b"COMMIT", prepare=False)
    transaction.commit()


def _release(connection: Connection) -> None:
    """Give the connection back as the pool knows it."""
    try:
        if not connection.invalidated and not connection.closed:
            _raw(connection).autocommit = False
    except psycopg.Error as broken:
        connection.invalidate(broken)
    connection.close()


def _give_up(connection: Connection, error: BaseException) -> None:
    """Roll back; a connection that cannot is thrown away, and so is one with a plan from before a migration."""
    try:
        transaction = connection.get_transaction()
        if transaction is not None:
            transaction.rollback()
        if _old_plan(error):
            connection.invalidate(error)
    except (DBAPIError, psycopg.Error) as broken:
        connection.invalidate(broken)


def _raw(connection: Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def _worth_repeating(error: DBAPIError | psycopg.Error) -> bool:
    return _sqlstate(error) in {_SERIALIZATION, _DEADLOCK} or _old_plan(error)


def _old_plan(error: BaseException) -> bool:
    """Say whether a statement prepared before a migration no longer fits the table."""
    return _sqlstate(error) == _FEATURE and "cached plan" in str(error)


def _sqlstate(error: BaseException) -> str | None:
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state if isinstance(state, str) else None
