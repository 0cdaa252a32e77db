"""A small true-to-life data set: the glass that a builder of houses buys."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import select

from erp_core.kernel.context import Context
from erp_core.kernel.ids import new_id
from erp_core.kernel.plugins.declarations import DemoStep
from erp_core.kernel.plugins.manifest import Label
from erp_vidrio.quotes.models import GlassType, PriceList, PriceRule

# Code, name, family, thickness, temperable, and the rate per m² of the house's list.
GLASS = (
    ("CLARO-6", "Claro 6 mm", "clear", 6, True, "450.00"),
    ("CLARO-10", "Claro 10 mm", "clear", 10, True, "980.00"),
    ("FILTRASOL-6", "Filtrasol gris 6 mm", "tinted", 6, True, "610.00"),
    ("SATINADO-6", "Satinado 6 mm", "satin", 6, True, "690.00"),
    ("ESPEJO-4", "Espejo 4 mm", "mirror", 4, False, "520.00"),
)
LIST = "CASAS-2026"


def load_glass(ctx: Context) -> None:
    """Load the glass types, the list for the houses of this year, and a price for each glass."""
    types = {
        row.code: row for row in ctx.session.scalars(select(GlassType).where(GlassType.tenant_id == ctx.tenant_id))
    }
    for code, name, family, thickness, temperable, _ in GLASS:
        if code not in types:
            types[code] = GlassType(
                tenant_id=ctx.tenant_id,
                id=new_id(),
                code=code,
                name=name,
                family=family,
                thickness_mm=thickness,
                temperable=temperable,
            )
            ctx.session.add(types[code])
    ctx.session.flush()
    _load_prices(ctx, _price_list(ctx), types)


def _price_list(ctx: Context) -> PriceList:
    wanted = select(PriceList).where(PriceList.tenant_id == ctx.tenant_id, PriceList.code == LIST)
    found = ctx.session.scalar(wanted)
    if found is None:
        found = PriceList(
            tenant_id=ctx.tenant_id,
            id=new_id(),
            code=LIST,
            name="Cancelería de casas 2026",
            currency="MXN",
            tax_pct=Decimal(16),
        )
        ctx.session.add(found)
        ctx.session.flush()
    return found


def _load_prices(ctx: Context, price_list: PriceList, types: dict[str, GlassType]) -> None:
    wanted = select(PriceRule.glass_type_id).where(
        PriceRule.tenant_id == ctx.tenant_id, PriceRule.price_list_id == price_list.id, PriceRule.archived_at.is_(None)
    )
    priced = set(ctx.session.scalars(wanted))
    for code, _, _, _, _, rate in GLASS:
        if types[code].id not in priced:
            ctx.session.add(
                PriceRule(
                    tenant_id=ctx.tenant_id,
                    id=new_id(),
                    price_list_id=price_list.id,
                    glass_type_id=types[code].id,
                    rate_m2=Decimal(rate),
                    size_step_mm=50,
                    minimum_m2=Decimal("0.50"),
                    edge_rate_m=Decimal("55.00"),
                    hole_rate=Decimal("75.00"),
                    notch_rate=Decimal("210.00"),
                    valid_from=date(2026, 1, 1),
                )
            )


STEPS: tuple[DemoStep, ...] = (
    DemoStep(Label("Vidrios y precios", "Glass and prices"), "constructora-del-valle", load_glass),
)
