"""Locations and opening stock of the two demo companies, posted like any other movement."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from erp_core.inventory.models import Location, Movement
from erp_core.inventory.schemas import MoveLine, PostMoves
from erp_core.inventory.services import post_moves, seed_locations
from erp_core.kernel.context import Context
from erp_core.kernel.ids import new_id
from erp_core.products.models import Product

OPENING = "INV-INICIAL"
# Opening quantities by sku in the central warehouse, and what of each is at the building site.
BUILDER_STOCK = {
    "CEM-GRIS-50": ("320", "80"), "MOR-50": ("150", "40"), "CAL-25": ("90", "0"), "ARE-RIO": ("42.5", "14"),
    "GRA-34": ("38", "14"), "VAR-38": ("540", "120"), "VAR-12": ("260", "60"), "ALM-REC": ("185.5", "25"),
    "MAL-66": ("600", "200"), "CAS-15": ("74", "0"), "CLA-25": ("60", "8.5"), "BLO-15": ("4200", "1500"),
    "LAD-ROJ": ("9500", "0"), "BOV-15": ("130", "0"), "TUB-PVC-4": ("48", "12"), "TUB-CU-12": ("210", "36"),
    "CAB-12": ("1200", "300"), "IMP-5": ("190", "0"), "PIN-VIN": ("266", "38"), "PEG-20": ("85", "0"),
}  # fmt: skip
SHOP_WEIGHED = {"JIT-GRA": "18.450", "CEB-GRA": "12.300", "LIM-GRA": "9.775", "QUE-GRA": "4.620"}


def demo_builder(ctx: Context) -> None:
    """Open a warehouse and a building site with their stock; does nothing where the stock was opened before."""
    warehouse, site = (
        _internal(ctx, "ALM-CENTRAL", "Almacén central"),
        _internal(ctx, "OBRA-1", "Bodega de obra Los Encinos"),
    )
    quantities = [(sku, warehouse, total) for sku, (total, _) in BUILDER_STOCK.items()]
    _open(ctx, quantities)
    sent = [(sku, site, part) for sku, (_, part) in BUILDER_STOCK.items() if part != "0"]
    _open(ctx, sent, source=warehouse, document="TRASPASO-1", reason="Traspaso a obra")


def demo_shop(ctx: Context) -> None:
    """Open the shop with some of everything on its shelves; does nothing where the stock was opened before."""
    shop = _internal(ctx, "TIENDA", "Tienda")
    query = select(Product.sku).where(Product.tenant_id == ctx.tenant_id, Product.tracked).order_by(Product.sku)
    skus = ctx.session.scalars(query).all()
    _open(ctx, [(sku, shop, SHOP_WEIGHED.get(sku, str(6 + 7 * position % 41))) for position, sku in enumerate(skus)])


def _internal(ctx: Context, code: str, name: str) -> UUID:
    ids = seed_locations(ctx)
    if code not in ids:
        ids[code] = new_id()
        ctx.session.add(Location(tenant_id=ctx.tenant_id, id=ids[code], code=code, name=name, kind="internal"))
        ctx.session.flush()
    return ids[code]


def _open(
    ctx: Context,
    quantities: list[tuple[str, UUID, str]],
    *,
    source: UUID | None = None,
    document: str = OPENING,
    reason: str = "Inventario inicial",
) -> None:
    done = select(Movement.id).where(Movement.tenant_id == ctx.tenant_id, Movement.document == document).limit(1)
    if ctx.session.scalar(done) is not None:
        return
    start = source or seed_locations(ctx)["MERMAS"]
    query = select(Product.sku, Product.id).where(Product.tenant_id == ctx.tenant_id)
    ids: dict[str, UUID] = dict(ctx.session.execute(query).all())
    lines = [
        MoveLine(product_id=ids[sku], from_location_id=start, to_location_id=target, quantity=Decimal(quantity))
        for sku, target, quantity in quantities
    ]
    post_moves(ctx, PostMoves(lines=lines, document=document, reason=reason))
