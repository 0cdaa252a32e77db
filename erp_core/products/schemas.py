"""What comes in about products."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

Code = Annotated[
    str, Meta(min_length=1, max_length=40, pattern=r"^\s*[A-Za-z0-9][A-Za-z0-9._/\-]*\s*$", examples=["CEM-GRIS-50"])
]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S", examples=["Cemento gris 50 kg"])]
Amount = Annotated[Decimal, Meta(examples=["189.50"], description="A decimal number, as a string.")]


class CategoryIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A category as a caller writes it."""

    code: Code
    name: Name
    parent_id: UUID | None = None


class UnitIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A unit as a caller writes it: one of it is ``numerator / denominator`` of the dimension's reference unit."""

    code: Annotated[str, Meta(min_length=1, max_length=12, pattern=r"^\s*[A-Za-z0-9]+\s*$", examples=["PZA"])]
    name: Annotated[str, Meta(min_length=1, max_length=60, pattern=r"\S", examples=["Pieza"])]
    name_en: Annotated[str, Meta(min_length=1, max_length=60, pattern=r"\S", examples=["Piece"])]
    dimension: Literal["count", "length", "area", "volume", "mass", "time"]
    numerator: int = 1
    denominator: int = 1


class ProductIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A product as a caller writes it; a service never has stock, whatever ``tracked`` says."""

    sku: Code
    name: Name
    unit_id: UUID
    description: Annotated[str, Meta(max_length=4000)] | None = None
    kind: Literal["goods", "service", "consumable"] = "goods"
    category_id: UUID | None = None
    barcode: Annotated[str, Meta(max_length=40, examples=["7501055300075"])] | None = None
    list_price: Amount = Decimal(0)
    currency: Annotated[str, Meta(pattern=r"^\s*[A-Za-z]{3}\s*$", examples=["MXN"])] = "MXN"
    tax_code: Annotated[str, Meta(max_length=20, pattern=r"^[A-Za-z0-9_.\-]*$", examples=["IVA16"])] | None = None
    tracked: bool = True
