"""What comes in and goes out about stores and tills."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

Code = Annotated[
    str, Meta(min_length=1, max_length=20, pattern=r"^\s*[A-Za-z0-9][A-Za-z0-9._\-]*\s*$", examples=["CENTRO"])
]


class StoreIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A store as a caller writes it; ``location_id`` is the internal stock location that it alone sells from."""

    code: Code
    name: Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S", examples=["Sucursal Centro"])]
    location_id: UUID
    time_zone: Annotated[str, Meta(max_length=60, examples=["America/Mexico_City"])] = "America/Mexico_City"
    tax_zone: Literal["general", "border"] = "general"


class TerminalIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A till as a caller writes it; ``series`` begins the number of each of its tickets."""

    store_id: UUID
    code: Code
    series: Annotated[str, Meta(min_length=1, max_length=10, pattern=r"^\s*[A-Za-z][A-Za-z0-9]*\s*$", examples=["C1"])]
    printer_profile: Literal["none", "58mm", "80mm", "a4"] = "80mm"


class StockQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which product is asked for."""

    product_id: UUID


class StoreStock(Struct, kw_only=True):
    """What a store holds of a product, in the product's own unit; where ``updated_at`` is null nothing ever moved."""

    store_id: UUID
    location_id: UUID
    product_id: UUID
    sku: str
    unit_id: UUID
    on_hand: Decimal
    reserved: Decimal
    available: Decimal
    updated_at: datetime | None = None
