"""What comes in and goes out about partners."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, field

from erp_core.partners.rules import make_code

Code = Annotated[
    str,
    Meta(min_length=1, max_length=30, pattern=r"^\s*[A-Za-z0-9][A-Za-z0-9._/\-]*\s*$", examples=["CLI-0042"]),
]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S", examples=["Ferretería El Tornillo"])]
ShortText = Annotated[str, Meta(max_length=120)]
Email = Annotated[str, Meta(max_length=254, examples=["compras@example.mx"])]
Phone = Annotated[str, Meta(max_length=40, pattern=r"^[0-9+() .\-x]*$", examples=["+52 33 3615 0000"])]
CountryCode = Annotated[str, Meta(pattern=r"^\s*[A-Za-z]{2}\s*$", examples=["MX"])]
CurrencyCode = Annotated[str, Meta(pattern=r"^\s*[A-Za-z]{3}\s*$", examples=["MXN"])]
TaxIdText = Annotated[str, Meta(max_length=40, examples=["XAXX010101000"])]


class PartnerIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A partner as a caller writes it; without a code it is given one."""

    name: Name
    code: Code = field(default_factory=make_code)
    legal_name: Annotated[str, Meta(max_length=300)] | None = None
    kind: Literal["person", "company"] = "company"
    is_customer: bool = False
    is_supplier: bool = False
    email: Email | None = None
    phone: Phone | None = None
    language: Literal["es_MX", "en"] = "es_MX"
    currency: CurrencyCode = "MXN"
    tax_country: CountryCode | None = None
    tax_id: TaxIdText | None = None
    notes: Annotated[str, Meta(max_length=4000)] | None = None


class PartnerAddressIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """An address as a caller writes it; ``neighbourhood`` is the colonia."""

    partner_id: UUID
    street: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S", examples=["Av. Vallarta"])]
    kind: Literal["fiscal", "delivery", "other"] = "fiscal"
    exterior: Annotated[str, Meta(max_length=30, examples=["1540"])] | None = None
    interior: Annotated[str, Meta(max_length=30, examples=["3-B"])] | None = None
    neighbourhood: ShortText | None = None
    city: ShortText | None = None
    state: ShortText | None = None
    postal_code: Annotated[str, Meta(max_length=12, examples=["44160"])] | None = None
    country: CountryCode = "MX"


class PartnerContactIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """A contact as a caller writes it."""

    partner_id: UUID
    name: Name
    role: ShortText | None = None
    email: Email | None = None
    phone: Phone | None = None


class PartnerTaxIdIn(Struct, forbid_unknown_fields=True, kw_only=True):
    """An official identifier as a caller writes it; ``kind`` is lower case: curp, clabe, nss, rfc, cuit and so on."""

    partner_id: UUID
    kind: Annotated[str, Meta(min_length=2, max_length=20, pattern=r"^\s*[A-Za-z][A-Za-z0-9_]*\s*$", examples=["curp"])]
    value: Annotated[str, Meta(min_length=1, max_length=40)]
    country: CountryCode = "MX"


class CurrencyOut(Struct):
    """A currency and the decimals that payments in it use."""

    code: str
    digits: int


class CountryOut(Struct):
    """A country with its name in Spanish and English."""

    code: str
    name: str
    name_en: str
