"""Pure rules of pricing: what a pane is billed as, what each part of it costs, and what it weighs.

Lengths are whole millimetres, areas square metres, money the price list's currency rounded half up to the cent on each
component of each line, so that every figure of a quote can be added up by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from erp_core.kernel.errors import EndsBeforeStart
from erp_core.partners.rules import check_currency, tidy
from erp_vidrio.quotes.errors import InvalidRate, PaneTooLarge

CENT = Decimal("0.01")
MM_PER_M = 1000
MM2_PER_M2 = Decimal(1_000_000)
# Float glass weighs 2.5 kg for each millimetre of thickness and square metre.
KG_PER_MM_M2 = Decimal("2.5")
# A jumbo, the largest sheet that float lines sell.
LARGEST_SHEET_MM = (6000, 3210)
LARGEST_RATE = Decimal(999_999_999_999)
DECIMALS = 6
RATES = ("rate_m2", "minimum_m2", "edge_rate_m", "hole_rate", "notch_rate", "tax_pct")


@dataclass(frozen=True, slots=True)
class Rates:
    """What a price rule says, in money per m², per metre of edge, per hole and per notch.

    ``size_step_mm`` is what a side is rounded up to, ``minimum_m2`` the least that a piece is billed as.
    """

    rate_m2: Decimal
    size_step_mm: int
    minimum_m2: Decimal
    edge_rate_m: Decimal
    hole_rate: Decimal
    notch_rate: Decimal


@dataclass(frozen=True, slots=True)
class Pane:
    """A line of equal panes (vidrios); ``holes`` and ``notches`` count those of the whole line."""

    width_mm: int
    height_mm: int
    quantity: int = 1
    holes: int = 0
    notches: int = 0
    polished: bool = True


@dataclass(frozen=True, slots=True)
class LinePrice:
    """What a line is billed as and each component of its price."""

    billed_width_mm: int
    billed_height_mm: int
    billed_m2: Decimal
    net_m2: Decimal
    edge_m: Decimal
    glass: Decimal
    edge: Decimal
    holes: Decimal
    notches: Decimal
    weight_kg: Decimal

    @property
    def amount(self) -> Decimal:
        return self.glass + self.edge + self.holes + self.notches


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of the lines, the tax on the sum, and the weight of all panes."""

    billed_m2: Decimal
    net_m2: Decimal
    subtotal: Decimal
    tax: Decimal
    total: Decimal
    weight_kg: Decimal


def round_money(amount: Decimal) -> Decimal:
    """Round half up to the cent."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def billed_side(side_mm: int, step_mm: int) -> int:
    """Round a side up to the step; a side that is already on the step stays."""
    return -(-side_mm // step_mm) * step_mm


def billed_area(width_mm: int, height_mm: int, rates: Rates) -> Decimal:
    """Give the square metres that one pane is billed as, never less than the minimum."""
    width, height = billed_side(width_mm, rates.size_step_mm), billed_side(height_mm, rates.size_step_mm)
    return max(width * height / MM2_PER_M2, rates.minimum_m2)


def net_area(pane: Pane) -> Decimal:
    """Give the real square metres of a line."""
    return pane.quantity * pane.width_mm * pane.height_mm / MM2_PER_M2


def weight(thickness_mm: int, net_m2: Decimal) -> Decimal:
    """Give the kilograms of this much glass, half up to ten grams."""
    return (KG_PER_MM_M2 * thickness_mm * net_m2).quantize(CENT, ROUND_HALF_UP)


def check_size(pane: Pane, *, pointer: str | None = None) -> None:
    """Refuse a pane that no sheet holds."""
    long, short = max(pane.width_mm, pane.height_mm), min(pane.width_mm, pane.height_mm)
    sheet_long, sheet_short = LARGEST_SHEET_MM
    if long > sheet_long or short > sheet_short:
        size = {"width_mm": pane.width_mm, "height_mm": pane.height_mm}
        raise PaneTooLarge(pointer=pointer, **size, long_mm=sheet_long, short_mm=sheet_short)


def price_line(pane: Pane, rates: Rates, thickness_mm: int) -> LinePrice:
    """Price a line of equal panes; the area of holes and notches is not deducted."""
    billed = pane.quantity * billed_area(pane.width_mm, pane.height_mm, rates)
    perimeter = (
        Decimal(2 * (pane.width_mm + pane.height_mm) * pane.quantity) / MM_PER_M if pane.polished else Decimal(0)
    )
    net = net_area(pane)
    return LinePrice(
        billed_width_mm=billed_side(pane.width_mm, rates.size_step_mm),
        billed_height_mm=billed_side(pane.height_mm, rates.size_step_mm),
        billed_m2=billed,
        net_m2=net,
        edge_m=perimeter,
        glass=round_money(billed * rates.rate_m2),
        edge=round_money(perimeter * rates.edge_rate_m),
        holes=round_money(pane.holes * rates.hole_rate),
        notches=round_money(pane.notches * rates.notch_rate),
        weight_kg=weight(thickness_mm, net),
    )


def sum_lines(lines: Sequence[LinePrice], tax_pct: Decimal, thickness_mm: int) -> Totals:
    """Add up the lines; the tax and the weight are rounded once, on the sums."""
    net = sum((line.net_m2 for line in lines), Decimal(0))
    subtotal = sum((line.amount for line in lines), Decimal(0))
    tax = round_money(subtotal * tax_pct / 100)
    billed = sum((line.billed_m2 for line in lines), Decimal(0))
    return Totals(billed, net, subtotal, tax, subtotal + tax, weight(thickness_mm, net))


def prepare_glass_type(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy the fields of a glass type."""
    return _upper_code(tidy(sent))


def prepare_price_list(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy the fields of a price list and check its currency and tax."""
    row = _upper_code(tidy(sent))
    if row.get("currency"):
        row["currency"] = check_currency(row["currency"])
    check_rates(row)
    return row


def prepare_price_rule(sent: dict[str, Any]) -> dict[str, Any]:
    """Check the rates of a price rule."""
    check_rates(sent)
    return sent


def check_days(valid_from: date, valid_to: date | None) -> None:
    """Refuse a price that ends before it starts."""
    if valid_to is not None and valid_to < valid_from:
        raise EndsBeforeStart(pointer="/valid_to", start=valid_from.isoformat(), end=valid_to.isoformat())


def check_rates(row: Mapping[str, Any]) -> None:
    """Refuse a rate that the table could not keep exactly."""
    for name in RATES:
        rate = row.get(name)
        if isinstance(rate, Decimal) and not _storable(rate):
            raise InvalidRate(pointer=f"/{name}", largest=str(LARGEST_RATE), decimals=DECIMALS)


def _storable(rate: Decimal) -> bool:
    return rate.is_finite() and 0 <= rate <= LARGEST_RATE and round(rate, DECIMALS) == rate


def _upper_code(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "code": row["code"].upper()} if row.get("code") else row
