"""Decoding a VIN, by hand-checked examples and by what holds for every VIN."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from erp_mecanicas.codes.vin import (
    CHECK_POSITION,
    VALUES,
    WEIGHTS,
    MalformedVin,
    check_digit,
    check_is_required,
    decode_vin,
    model_years,
    normalise_vin,
    region_of,
    weighted_sum,
    with_check_digit,
)
from hypothesis import assume, given
from hypothesis import strategies as st

vins = st.text(st.sampled_from(sorted(VALUES)), min_size=17, max_size=17)


@pytest.mark.parametrize(
    ("vin", "total", "digit", "valid"),
    [
        ("1M8GDM9AXKP042788", 351, "X", True),
        ("11111111111111111", 89, "1", True),
        ("3AKJHHDR9JS000001", 229, "9", True),
        ("3HSDJAPR8CN123456", 367, "4", False),
        # 16 times 5 (values of E and N) leave only the weights: 5 · 89 = 445 = 40 · 11 + 5.
        ("EEEEEEEE5EEEEEEEE", 445, "5", True),
    ],
)
def test_the_check_digit_is_worked_out_from_the_other_characters(vin: str, total: int, digit: str, valid: bool):
    found = decode_vin(vin, 2026)

    assert (found.weighted_sum, found.expected_digit, found.check_digit_valid) == (total, digit, valid)
    assert ("check_digit" in found.warnings) is not valid


@pytest.mark.parametrize(
    ("text", "reason", "position"),
    [
        ("3AKJHHDR9JSO00001", "illegal_character", 12),
        ("3AKJHHDR9JS00000", "length", None),
        ("", "length", None),
        ("3AKJ-HDR9JS000001", "illegal_character", 5),
    ],
)
def test_what_is_no_vin_is_refused_with_its_reason(text: str, reason: str, position: int | None):
    with pytest.raises(MalformedVin) as refused:
        decode_vin(text, 2026)

    assert (refused.value.reason, refused.value.position) == (reason, position)


def test_a_vin_is_read_in_small_letters_and_with_blanks_around():
    assert normalise_vin(" 3akjhhdr9js000001\n") == "3AKJHHDR9JS000001"


@pytest.mark.parametrize(
    ("prefix", "region", "required"),
    [
        ("3A", "north_america", True),
        ("LZ", "asia", True),
        ("JH", "asia", False),
        ("WD", "europe", False),
        ("9B", "south_america", False),
        ("7A", "oceania", False),
        ("7S", "north_america", True),
        ("6T", "oceania", False),
        ("AA", "africa", False),
        ("0A", "unassigned", False),
    ],
)
def test_the_prefix_tells_the_region_and_whether_its_law_asks_for_the_digit(prefix: str, region: str, required: bool):
    vin = prefix + "1" * 15

    assert (region_of(vin), check_is_required(vin)) == (region, required)


@pytest.mark.parametrize(
    ("letter", "this_year", "years"),
    [
        ("J", 2026, (2018, 1988)),
        ("V", 2026, (2027, 1997)),
        ("W", 2026, (1998,)),
        ("9", 2026, (2009,)),
        ("A", 2026, (2010, 1980)),
        ("U", 2026, ()),
        ("0", 2026, ()),
    ],
)
def test_the_year_letter_means_the_latest_year_not_after_next_year(letter: str, this_year: int, years: tuple[int, ...]):
    vin = "3AKJHHDR9" + letter + "S000001"

    assert model_years(vin, this_year) == years


def test_a_maker_is_known_by_exactly_three_characters():
    known, similar = decode_vin("3AKJHHDR9JS000001", 2026), decode_vin("3AZJHHDR9JS000001", 2026)

    assert (known.maker, known.country) == ("Freightliner", "MX")
    assert similar.maker is None
    assert "unknown_maker" in similar.warnings


@given(vins)
def test_the_computed_check_digit_always_validates(vin: str):
    corrected = with_check_digit(vin)

    assert decode_vin(corrected, 2026).check_digit_valid
    assert corrected[:CHECK_POSITION] == vin[:CHECK_POSITION]


@given(vins, st.integers(0, 16), st.sampled_from(sorted(VALUES)))
def test_a_changed_character_of_another_value_is_always_noticed(vin: str, place: int, other: str):
    right = with_check_digit(vin)
    wrong = right[:place] + other + right[place + 1 :]
    # The modulus is prime, so any change of value at a weighted place shows; letters of one value look the same.
    assume(other != right[place] if place == CHECK_POSITION else VALUES[other] != VALUES[right[place]])

    assert check_digit(wrong) != wrong[CHECK_POSITION]


@given(vins, st.integers(0, 15))
def test_neighbours_that_change_places_are_noticed_when_their_values_and_weights_differ(vin: str, place: int):
    assume(CHECK_POSITION not in (place, place + 1))
    right = with_check_digit(vin)
    first, second = right[place], right[place + 1]
    difference = (VALUES[first] - VALUES[second]) * (WEIGHTS[place] - WEIGHTS[place + 1])
    assume(difference % 11)
    wrong = right[:place] + second + first + right[place + 2 :]

    assert check_digit(wrong) != wrong[CHECK_POSITION]


def test_the_supplied_vins_come_out_as_published():
    for case in supplied_vins():
        expected = case["expected"]
        if "error" in expected:
            with pytest.raises(MalformedVin) as refused:
                decode_vin(case["input"], 2026)
            assert refused.value.reason == expected["error"]
            continue

        found = decode_vin(case["input"], 2026)

        assert weighted_sum(case["input"]) == expected["sum"]
        assert (found.expected_digit, found.check_digit_valid) == (expected["check_digit"], expected["valid"])


def supplied_vins() -> list[Any]:
    """Give the supplied acceptance cases of VINs, or skip where the file is not there."""
    for folder in sample_folders():
        file = folder / "mecanicas" / "acceptance.json"
        if file.is_file():
            return [case for case in json.loads(file.read_text("utf-8"))["cases"] if case["id"].startswith("vin_")]
    pytest.skip("the acceptance samples are not here; ERP_SAMPLES names their folder")


def sample_folders() -> Iterator[Path]:
    if os.environ.get("ERP_SAMPLES"):
        yield Path(os.environ["ERP_SAMPLES"])
    for parent in Path(__file__).resolve().parents:
        yield parent / "shared" / "samples"
        yield parent / "samples"
