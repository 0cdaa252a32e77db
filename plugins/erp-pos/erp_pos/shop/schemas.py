"""What comes in and goes out about a shop."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S")]
TicketText = Annotated[str, Meta(max_length=1000)]
Amount = Annotated[Decimal, Meta(examples=["300.00"], description="A decimal number, as a string.")]
Coordinate = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_\-]{43}$", description="32 bytes in base64url without padding.")]


class ShopIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A shop as its owner writes it; ``tax_id`` is its RFC, ``location_id`` where its stock is."""

    name: Annotated[Name, Meta(examples=["Abarrotes La Esquina"])]
    location_id: UUID
    tax_id: Annotated[str, Meta(max_length=20, examples=["XAXX010101000"])] | None = None
    time_zone: Annotated[str, Meta(max_length=60, examples=["America/Mexico_City"])] = "America/Mexico_City"
    ticket_header: TicketText | None = None
    ticket_footer: TicketText | None = None


class DeviceKey(Struct, forbid_unknown_fields=True, kw_only=True):
    """A public key as browsers export it: a JSON Web Key of the curve P-256."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: Coordinate
    y: Coordinate
    ext: bool = True
    key_ops: list[str] = []


class DeviceIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A device as its owner enrols it; the key is PEM text or a JSON Web Key."""

    shop_id: UUID
    code: Annotated[str, Meta(pattern=r"^\s*[A-Za-z][A-Za-z0-9]{0,7}\s*$", examples=["C1"])]
    name: Annotated[Name, Meta(examples=["Tableta del mostrador"])]
    public_key: Annotated[str, Meta(max_length=2000)] | DeviceKey
    width_mm: Literal[58, 80] = 58
    printer_profile: Annotated[str, Meta(max_length=60, examples=["POS-5890"])] | None = None


class CreditCustomerIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """Somebody who takes goods on store credit: a partner, or a name with a telephone."""

    partner_id: UUID | None = None
    name: Annotated[str, Meta(max_length=120)] | None = None
    phone: Annotated[str, Meta(max_length=40, pattern=r"^[0-9+() .\-]*$", examples=["33 1234 5678"])] | None = None
    credit_limit: Amount = Decimal(0)
    currency: Annotated[str, Meta(pattern=r"^\s*[A-Za-z]{3}\s*$", examples=["MXN"])] = "MXN"
    notes: Annotated[str, Meta(max_length=2000)] | None = None


class DeviceState(Struct, kw_only=True):
    """A device after a change of its state."""

    id: UUID
    code: str
    state: str
    version: int
