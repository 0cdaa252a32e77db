"""Commands and readings about stores and tills."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select

from erp_core.kernel.context import Context
from erp_core.kernel.errors import UnknownReference
from erp_retail.pos.errors import StockNotKept, StoreHasTerminals
from erp_retail.pos.models import BALANCES, PRODUCTS, Store, Terminal
from erp_retail.pos.schemas import StoreStock


def read_stock(ctx: Context, store_id: UUID, product_id: UUID) -> StoreStock:
    """Tell what a store holds of a product; a product that never moved there counts as none."""
    store = ctx.get(Store, store_id)
    wanted = select(PRODUCTS.c.sku, PRODUCTS.c.unit_id, PRODUCTS.c.tracked)
    mine = (PRODUCTS.c.tenant_id == ctx.tenant_id, PRODUCTS.c.id == product_id)
    product = ctx.session.execute(wanted.where(*mine)).first()
    if product is None:
        raise UnknownReference(field="product_id", pointer="/query/product_id")
    if not product.tracked:
        raise StockNotKept(pointer="/query/product_id", product=product.sku)
    level = select(BALANCES.c.on_hand, BALANCES.c.reserved, BALANCES.c.available, BALANCES.c.updated_at)
    here = (BALANCES.c.location_id == store.location_id, BALANCES.c.product_id == product_id)
    found = ctx.session.execute(level.where(BALANCES.c.tenant_id == ctx.tenant_id, *here)).first()
    on_hand, reserved, available, updated_at = found or (Decimal(0), Decimal(0), Decimal(0), None)
    return StoreStock(
        store_id=store_id,
        location_id=store.location_id,
        product_id=product_id,
        sku=product.sku,
        unit_id=product.unit_id,
        on_hand=plain(on_hand),
        reserved=plain(reserved),
        available=plain(available),
        updated_at=updated_at,
    )


def refuse_store_in_use(ctx: Context, store_id: UUID) -> None:
    """Refuse to archive a store whose tills are in use; a till that is being added is waited for."""
    ctx.get(Store, store_id, lock=True)
    mine = (Terminal.tenant_id == ctx.tenant_id, Terminal.store_id == store_id, Terminal.archived_at.is_(None))
    terminals = ctx.session.scalar(select(func.count()).select_from(Terminal).where(*mine))
    if terminals:
        raise StoreHasTerminals(terminals=terminals)


def plain(quantity: Decimal) -> Decimal:
    """Drop the zeros behind a quantity, so that it reads as in every other answer (12.5, not 12.500000)."""
    return quantity.quantize(Decimal(1)) if quantity == quantity.to_integral() else quantity.normalize()
