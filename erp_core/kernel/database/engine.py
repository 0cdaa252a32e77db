"""The connections of commands: psycopg 3 under SQLAlchemy, one for each worker thread."""

from __future__ import annotations

from sqlalchemy import Engine, QueuePool, create_engine

from erp_core.kernel.database.addresses import sqlalchemy_address

_POOL_TIMEOUT = 10


def make_engine(
    url: str, *, size: int, statement_timeout_ms: int, application_name: str, prepare: bool = True
) -> Engine:
    """Make the engine that commands use: ``size`` connections, handed out first come, first served; times in UTC.

    A broken connection is noticed by the statement that opens the unit of work, so no separate ping is sent.
    ``prepare=False`` is for an old PgBouncer, which loses prepared statements.
    """
    return create_engine(
        sqlalchemy_address(url),
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT,
        pool_use_lifo=False,
        isolation_level="READ COMMITTED",
        connect_args={
            # From the first use on, because text without parameters would go by the simple protocol, which stacks.
            "prepare_threshold": 0 if prepare else None,
            "application_name": application_name,
            "connect_timeout": 5,
            "options": f"-c statement_timeout={int(statement_timeout_ms)} -c timezone=UTC",
        },
    )
