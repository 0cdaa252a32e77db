"""The demo tenants, as tests open them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from erp_core.app import open_tenant
from erp_core.auth.models import Tenant
from erp_core.kernel.context import Actor
from erp_core.testing.environment import Erp


def ensure_demo_tenant(erp: Erp, slug: str) -> Actor:
    """Open a demo tenant once and give somebody who may do everything in it."""
    with Session(erp.units.engine) as session, session.begin():
        found = session.scalar(select(Tenant.id).where(Tenant.slug == slug))
        if found is None:
            found = open_tenant(erp.application, erp.units, slug, slug).id
        return Actor(found, None, erp.application.permissions, "demo")
