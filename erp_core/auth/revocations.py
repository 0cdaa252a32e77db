"""Telling every process that what it remembers is out of date."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from erp_core.auth.models import Revocation
from erp_core.kernel.ids import new_id

Kind = Literal["session", "user", "tenant", "permissions", "keys"]
# Every process reads the news twice a second; after an hour nobody waits for them.
KEPT = timedelta(hours=1)


def revoke(session: Session, kind: Kind, subject: UUID, tenant_id: UUID | None = None) -> None:
    """Announce, in this transaction, that ``subject`` changed.

    ``session``, ``user`` and ``tenant`` name the row of that kind; ``permissions`` names a user in ``tenant_id``, or
    the tenant itself when a role changed; ``keys`` means the signing keys.
    """
    session.add(Revocation(id=new_id(), kind=kind, subject=subject, tenant_id=tenant_id))
    session.flush()


def delete_old_revocations(session: Session, now: datetime) -> int:
    """Delete news that every process has read long ago; gives their number."""
    return len(session.scalars(delete(Revocation).where(Revocation.at < now - KEPT).returning(Revocation.id)).all())
