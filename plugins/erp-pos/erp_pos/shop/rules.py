"""Pure rules of a shop: how its fields, its devices' keys and its credit customers are tidied and checked."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from zoneinfo import available_timezones

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from msgspec import Struct

from erp_core.partners.rules import check_currency, normalise_tax_id, tidy
from erp_core.products.rules import check_amount
from erp_pos.shop.errors import CustomerUnnamed, InvalidDeviceKey, UnknownTimeZone
from erp_pos.shop.schemas import DeviceKey

POINTER = "/public_key"


def prepare_shop(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy a shop's fields; the tax id is a Mexican one."""
    row = tidy(sent)
    if row.get("tax_id"):
        row["tax_id"] = normalise_tax_id("MX", "rfc", row["tax_id"], pointer="/tax_id")
    if "time_zone" in row and row["time_zone"] not in available_timezones():
        raise UnknownTimeZone(pointer="/time_zone", time_zone=row["time_zone"] or "")
    return row


def prepare_device(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy a device's fields, and keep its public key in one form."""
    row = tidy(sent)
    if row.get("code"):
        row["code"] = row["code"].upper()
    if "public_key" in row:
        row["public_key"] = normalise_key(row["public_key"])
    return row


def prepare_credit_customer(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy a credit customer's fields and check the limit; a change of one of the names is checked by the table."""
    row = tidy(sent)
    if row.get("currency"):
        row["currency"] = check_currency(row["currency"])
    if row.get("credit_limit") is not None:
        check_amount(row["credit_limit"], pointer="/credit_limit")
    whole = {"partner_id", "name", "phone"} <= row.keys()
    if whole and row["partner_id"] is None and not (row["name"] and row["phone"]):
        raise CustomerUnnamed(pointer="/name")
    return row


def normalise_key(key: DeviceKey | str | None) -> str:
    """Give a public key as PEM, from PEM or from a JSON Web Key; refuse what is not ECDSA on P-256."""
    public = _from_jwk(key) if isinstance(key, Struct) else _from_pem(key or "")
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def _from_pem(text: str) -> ec.EllipticCurvePublicKey:
    if "PRIVATE KEY" in text:
        # A private half that arrived here is known to others; the device has to make another pair.
        raise InvalidDeviceKey(pointer=POINTER, reason="private")
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidDeviceKey(pointer=POINTER, reason="unreadable") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise InvalidDeviceKey(pointer=POINTER, reason="algorithm")
    if not isinstance(key.curve, ec.SECP256R1):
        raise InvalidDeviceKey(pointer=POINTER, reason="curve")
    return key


def _from_jwk(key: DeviceKey) -> ec.EllipticCurvePublicKey:
    try:
        x, y = (int.from_bytes(_decoded(part)) for part in (key.x, key.y))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except (ValueError, binascii.Error):
        # Two numbers that are no point of the curve.
        raise InvalidDeviceKey(pointer=POINTER, reason="unreadable") from None


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
