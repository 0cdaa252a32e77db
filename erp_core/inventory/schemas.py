"""What comes in and goes out about stock."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

Amount = Annotated[Decimal, Meta(examples=["12.5"], description="A decimal number, as a string.")]
Moment = Annotated[datetime, Meta(tz=True)]
Reason = Annotated[str, Meta(max_length=300, examples=["Compra"])]
Document = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"\S", examples=["OC-2026-00017"])]
Kind = Literal["internal", "supplier", "customer", "loss", "production", "transit"]


class LocationIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A location as a caller writes it; virtual kinds may go below zero whatever ``may_go_negative`` says."""

    code: Annotated[
        str, Meta(min_length=1, max_length=40, pattern=r"^\s*[A-Za-z0-9][A-Za-z0-9._/\-]*\s*$", examples=["ALM-1"])
    ]
    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S", examples=["Almacén central"])]
    kind: Kind = "internal"
    parent_id: UUID | None = None
    may_go_negative: bool = False


class MoveLine(Struct, forbid_unknown_fields=True, kw_only=True):
    """Goods that go from one location to another; without ``unit_id`` the quantity is in the product's own unit."""

    product_id: UUID
    from_location_id: UUID
    to_location_id: UUID
    quantity: Amount
    unit_id: UUID | None = None


class PostMoves(Struct, forbid_unknown_fields=True, kw_only=True):
    """Movements that happen together or not at all; without ``moved_at`` they happen now."""

    lines: list[MoveLine]
    document: Document | None = None
    reason: Reason | None = None
    moved_at: Moment | None = None


class ReverseMovement(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why a movement is taken back."""

    reason: Reason | None = None


class PostedMove(Struct, kw_only=True):
    """A movement as it was posted; ``quantity`` is in the product's own unit."""

    id: UUID
    product_id: UUID
    from_location_id: UUID
    to_location_id: UUID
    quantity: Decimal
    given_quantity: Decimal | None = None
    given_unit_id: UUID | None = None
    reverses_id: UUID | None = None


class StockLevel(Struct, kw_only=True):
    """What a location holds of a product after the posting."""

    location_id: UUID
    product_id: UUID
    on_hand: Decimal
    reserved: Decimal
    available: Decimal


class PostedMoves(Struct, kw_only=True):
    """A posting: its movements in the order of the lines, and the levels that it led to. Also the event's payload."""

    id: UUID
    moved_at: datetime
    moves: list[PostedMove]
    document: str | None = None
    reason: str | None = None
    levels: list[StockLevel] = []
