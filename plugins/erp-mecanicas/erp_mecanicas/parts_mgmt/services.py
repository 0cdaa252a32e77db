"""Readings about parts."""

from __future__ import annotations

from sqlalchemy import select

from erp_core.kernel.context import Context
from erp_mecanicas.parts_mgmt.errors import PartNumberEmpty
from erp_mecanicas.parts_mgmt.models import PartProfile
from erp_mecanicas.parts_mgmt.rules import part_key
from erp_mecanicas.parts_mgmt.schemas import PartFound

MOST = 20
_LAST_CHARACTER = chr(1_114_111)


def find_parts(ctx: Context, number: str) -> list[PartFound]:
    """Find the active parts whose number begins like this, whatever spaces and hyphens it is written with."""
    key = part_key(number)
    if not key:
        raise PartNumberEmpty(pointer="/query/number")
    wanted = (
        select(PartProfile)
        .where(
            PartProfile.tenant_id == ctx.tenant_id,
            PartProfile.number_key >= key,
            PartProfile.number_key < key + _LAST_CHARACTER,
            PartProfile.archived_at.is_(None),
        )
        .order_by(PartProfile.number_key, PartProfile.id)
        .limit(MOST)
    )
    return [
        PartFound(
            id=part.id,
            product_id=part.product_id,
            oem_number=part.oem_number,
            maker=part.maker,
            core_required=part.core_required,
            deposit_amount=part.deposit_amount,
            currency=part.currency,
        )
        for part in ctx.session.scalars(wanted)
    ]
