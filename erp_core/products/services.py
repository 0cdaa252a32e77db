"""Commands about products."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import structs
from sqlalchemy import select

from erp_core.kernel.context import Context
from erp_core.kernel.errors import NotFound, UnknownReference
from erp_core.kernel.ids import new_id
from erp_core.products.errors import CategoryCycle
from erp_core.products.models import Category, Product, Unit
from erp_core.products.rules import STANDARD_UNITS, prepare_product
from erp_core.products.schemas import ProductIn


def seed_units(ctx: Context) -> dict[str, UUID]:
    """Give a tenant the standard units that it lacks; returns the ids of all its units by code."""
    query = select(Unit.code, Unit.id).where(Unit.tenant_id == ctx.tenant_id)
    ids: dict[str, UUID] = dict(ctx.session.execute(query).all())
    for unit in STANDARD_UNITS:
        if unit.code not in ids:
            ids[unit.code] = new_id()
            ctx.session.add(
                Unit(
                    tenant_id=ctx.tenant_id,
                    id=ids[unit.code],
                    code=unit.code,
                    name=unit.name,
                    name_en=unit.name_en,
                    dimension=unit.dimension,
                    numerator=unit.numerator,
                    denominator=unit.denominator,
                )
            )
    ctx.session.flush()
    return ids


def update_category(ctx: Context, category_id: UUID, changes: dict[str, Any]) -> None:
    """Change a category; it may move below any other that does not lie below itself."""
    category = ctx.get(Category, category_id, lock=True)
    if changes.get("parent_id") is not None:
        _refuse_cycle(ctx, category, changes["parent_id"])
    for field, value in changes.items():
        setattr(category, field, value)


def _refuse_cycle(ctx: Context, category: Category, parent_id: UUID) -> None:
    """Walk up from the new parent; every step is locked, so that two moves at once cannot close a ring."""
    step: UUID | None = parent_id
    while step is not None:
        if step == category.id:
            raise CategoryCycle(pointer="/parent_id", category=ctx.get(Category, parent_id).code)
        try:
            step = ctx.get(Category, step, lock=True).parent_id
        except NotFound:
            raise UnknownReference(pointer="/parent_id", field="parent_id") from None


def create_product(ctx: Context, data: ProductIn) -> UUID:
    """Create a product inside a command of another package; gives its id."""
    product = Product(tenant_id=ctx.tenant_id, id=new_id(), **prepare_product(structs.asdict(data)))
    ctx.session.add(product)
    ctx.session.flush()
    return product.id


def find_product(ctx: Context, sku: str) -> UUID | None:
    """Find an active product by its SKU."""
    wanted = select(Product.id).where(
        Product.tenant_id == ctx.tenant_id, Product.sku == sku, Product.archived_at.is_(None)
    )
    return ctx.session.scalar(wanted)
