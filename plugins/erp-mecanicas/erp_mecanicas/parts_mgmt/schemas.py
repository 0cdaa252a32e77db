"""What comes in and goes out about parts."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

Number = Annotated[str, Meta(min_length=1, max_length=60, examples=["A 473-090-15-51"])]


class PartProfileIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is known of a product as a part, as a caller writes it."""

    product_id: UUID
    oem_number: Number
    maker: Annotated[str, Meta(max_length=80, examples=["Detroit"])] | None = None
    engine_families: Annotated[str, Meta(max_length=200, examples=["DD13, DD15"])] | None = None
    core_required: bool = False
    deposit_amount: Annotated[Decimal, Meta(examples=["4000.00"], description="A decimal number, as a string.")] = (
        Decimal(0)
    )
    currency: Annotated[str, Meta(pattern=r"^\s*[A-Za-z]{3}\s*$", examples=["MXN"])] = "MXN"
    days_to_return: Annotated[int, Meta(ge=1, le=365)] = 30
    serial_tracked: bool = False


class PartQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """The beginning of a part number, written in any way."""

    number: Number


class PartFound(Struct, kw_only=True):
    """A part that a number finds."""

    id: UUID
    product_id: UUID
    oem_number: str
    maker: str | None
    core_required: bool
    deposit_amount: Decimal
    currency: str
