"""How fields of stores and tills are tidied."""

from __future__ import annotations

from decimal import Decimal

import pytest
from erp_retail.pos.errors import UnknownTimeZone
from erp_retail.pos.rules import check_time_zone, prepare_store, prepare_terminal
from erp_retail.pos.services import plain
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("name", ["America/Tijuana", "America/Cancun", "America/Mexico_City"])
def test_a_mexican_time_zone_is_taken(name: str):
    assert check_time_zone(name) == name


@pytest.mark.parametrize(
    "name", ["america/mexico_city", "CST", "Mexico", "../../etc/passwd", "", "America/Mexico_City "]
)
def test_what_is_no_time_zone_is_refused_with_its_pointer(name: str):
    with pytest.raises(UnknownTimeZone) as refused:
        check_time_zone(name)

    assert refused.value.pointer == "/time_zone"


def test_codes_and_series_are_kept_in_capitals():
    store, till = (
        prepare_store({"code": " centro ", "name": "Centro"}),
        prepare_terminal({"code": "caja-1", "series": "c1"}),
    )

    assert (store["code"], till) == ("CENTRO", {"code": "CAJA-1", "series": "C1"})


def test_a_blank_time_zone_is_refused():
    with pytest.raises(UnknownTimeZone):
        prepare_store({"time_zone": "  "})


@given(st.decimals(min_value=-(10**11), max_value=10**11, places=6))
def test_a_plain_quantity_is_the_same_number_without_exponent_or_trailing_zeros(quantity: Decimal):
    shown = plain(quantity)

    assert shown == quantity
    assert "E" not in str(shown)
    assert "." not in str(shown) or not str(shown).endswith("0")
