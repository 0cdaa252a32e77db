"""A pool of pipeline connections: one call of `run` is one transaction in one round trip.

Batches wait, not connections: whoever came first has its batch sent in the very callback in which a connection
became clean, and a caller that goes away while waiting or running holds nothing that could leak.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import psycopg

from erp_core.kernel.queries.pipeline import Call, Rows, statement
from erp_core.kernel.queries.pipeline_connection import Batch, Connection
from erp_core.kernel.queries.pipeline_errors import RETRIED_STATES, DatabaseError, DatabaseUnavailable
from erp_core.kernel.queries.pool_connect import connect, session_conninfo

_PING: Final = statement("SELECT 1")
_CONFLICT_RETRIES: Final = 3
_CANCEL_AFTER: Final = 0.2
"""Seconds that the batch of a caller that went away may still take by itself before the server is asked to stop."""
_CANCEL_PATIENCE: Final = 1.0
_CACHED_TENANTS: Final = 10_000
_TICK: Final = 1.0
_STUCK_MARGIN: Final = 5.0
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0


@dataclass(frozen=True, slots=True)
class PoolStats:
    """How many connections are open and idle, and how many batches wait for one."""

    open: int
    idle: int
    waiting: int


class Pool:
    """Connections to one database, for one event loop."""

    def __init__(
        self,
        conninfo: str,
        *,
        size: int,
        statement_timeout_ms: int = 15000,
        application_name: str = "erp",
        connect_timeout: float = 5.0,
        wait_timeout: float = 5.0,
        prepare: bool = True,
    ) -> None:
        self._conninfo = session_conninfo(
            conninfo, statement_timeout_ms=statement_timeout_ms, application_name=application_name
        )
        self._size = size
        self._statement_timeout = statement_timeout_ms / 1000
        self._connect_timeout = connect_timeout
        self._wait_timeout = wait_timeout
        self._prepare = prepare
        self._connections: set[Connection] = set()
        self._idle: list[Connection] = []
        self._queue: deque[Batch] = deque()
        self._settings: dict[int, bytes] = {}
        self._expiry: asyncio.TimerHandle | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._closing = True
        self._loop: asyncio.AbstractEventLoop

    @property
    def stats(self) -> PoolStats:
        waiting = sum(not batch.future.done() for batch in self._queue)
        return PoolStats(open=len(self._connections), idle=len(self._idle), waiting=waiting)

    async def open(self) -> None:
        """Open all connections, or raise DatabaseUnavailable and leave none open."""
        self._loop = asyncio.get_running_loop()
        attempts = await asyncio.gather(*(self._connect() for _ in range(self._size)), return_exceptions=True)
        failure = next((error for error in attempts if isinstance(error, BaseException)), None)
        if failure is not None:
            self._hang_up("the pool could not be opened")
            raise failure
        self._closing = False
        self._keeper = self._loop.create_task(self._keep_full())

    async def close(self, drain_timeout: float = 10.0) -> None:
        """Refuse new batches, let the waiting and running ones end within `drain_timeout` seconds, then hang up.

        What still runs after that is cancelled on the server, so that its caller knows it was rolled back.
        """
        self._closing = True
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        if not await self._drain(drain_timeout):
            self._refuse_waiting()
            for connection in self._connections:
                if connection.batch is not None:
                    connection.cancel(connection.batch)
            await self._drain(_CANCEL_PATIENCE)
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        self._hang_up("the pool was closed")

    async def _drain(self, seconds: float) -> bool:
        deadline = self._loop.time() + seconds
        while self._connections and (self.stats.waiting or len(self._idle) < len(self._connections)):
            if self._loop.time() >= deadline:
                return False
            await asyncio.sleep(0.01)
        return True

    def _hang_up(self, reason: str) -> None:
        self._refuse_waiting()
        for connection in list(self._connections):
            connection.close(reason)

    def _refuse_waiting(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        while self._queue:
            self._refuse(self._queue.popleft(), "the pool was closed")

    async def run(self, tenant: UUID | None, calls: Sequence[Call], *, read_only: bool = False) -> list[Rows]:
        """Run all calls as one transaction of one tenant and return their answers in order.

        Without a tenant only global tables answer. Raises DatabaseError when the database refuses a call, and
        DatabaseUnavailable when there is no connection or it was lost; deadlocks, serialization failures,
        statements prepared before a migration and reads on a lost connection are sent again first.
        """
        setting = None if tenant is None else (self._settings.get(tenant.int) or self._new_setting(tenant))
        failures = 0
        while True:
            batch = Batch(self._loop.create_future(), setting, calls, read_only)
            if self._idle and not self._closing:
                self._idle.pop().start(batch)
            else:
                self._enqueue(batch)
            try:
                return await batch.future
            except asyncio.CancelledError:
                self._abandon(batch)
                raise
            except (DatabaseError, DatabaseUnavailable) as error:
                failures += 1
                if not _may_pass_again(error, failures):
                    raise
            await asyncio.sleep(random.uniform(0.2, 1.0) * 0.02 * failures)  # noqa: S311 - only spreads the retries

    def _new_setting(self, tenant: UUID) -> bytes:
        # The only value that is ever part of a statement's text: rebuilt from the number, whatever was handed in.
        if not isinstance(tenant, UUID):
            raise TypeError(f"a tenant is a UUID, not {type(tenant).__name__}")
        if len(self._settings) >= _CACHED_TENANTS:
            self._settings.clear()
        setting = b"SET LOCAL app.current_tenant = '%s'" % str(UUID(int=tenant.int)).encode("ascii")
        self._settings[tenant.int] = setting
        return setting

    async def ping(self, timeout: float = 2.0) -> bool:  # noqa: ASYNC109 - a bound of its own, beside the pool's
        """Tell whether the database answers, also while all connections of the pool are busy."""
        try:
            async with asyncio.timeout(timeout):
                if self._idle:
                    await self.run(None, [Call(_PING, ())], read_only=True)
                else:
                    await (await connect(self._conninfo, timeout)).close()
        except (DatabaseError, DatabaseUnavailable, TimeoutError):
            return False
        return True

    def _enqueue(self, batch: Batch) -> None:
        if self._closing:
            self._refuse(batch, "the pool is closed")
            return
        batch.queued_at = self._loop.time()
        self._queue.append(batch)
        if self._expiry is None:
            self._expiry = self._loop.call_later(self._wait_timeout, self._expire)

    def _expire(self) -> None:
        # The queue is in order of arrival and everyone may wait equally long, so one timer serves all.
        self._expiry = None
        queue = self._queue
        oldest_allowed = self._loop.time() - self._wait_timeout
        while queue and (queue[0].future.done() or queue[0].queued_at <= oldest_allowed):
            self._refuse(queue.popleft(), f"no connection became free within {self._wait_timeout:g} s")
        if queue:
            self._expiry = self._loop.call_at(queue[0].queued_at + self._wait_timeout, self._expire)

    def _refuse(self, batch: Batch, reason: str) -> None:
        if not batch.future.done():
            batch.future.set_exception(DatabaseUnavailable(reason))

    def _abandon(self, batch: Batch) -> None:
        future = batch.future
        if not future.cancelled() and future.done():
            # The answer came in the same moment as the cancellation; an error that nobody reads would be logged.
            future.exception()
        elif batch.connection is not None:
            self._loop.call_later(_CANCEL_AFTER, batch.connection.cancel, batch)

    def connection_freed(self, connection: Connection) -> None:
        """Give a clean connection to whoever waits longest."""
        queue = self._queue
        while queue:
            batch = queue.popleft()
            if not batch.future.done():
                connection.start(batch)
                return
        self._idle.append(connection)

    def connection_lost(self, connection: Connection) -> None:
        """Forget a broken connection and have another one opened."""
        self._connections.discard(connection)
        with suppress(ValueError):
            self._idle.remove(connection)
        self._wake.set()

    async def _connect(self) -> None:
        handle = await connect(self._conninfo, self._connect_timeout)
        try:
            connection = Connection(self._loop, handle, self, prepare=self._prepare)
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"the database was lost: {error}", lost=True) from None
        self._connections.add(connection)
        self.connection_freed(connection)

    async def _keep_full(self) -> None:
        pause = _FIRST_PAUSE
        seen: dict[Connection, tuple[int, float]] = {}
        while True:
            seen = self._drop_stuck(seen)
            if len(self._connections) >= self._size:
                pause = _FIRST_PAUSE
                self._wake.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_TICK):
                        await self._wake.wait()
                continue
            try:
                await self._connect()
            except DatabaseUnavailable:
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads the retries
                pause = min(pause * 2, _LONGEST_PAUSE)

    def _drop_stuck(self, seen: dict[Connection, tuple[int, float]]) -> dict[Connection, tuple[int, float]]:
        """Hang up on a server that has been silent for longer than its own statement timeout allows.

        Looking once a second costs the batches themselves nothing but a counter.
        """
        now = self._loop.time()
        running: dict[Connection, tuple[int, float]] = {}
        for connection in list(self._connections):
            connection.look()
            batch = connection.batch
            serial, since = seen.get(connection, (-1, now))
            if batch is None or serial != connection.serial:
                since = now
            longest = self._statement_timeout * (len(batch.calls) + 3 if batch is not None else 3) + _STUCK_MARGIN
            if batch is not None and self._statement_timeout and now - since > longest:
                connection.close(f"the server was silent for {longest:g} s")
            elif not connection.closed:
                running[connection] = (connection.serial, since)
        return running


def _may_pass_again(error: DatabaseError | DatabaseUnavailable, failures: int) -> bool:
    if isinstance(error, DatabaseError):
        return error.sqlstate in RETRIED_STATES and failures <= _CONFLICT_RETRIES
    return error.lost and not error.outcome_unknown and failures <= 1
