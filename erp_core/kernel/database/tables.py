"""The kernel's own tables, all in the schema ``core``: audit, outbox, inbox, idempotency, jobs, schedules, archive."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from erp_core.kernel.database.model import Base, MutableRow, TenantRow


class AuditEntry(TenantRow):
    """Who changed what, when, from where, with the row before and after; append only."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "tenant_id", "resource", "object_id", "id"),
        {"schema": "core"},
    )

    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    user_id: Mapped[UUID | None]
    request_id: Mapped[str | None]
    address: Mapped[str | None]
    resource: Mapped[str]
    object_id: Mapped[UUID]
    action: Mapped[str]
    before: Mapped[Any | None] = mapped_column(JSONB)
    after: Mapped[Any | None] = mapped_column(JSONB)


class OutboxEntry(TenantRow):
    """An event or a task, written in the transaction that caused it; append only.

    ``kind`` is ``event`` or ``task``; ``name`` is ``core.partners.created`` or the task's name.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index(None, "tenant_id", "created_at"), {"schema": "core"})

    kind: Mapped[str]
    name: Mapped[str]
    payload: Mapped[Any] = mapped_column(JSONB)
    user_id: Mapped[UUID | None]
    request_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class OutboxPending(Base):
    """Ids of outbox entries not yet handed to the broker: global, so that one relay serves all tenants; no payload."""

    __tablename__ = "outbox_pending"
    __table_args__ = (Index(None, "available_at"), {"schema": "core"})

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    queue: Mapped[str]
    name: Mapped[str]
    available_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class InboxEntry(TenantRow):
    """A message whose effect is in the same transaction; its presence makes a repeat do nothing; append only."""

    __tablename__ = "inbox"
    __table_args__ = (Index(None, "tenant_id", "at"), {"schema": "core"})

    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    task: Mapped[str]


class IdempotencyKey(Base):
    """The first answer to a request that carried an Idempotency-Key."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "tenant_id", "created_at"), {"schema": "core"})

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    body: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Job(MutableRow):
    """Long work that a user can follow: progress 0 to ``total``, a result or a problem at the end.

    States: queued, running, done, failed, cancelled. ``heartbeat_at`` tells a dead worker's job from a slow one.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "tenant_id", "created_at", "id"),
        Index(None, "tenant_id", "state", "id"),
        {"schema": "core"},
    )

    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'queued'"))
    done: Mapped[int] = mapped_column(server_default=text("0"))
    total: Mapped[int | None]
    arguments: Mapped[Any] = mapped_column(JSONB, server_default=text("'{}'"))
    result: Mapped[Any | None] = mapped_column(JSONB)
    problem: Mapped[Any | None] = mapped_column(JSONB)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]


class JobInput(TenantRow):
    """The file that a job works on; ``id`` is the job's id."""

    __tablename__ = "job_inputs"
    __table_args__ = ({"schema": "core"},)

    name: Mapped[str]
    media_type: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class ScheduleState(Base):
    """When each declared schedule last fired; global, holds no tenant's data."""

    __tablename__ = "schedules"
    __table_args__ = ({"schema": "core"},)

    name: Mapped[str] = mapped_column(primary_key=True)
    last_fired_at: Mapped[datetime]


class AppliedRevision(Base):
    """The source of every applied migration, so that it can be run and undone when its package is gone."""

    __tablename__ = "applied_revisions"
    __table_args__ = ({"schema": "core"},)

    slug: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[str] = mapped_column(primary_key=True)
    down_revision: Mapped[str | None]
    file_name: Mapped[str]
    source: Mapped[str]
    sha256: Mapped[str]
    package_version: Mapped[str]
    applied_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
