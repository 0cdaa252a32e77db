"""One connection in libpq's pipeline mode: a batch goes out in one flush and its answers come back in one callback.

The connection, not the caller, drives a batch to its end. A caller that went away therefore leaves nothing behind:
the remaining answers are read, a failed transaction is rolled back, and only then is the connection handed on.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Protocol

import psycopg
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus

from erp_core.kernel.queries.pipeline import Call, Rows, Statement
from erp_core.kernel.queries.pipeline_errors import (
    STALE_STATES,
    DatabaseError,
    DatabaseUnavailable,
    error_from_result,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from psycopg.pq.abc import PGconn, PGresult

# Naming these three so that the server need not parse them again saved nothing that could be measured.
BEGIN: Final = b"BEGIN"
BEGIN_READ_ONLY: Final = b"BEGIN READ ONLY"
COMMIT: Final = b"COMMIT"
ROLLBACK: Final = b"ROLLBACK"

PREPARED_LIMIT: Final = 500
"""Prepared statements kept on one connection; each costs the server some tens of kilobytes."""

_CANCEL_TIMEOUT: Final = 5.0
# A plan has one entry per expected answer: the call's index, ~index for its Prepare, or this for anything else.
_FRAME: Final = -1_000_000_000
# Plain integers, because libpq's wrappers return plain integers and enumerations compare slowly.
_COMMAND_OK: Final = int(ExecStatus.COMMAND_OK)
_TUPLES_OK: Final = int(ExecStatus.TUPLES_OK)
_PIPELINE_SYNC: Final = int(ExecStatus.PIPELINE_SYNC)
_IDLE: Final = int(TransactionStatus.IDLE)
_UNKNOWN: Final = int(TransactionStatus.UNKNOWN)
_BAD: Final = int(ConnStatus.BAD)


class Batch:
    """One transaction waiting for its answers.

    `setting` is the encoded SET LOCAL of the tenant, if any. `stale` counts how often its prepared statements
    turned out to be unusable.
    """

    __slots__ = ("calls", "connection", "future", "queued_at", "read_only", "setting", "stale")

    def __init__(
        self, future: asyncio.Future[list[Rows]], setting: bytes | None, calls: Sequence[Call], read_only: bool
    ) -> None:
        self.future = future
        self.setting = setting
        self.calls = calls
        self.read_only = read_only
        self.connection: Connection | None = None
        self.queued_at = 0.0
        self.stale = 0


class Owner(Protocol):
    """Whoever hands out connections: it is told when one is clean again, and when one is gone."""

    def connection_freed(self, connection: Connection) -> None: ...

    def connection_lost(self, connection: Connection) -> None: ...


class Connection:
    """A connection that is idle, runs one batch, or rolls a failed one back."""

    __slots__ = (
        "_cancelling",
        "_close_first",
        "_failed_at",
        "_failure",
        "_flushing",
        "_handle",
        "_loop",
        "_owner",
        "_pgconn",
        "_plan",
        "_prepare",
        "_prepared",
        "_results",
        "_rolling_back",
        "_socket",
        "batch",
        "closed",
        "serial",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, handle: psycopg.AsyncConnection[Any], owner: Owner, *, prepare: bool
    ) -> None:
        self._loop = loop
        self._handle = handle
        self._owner = owner
        self._prepare = prepare
        self._prepared: OrderedDict[bytes, None] = OrderedDict()
        self._close_first = False
        self._results: list[PGresult] = []
        self._plan: list[int] = []
        self._failed_at = -1
        self._failure: Exception | None = None
        self._flushing = False
        self._rolling_back = False
        self._cancelling: asyncio.Task[None] | None = None
        self.batch: Batch | None = None
        self.closed = False
        self.serial = 0
        self._pgconn: PGconn = handle.pgconn
        self._pgconn.notice_handler = None
        self._pgconn.nonblocking = 1
        self._pgconn.enter_pipeline_mode()
        self._socket: int = self._pgconn.socket
        # Registered for as long as the connection lives: cheaper than once a batch, and it tells of a server
        # that hangs up on an idle connection.
        loop.add_reader(self._socket, self._on_readable)

    def start(self, batch: Batch) -> None:
        """Send a whole batch; its future is resolved when the answers are in."""
        self.batch = batch
        batch.connection = self
        self.serial += 1
        self._results = []
        self._failed_at = -1
        self._failure = None
        try:
            self._send(batch)
        except psycopg.Error as error:
            self._lose(str(error), sent=False)
            return
        except Exception as error:  # noqa: BLE001
            # Most often a parameter that is no bytes object. Whatever it is, the caller gets it: the half-sent batch
            # ends like any other failed one.
            self._failure = error
        self._end_of_batch()

    def _send(self, batch: Batch) -> None:
        pgconn = self._pgconn
        self._plan = plan = [_FRAME]
        pgconn.send_query_params(BEGIN_READ_ONLY if batch.read_only else BEGIN, None)
        if batch.setting is not None:
            plan.append(_FRAME)
            pgconn.send_query_params(batch.setting, None)
        named = self._prepare and batch.stale < 2
        prepared = self._prepared
        pending: set[bytes] = set()
        for index, call in enumerate(batch.calls):
            if named:
                name = call.statement.name
                if name in prepared:
                    prepared.move_to_end(name)
                elif name not in pending:
                    self._send_prepare(call.statement, index, len(pending))
                    pending.add(name)
                pgconn.send_query_prepared(name, call.params)
            else:
                pgconn.send_query_params(call.statement.text, call.params)
            plan.append(index)
        pgconn.send_query_params(COMMIT, None)

    def _send_prepare(self, statement: Statement, index: int, pending: int) -> None:
        if self._prepared and len(self._prepared) + pending >= PREPARED_LIMIT:
            oldest, _ = self._prepared.popitem(last=False)
            self._pgconn.send_close_prepared(oldest)
            self._plan.append(_FRAME)
        if self._close_first:
            self._pgconn.send_close_prepared(statement.name)
            self._plan.append(_FRAME)
        self._pgconn.send_prepare(statement.name, statement.text)
        self._plan.append(~index)

    def _end_of_batch(self) -> None:
        try:
            self._pgconn.pipeline_sync()
            if self._pgconn.flush():
                self._flushing = True
                self._loop.add_writer(self._socket, self._on_writable)
        except psycopg.Error as error:
            self._lose(str(error))

    def _on_writable(self) -> None:
        try:
            pending = self._pgconn.flush()
        except psycopg.Error as error:
            self._lose(str(error))
            return
        if not pending:
            self._flushing = False
            self._loop.remove_writer(self._socket)

    def look(self) -> None:
        """Read what may have arrived unnoticed: an event loop can drop a socket that the server reset."""
        if not self.closed:
            self._on_readable()

    def _on_readable(self) -> None:
        pgconn = self._pgconn
        try:
            pgconn.consume_input()
            if self.batch is None and not self._rolling_back:
                self._read_while_idle()
                return
            results = self._results
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    self._lose("the server's answers are out of step with what was sent")
                    return
                status = result.status
                if status == _PIPELINE_SYNC:
                    self._on_synced()
                    return
                results.append(result)
                if status > _TUPLES_OK and self._failed_at < 0:
                    self._failed_at = len(results) - 1
                    if pgconn.status == _BAD or self._error().fatal:
                        # Nothing follows a fatal error, and uvloop may not even tell that the server hung up.
                        self._lose("")
                        return
                # Each answer is followed by an empty one that libpq has at hand: no need to ask whether it is busy.
                pgconn.get_result()
        except psycopg.Error as error:
            self._lose(str(error))

    def _read_while_idle(self) -> None:
        # A notice or a changed setting is parsed and dropped here. A server that hangs up first says why, so only
        # the second look finds the end of the stream, and raises.
        self._pgconn.is_busy()
        self._pgconn.consume_input()
        if self._pgconn.status == _BAD or self._pgconn.transaction_status == _UNKNOWN:
            self._lose("the server closed an idle connection")

    def _on_synced(self) -> None:
        batch = self.batch
        if self._rolling_back:
            self._rolling_back = False
            if self._pgconn.transaction_status != _IDLE:
                self._lose("a failed transaction could not be rolled back")
            elif batch is not None and not batch.future.done():
                self.start(batch)
            else:
                self._free()
            return
        if batch is None:
            return
        if len(self._plan) != len(batch.calls) + 1 + (batch.setting is not None):
            self._remember_prepared()
        retry = self._settle(batch)
        if self._pgconn.transaction_status != _IDLE:
            self.batch = batch if retry else None
            self._roll_back()
        elif retry:
            self.start(batch)
        else:
            self._free()

    def _settle(self, batch: Batch) -> bool:
        """Resolve the batch's future, or return True when the batch must be sent again with fresh statements."""
        failure = self._failure or (None if self._failed_at < 0 else self._error())
        future = batch.future
        if failure is None:
            if not future.done():
                pairs = zip(self._plan, self._results, strict=False)
                future.set_result([Rows(result) for owner, result in pairs if owner >= 0])
            return False
        if isinstance(failure, DatabaseError) and failure.sqlstate in STALE_STATES and self._prepare:
            self._prepared.clear()
            # Which names the server still knows cannot be told; closing an unknown name is no error.
            self._close_first = True
            batch.stale += 1
            if batch.stale <= 2 and not future.done():
                return True
        if not future.done():
            future.set_exception(failure)
        return False

    def _error(self) -> DatabaseError:
        owner = self._plan[self._failed_at] if self._failed_at < len(self._plan) else _FRAME
        index = None if owner == _FRAME else max(owner, ~owner)
        return error_from_result(self._results[self._failed_at], index)

    def _remember_prepared(self) -> None:
        # Prepared statements outlive a rolled-back transaction, so each Prepare counts by its own answer.
        calls = self.batch.calls if self.batch is not None else ()
        for owner, result in zip(self._plan, self._results, strict=False):
            if _FRAME < owner < 0 and result.status == _COMMAND_OK:
                self._prepared[calls[~owner].statement.name] = None

    def _roll_back(self) -> None:
        self._rolling_back = True
        self._results = []
        self._failed_at = -1
        try:
            self._pgconn.send_query_params(ROLLBACK, None)
        except psycopg.Error as error:
            self._lose(str(error))
            return
        self._end_of_batch()

    def _free(self) -> None:
        self.batch = None
        self._results = []
        if self._cancelling is None:
            self._owner.connection_freed(self)

    def cancel(self, batch: Batch) -> None:
        """Ask the server to stop a batch whose caller went away, unless it has ended by itself."""
        if self.batch is batch and self._cancelling is None and not self.closed:
            self._cancelling = self._loop.create_task(self._send_cancel())

    async def _send_cancel(self) -> None:
        # The request names the connection, not the batch. Until it has been delivered the connection goes to
        # nobody else; the server ignores one that reaches it between two commands.
        try:
            await self._handle.cancel_safe(timeout=_CANCEL_TIMEOUT)
        except (psycopg.Error, OSError):
            pass
        finally:
            self._cancelling = None
            if self.batch is None and not self._rolling_back and not self.closed:
                self._owner.connection_freed(self)

    def close(self, reason: str) -> None:
        """Hang up; a batch that is still running fails with this reason."""
        if not self.closed:
            self._lose(reason)

    def _lose(self, message: str, *, sent: bool = True) -> None:
        self.closed = True
        self._loop.remove_reader(self._socket)
        if self._flushing:
            self._loop.remove_writer(self._socket)
        batch, self.batch = self.batch, None
        if batch is not None and not batch.future.done():
            self._settle_lost(batch, message, sent)
        self._results = []
        self._pgconn.finish()
        self._owner.connection_lost(self)

    def _settle_lost(self, batch: Batch, message: str, sent: bool) -> None:
        future = batch.future
        committed = len(self._plan) < len(self._results) and not self._rolling_back
        error = self._error() if 0 <= self._failed_at < len(self._results) else None
        if committed and error is None:
            self._settle(batch)
        elif error is not None and not error.fatal:
            # The server had refused the batch before it was lost, so nothing of it was kept.
            future.set_exception(error)
        else:
            unknown = sent and not batch.read_only and not self._rolling_back
            reason = error.message if error is not None else message.strip() or "the connection was lost"
            future.set_exception(
                DatabaseUnavailable(f"the database was lost: {reason}", outcome_unknown=unknown, lost=True)
            )
