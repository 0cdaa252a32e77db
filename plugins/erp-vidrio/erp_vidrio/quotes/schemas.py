"""What comes in and goes out about glass and its prices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

Code = Annotated[
    str, Meta(min_length=1, max_length=30, pattern=r"^\s*[A-Za-z0-9][A-Za-z0-9._/\-]*\s*$", examples=["CLARO-10"])
]
Name = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S", examples=["Claro 10 mm"])]
Family = Literal["clear", "extra_clear", "tinted", "reflective", "low_e", "satin", "patterned", "mirror"]
Thickness = Literal[3, 4, 5, 6, 8, 10, 12, 15, 19]
Rate = Annotated[Decimal, Meta(examples=["980.00"], description="A decimal number, as a string.")]
Side = Annotated[int, Meta(ge=1, le=6000, examples=[912], description="Millimetres.")]
Count = Annotated[int, Meta(ge=0, le=10_000)]


class GlassTypeIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A glass type as a caller writes it; ``thickness_mm`` is one of the thicknesses that are made."""

    code: Code
    name: Name
    family: Family
    thickness_mm: Thickness
    product_id: UUID | None = None
    temperable: bool = True


class PriceListIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A price list as a caller writes it; ``tax_pct`` is the tax added to its prices, in percent."""

    code: Code
    name: Name
    tax_pct: Annotated[Decimal, Meta(examples=["16"])]
    currency: Annotated[str, Meta(pattern=r"^\s*[A-Za-z]{3}\s*$", examples=["MXN"])] = "MXN"


class PriceRuleIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A price rule as a caller writes it; ``valid_to`` is its last day."""

    price_list_id: UUID
    glass_type_id: UUID
    rate_m2: Rate
    valid_from: date
    valid_to: date | None = None
    size_step_mm: Annotated[int, Meta(ge=1, le=500)] = 1
    minimum_m2: Annotated[Decimal, Meta(examples=["0.50"])] = Decimal(0)
    edge_rate_m: Rate = Decimal(0)
    hole_rate: Rate = Decimal(0)
    notch_rate: Rate = Decimal(0)


class PaneIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A line of equal panes; ``holes`` and ``notches`` count those of the whole line."""

    width_mm: Side
    height_mm: Side
    quantity: Annotated[int, Meta(ge=1, le=10_000)] = 1
    holes: Count = 0
    notches: Count = 0
    polished: bool = True


class PriceCheckIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """Panes to price by one rule."""

    price_rule_id: UUID
    panes: Annotated[list[PaneIn], Meta(min_length=1, max_length=500)]


class PricedPane(Struct, kw_only=True):
    """A priced line: what it is billed as, and each component."""

    billed_width_mm: int
    billed_height_mm: int
    billed_m2: Decimal
    net_m2: Decimal
    edge_m: Decimal
    glass: Decimal
    edge: Decimal
    holes: Decimal
    notches: Decimal
    amount: Decimal
    weight_kg: Decimal


class PriceCheck(Struct, kw_only=True):
    """The priced panes with their sums; nothing of it is stored."""

    currency: str
    panes: list[PricedPane]
    billed_m2: Decimal
    net_m2: Decimal
    subtotal: Decimal
    tax_pct: Decimal
    tax: Decimal
    total: Decimal
    weight_kg: Decimal
