"""Pure rules of products, with worked numbers."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean

from erp_core.kernel.errors import InvalidInput
from erp_core.products import demo, rules
from erp_core.products.errors import InvalidAmount, InvalidBarcode, InvalidFactor, UnitMismatch
from erp_core.products.rules import Measure, convert
from erp_core.products.schemas import ProductIn

UNITS = {unit.code: unit.measure for unit in rules.STANDARD_UNITS}
MEASURES = st.builds(Measure, st.just("X"), st.just("mass"), st.fractions(Fraction(1, 10**6), 10**6))


def product(**facts: Any) -> dict[str, Any]:
    return rules.prepare_product(msgspec.structs.asdict(ProductIn(sku="a-1", name="Varilla", unit_id=uuid4(), **facts)))


def test_nine_ninths_are_one() -> None:
    ninth = Measure("NOVENO", "count", Fraction(1, 9))

    assert convert(Decimal(9), ninth, UNITS["PZA"]) == 1


@pytest.mark.parametrize(
    ("quantity", "source", "target", "result"),
    [("2.5", "DOC", "PZA", "30"), ("1", "PLG", "MM", "25.4"), ("3", "PIE", "PLG", "36"),
     ("1", "GAL", "ML", "3785.411784"), ("1", "M3", "L", "1000"), ("1", "LB", "G", "453.59237"),
     ("90", "MIN", "H", "1.5"), ("1", "PIE2", "M2", "0.09290304")],
)  # fmt: skip
def test_units_convert_by_their_legal_sizes(quantity: str, source: str, target: str, result: str) -> None:
    assert convert(Decimal(quantity), UNITS[source], UNITS[target]) == Fraction(result)


@given(st.decimals(0, 10**6, places=6), MEASURES, MEASURES)
def test_a_conversion_there_and_back_loses_nothing(quantity: Decimal, one: Measure, other: Measure) -> None:
    assert convert(convert(quantity, one, other), other, one) == Fraction(quantity)


def test_a_length_is_not_a_mass() -> None:
    with pytest.raises(UnitMismatch):
        convert(Decimal(1), UNITS["M"], UNITS["KG"])


@given(st.sampled_from([7, 11, 12]), st.data(), st.integers(1, 9))
def test_a_retail_code_with_a_wrong_check_digit_is_refused(length: int, data: st.DataObject, change: int) -> None:
    digits = data.draw(st.text("0123456789", min_size=length, max_size=length))
    check = ean.calc_check_digit(digits)

    assert rules.check_barcode(digits + check) == digits + check
    with pytest.raises(InvalidBarcode):
        rules.check_barcode(digits + str((int(check) + change) % 10))


@pytest.mark.parametrize("own", ["A12345678", "21004570", "123", "1234567890", "GR-001.5"])
def test_own_codes_pass_when_they_cannot_be_taken_for_a_retail_code(own: str) -> None:
    code = own if len(own) != 8 else own[:7]

    assert rules.check_barcode(code) == code


def test_a_barcode_holds_no_blanks() -> None:
    with pytest.raises(InvalidInput):
        product(barcode="75 01")


def test_the_check_digit_of_a_worked_ean() -> None:
    assert rules.check_barcode("7501055300006") == "7501055300006"


@pytest.mark.parametrize("price", ["-0.01", "NaN", "Infinity", "0.0000001", "1e12"])
def test_a_price_that_cannot_be_kept_is_refused(price: str) -> None:
    with pytest.raises(InvalidAmount):
        product(list_price=Decimal(price))


def test_a_service_has_no_stock() -> None:
    assert product(kind="service")["tracked"] is False
    assert product(kind="goods")["tracked"] is True


@pytest.mark.parametrize("factor", [{"numerator": 0}, {"denominator": -1}, {"numerator": 10**13}])
def test_a_factor_is_a_fraction_of_positive_numbers(factor: dict[str, int]) -> None:
    with pytest.raises(InvalidFactor):
        rules.prepare_unit(factor)


def test_demo_barcodes_are_valid_and_differ() -> None:
    codes = [demo.barcode_of(position) for position in range(len(demo.SHOP))]

    assert all(ean.is_valid(code) and len(code) == 13 for code in codes)
    assert len(set(codes)) == len(codes)
