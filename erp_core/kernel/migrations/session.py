"""The runner's one connection: locked against other runners, acting as the owner, one transaction a revision."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from erp_core.kernel.database.addresses import sqlalchemy_address
from erp_core.kernel.database.roles import OWNER
from erp_core.kernel.errors import OperatorError

_LOCK = 7_237_488_002
LOCK_TIMEOUT = "2s"
_LOCK_NOT_AVAILABLE = "55P03"
_DEADLOCK = "40P01"


@dataclass(slots=True)
class Session:
    """A direct connection of the migrator; ``say`` hears what takes long or is out of the ordinary."""

    connection: sa.Connection
    say: Callable[[str], None]
    lock_attempts: int

    @property
    def raw(self) -> psycopg.Connection[Any]:
        """Give the driver's connection, in the same transaction."""
        return cast("psycopg.Connection[Any]", self.connection.connection.driver_connection)

    @contextmanager
    def as_owner(self) -> Iterator[None]:
        """Open a transaction as ``erp_owner`` that would rather fail than queue in front of everybody's reads."""
        with self.connection.begin():
            self.raw.execute(f"SET LOCAL ROLE {OWNER}")
            self.raw.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            yield

    @contextmanager
    def without_transaction(self) -> Iterator[None]:
        """Act as ``erp_owner``, each statement by itself, for CREATE INDEX CONCURRENTLY."""
        self.connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            self.raw.execute(f"SET ROLE {OWNER}")
            # Building an index at leisure blocks nobody while it waits, and giving up would leave it half built.
            self.raw.execute("SET lock_timeout = 0")
            yield
        finally:
            self.connection.rollback()
            if not self.raw.broken:
                self.raw.execute("RESET ROLE")
                self.raw.execute("RESET lock_timeout")
                self.connection.execution_options(isolation_level="READ COMMITTED")

    def patiently(self, attempt: Callable[[], None], what: str) -> None:
        """Repeat what did not get its locks, waiting longer each time; ``OperatorError`` when it never does."""
        for number in range(1, self.lock_attempts + 1):
            try:
                attempt()
            except (DBAPIError, psycopg.Error) as error:
                if getattr(getattr(error, "orig", error), "sqlstate", None) not in {_LOCK_NOT_AVAILABLE, _DEADLOCK}:
                    raise
                if number < self.lock_attempts:
                    self.say(f"{what} waits for a table that another session holds (attempt {number}).")
                    time.sleep(min(5.0, 0.1 * 2**number) * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads retries
            else:
                return
        sentence = f"{what} did not get its locks in {self.lock_attempts} attempts; nothing of it is in the database."
        raise OperatorError(sentence, "End the long transactions that `erp doctor` shows, then run it again.")


@contextmanager
def open_session(
    url: str, *, wait: float, say: Callable[[str], None] | None = None, lock_attempts: int = 8
) -> Iterator[Session]:
    """Connect as the migrator and keep other runners out; another runner is waited for ``wait`` seconds."""
    engine = sa.create_engine(sqlalchemy_address(url), poolclass=sa.NullPool)
    heard = say or (lambda _: None)
    try:
        with engine.connect() as connection:
            session = Session(connection, heard, lock_attempts)
            _require_owner(session)
            _lock(session, wait)
            yield session
    finally:
        engine.dispose()


def _require_owner(session: Session) -> None:
    with session.connection.begin():
        query = """SELECT session_user::text, EXISTS (
                     SELECT FROM pg_roles WHERE rolname = %s AND pg_has_role(session_user, oid, 'SET'))"""
        row = session.raw.execute(query, [OWNER]).fetchone()
    if row is None or not row[1]:
        sentence = f"The role {row[0] if row else ''} may not act as {OWNER}, so it cannot migrate."
        raise OperatorError(sentence, "Run `erp db init` once, then set ERP_MIGRATION_URL to erp_migrator's address.")


def _lock(session: Session, wait: float) -> None:
    """Take the lock by asking again and again.

    A session that waits inside ``pg_advisory_lock`` holds a snapshot, and the other runner's CREATE INDEX CONCURRENTLY
    would wait for that snapshot to go: a deadlock.
    """
    deadline = time.monotonic() + wait
    told = False
    while True:
        with session.connection.begin():
            row = session.raw.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
        if row is not None and row[0]:
            return
        if time.monotonic() >= deadline:
            sentence = f"Another runner has been migrating for more than {wait:.0f} seconds."
            raise OperatorError(sentence, "Wait until it has finished, or end it, then run this again.")
        if not told:
            session.say("Another runner is migrating; waiting for it to finish.")
            told = True
        time.sleep(0.1)
