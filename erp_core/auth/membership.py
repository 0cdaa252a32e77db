"""Which companies a person belongs to, and which one a token is for."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from erp_core.auth.errors import NotAMember, TenantSuspended
from erp_core.auth.models import Membership, Tenant
from erp_core.auth.schemas import TenantBrief

ACTIVE = "active"


def list_tenants_of(session: Session, user_id: UUID) -> list[TenantBrief]:
    """List the companies in which a person can work just now: the primary first, then by name."""
    return [brief for brief, state in _memberships(session, user_id) if state == ACTIVE]


def choose_tenant(
    session: Session, user_id: UUID, *, slug: str | None = None, preferred: UUID | None = None
) -> TenantBrief:
    """Choose the company by its slug, or the preferred one, or else the first in which the person can work.

    ``NotAMember`` or ``TenantSuspended`` when it cannot be had.
    """
    found = _memberships(session, user_id)
    if slug is not None:
        found = [pair for pair in found if pair[0].slug == slug]
    elif preferred is not None:
        found = [pair for pair in found if pair[0].id == preferred]
    if not found:
        raise NotAMember(pointer="/tenant" if slug is not None else None)
    for brief, state in found:
        if state == ACTIVE:
            return brief
    raise TenantSuspended


def _memberships(session: Session, user_id: UUID) -> list[tuple[TenantBrief, str]]:
    rows = session.execute(
        select(Tenant.id, Tenant.slug, Tenant.name, Membership.is_primary, Tenant.state)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Membership.user_id == user_id, Membership.state == ACTIVE)
        .order_by(Membership.is_primary.desc(), Tenant.name, Tenant.id)
    )
    return [(TenantBrief(row.id, row.slug, row.name, row.is_primary), row.state) for row in rows]
