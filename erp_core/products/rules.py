"""Pure rules of products: units as exact fractions, barcodes, amounts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from stdnum import ean
from stdnum.exceptions import ValidationError

from erp_core.kernel.errors import InvalidInput
from erp_core.partners.rules import check_currency, tidy
from erp_core.products.errors import InvalidAmount, InvalidBarcode, InvalidFactor, UnitMismatch

DECIMALS = 6
LARGEST_AMOUNT = Decimal(999_999_999_999)
LARGEST_FACTOR = 10**12
# EAN-8, UPC-A and EAN-13; a purely numeric code of another length is an own one.
RETAIL_LENGTHS = frozenset({8, 12, 13})
_BARCODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]*\Z")


@dataclass(frozen=True, slots=True)
class Measure:
    """A unit as arithmetic sees it: its dimension and its exact size in the dimension's reference unit."""

    code: str
    dimension: str
    factor: Fraction


@dataclass(frozen=True, slots=True)
class StandardUnit:
    """A unit that every new tenant starts with."""

    code: str
    name: str
    name_en: str
    dimension: str
    numerator: int
    denominator: int = 1

    @property
    def measure(self) -> Measure:
        return Measure(self.code, self.dimension, Fraction(self.numerator, self.denominator))


# Reference units: piece, metre, square metre, litre, kilogram, hour. Inch, foot, pound and gallon have their legal
# sizes.
STANDARD_UNITS: tuple[StandardUnit, ...] = (
    StandardUnit("PZA", "Pieza", "Piece", "count", 1),
    StandardUnit("PAR", "Par", "Pair", "count", 2),
    StandardUnit("DOC", "Docena", "Dozen", "count", 12),
    StandardUnit("CTO", "Ciento", "Hundred", "count", 100),
    StandardUnit("MIL", "Millar", "Thousand", "count", 1000),
    StandardUnit("SERV", "Servicio", "Service", "count", 1),
    StandardUnit("M", "Metro", "Metre", "length", 1),
    StandardUnit("CM", "Centímetro", "Centimetre", "length", 1, 100),
    StandardUnit("MM", "Milímetro", "Millimetre", "length", 1, 1000),
    StandardUnit("KM", "Kilómetro", "Kilometre", "length", 1000),
    StandardUnit("PLG", "Pulgada", "Inch", "length", 127, 5000),
    StandardUnit("PIE", "Pie", "Foot", "length", 381, 1250),
    StandardUnit("M2", "Metro cuadrado", "Square metre", "area", 1),
    StandardUnit("PIE2", "Pie cuadrado", "Square foot", "area", 145_161, 1_562_500),
    StandardUnit("HA", "Hectárea", "Hectare", "area", 10_000),
    StandardUnit("L", "Litro", "Litre", "volume", 1),
    StandardUnit("ML", "Mililitro", "Millilitre", "volume", 1, 1000),
    StandardUnit("M3", "Metro cúbico", "Cubic metre", "volume", 1000),
    StandardUnit("GAL", "Galón", "Gallon (US)", "volume", 473_176_473, 125_000_000),
    StandardUnit("KG", "Kilogramo", "Kilogram", "mass", 1),
    StandardUnit("G", "Gramo", "Gram", "mass", 1, 1000),
    StandardUnit("TON", "Tonelada", "Tonne", "mass", 1000),
    StandardUnit("LB", "Libra", "Pound", "mass", 45_359_237, 100_000_000),
    StandardUnit("H", "Hora", "Hour", "time", 1),
    StandardUnit("MIN", "Minuto", "Minute", "time", 1, 60),
    StandardUnit("DIA", "Día", "Day", "time", 24),
)


def convert(quantity: Fraction | Decimal, from_unit: Measure, to_unit: Measure) -> Fraction:
    """Convert a quantity exactly; refuses units that measure different things."""
    if from_unit.dimension != to_unit.dimension:
        raise UnitMismatch(given=from_unit.code, wanted=to_unit.code)
    return Fraction(quantity) * from_unit.factor / to_unit.factor


def check_barcode(value: str) -> str:
    """Give a barcode as it is stored; one with the length of an EAN or UPC must have its check digit."""
    if _BARCODE.match(value) is None:
        raise InvalidInput(pointer="/barcode", reason="A barcode has letters, digits, points and dashes.")
    if value.isdigit() and len(value) in RETAIL_LENGTHS:
        try:
            return ean.validate(value)
        except ValidationError:
            raise InvalidBarcode(pointer="/barcode", barcode=value, digits=len(value)) from None
    return value


def fits(number: Decimal, largest: Decimal = LARGEST_AMOUNT, decimals: int = DECIMALS) -> bool:
    """Tell whether a number is finite, within ``±largest``, and has no digit beyond the given decimals."""
    if not number.is_finite() or abs(number) > largest:
        return False
    exponent = number.as_tuple().exponent
    return (isinstance(exponent, int) and exponent >= -decimals) or number == round(number, decimals)


def check_amount(amount: Decimal, *, pointer: str) -> Decimal:
    """Give an amount of money back if it can be stored exactly."""
    if not fits(amount) or amount < 0:
        raise InvalidAmount(pointer=pointer, largest=str(LARGEST_AMOUNT), decimals=DECIMALS)
    return amount


def prepare_category(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy the fields of a category."""
    return _upper(tidy(sent), "code")


def prepare_unit(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy the fields of a unit and check its factor."""
    row = _upper(tidy(sent), "code")
    for field in ("numerator", "denominator"):
        if field in row and not 1 <= row[field] <= LARGEST_FACTOR:
            raise InvalidFactor(pointer=f"/{field}", largest=LARGEST_FACTOR)
    return row


def prepare_product(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy and check the fields of a product."""
    row = _upper(tidy(sent), "sku", "tax_code")
    if row.get("barcode"):
        row["barcode"] = check_barcode(row["barcode"])
    if row.get("list_price") is not None:
        row["list_price"] = check_amount(row["list_price"], pointer="/list_price")
    if row.get("currency"):
        row["currency"] = check_currency(row["currency"])
    if row.get("kind") == "service":
        row["tracked"] = False
    return row


def _upper(row: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {key: value.upper() if key in fields and value else value for key, value in row.items()}
