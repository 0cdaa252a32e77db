"""Counting failed sign-ins in the database, where every process sees them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from erp_core.auth.errors import TooManySignIns
from erp_core.auth.models import LoginThrottle
from erp_core.auth.rules import (
    ACCOUNT_FAILURES,
    FAILURE_WINDOW,
    LONGEST_BLOCK,
    NETWORK_FAILURES,
    Tally,
    count_failure,
    network_of,
)


def hold_account(session: Session, email: str) -> None:
    """Let one password attempt of an account run at a time.

    Otherwise a hundred attempts sent together would all be checked before the first of them was counted.
    """
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('auth.sign_in:' || :email, 0))"), {"email": email}
    )


def blocked(session: Session, email: str, address: str, now: datetime) -> TooManySignIns | None:
    """Give the refusal if the account or the network is blocked just now."""
    rows = session.scalars(select(LoginThrottle).where(LoginThrottle.key.in_(_limits(email, address))))
    wait = max((_tally(row).wait(now) for row in rows), default=0)
    return TooManySignIns(retry_after=wait) if wait else None


def note_failure(session: Session, email: str, address: str, now: datetime) -> None:
    """Count a failed attempt for the account, then for the network: one order, so that none waits in a circle."""
    for key, limit in _limits(email, address).items():
        fresh = insert(LoginThrottle).values(key=key, failures=0, window_started_at=now)
        session.execute(fresh.on_conflict_do_nothing(index_elements=["key"]))
        row = session.scalar(
            select(LoginThrottle)
            .where(LoginThrottle.key == key)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if row is None:  # it was pruned between the two statements: the next failure starts anew
            continue
        counted = count_failure(_tally(row), now, limit)
        session.execute(
            update(LoginThrottle)
            .where(LoginThrottle.key == key)
            .values(
                failures=counted.failures,
                window_started_at=counted.window_started_at,
                blocked_until=counted.blocked_until,
            )
        )


def forget_failures(session: Session, email: str) -> None:
    """Start the account's count anew after a right password; the network's count stays."""
    session.execute(delete(LoginThrottle).where(LoginThrottle.key == _account(email)))


def delete_old_throttles(session: Session, now: datetime) -> int:
    """Delete counts that can no longer matter; gives their number."""
    old = LoginThrottle.window_started_at < now - (FAILURE_WINDOW + LONGEST_BLOCK)
    quiet = LoginThrottle.blocked_until.is_(None) | (LoginThrottle.blocked_until < now - FAILURE_WINDOW)
    return len(session.scalars(delete(LoginThrottle).where(old, quiet).returning(LoginThrottle.key)).all())


def _account(email: str) -> str:
    return f"account:{email}"


def _limits(email: str, address: str) -> dict[str, int]:
    limits = {_account(email): ACCOUNT_FAILURES}
    network = network_of(address)
    if network is not None:
        limits[f"network:{network}"] = NETWORK_FAILURES
    return limits


def _tally(row: LoginThrottle) -> Tally:
    return Tally(row.failures, row.window_started_at, row.blocked_until)
