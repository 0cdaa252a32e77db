"""Pricing, by hand-checked examples and by what holds for every pane."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from erp_vidrio.quotes import rules
from erp_vidrio.quotes.errors import PaneTooLarge
from hypothesis import given
from hypothesis import strategies as st

SHOP = rules.Rates(Decimal("980.00"), 50, Decimal("0.50"), Decimal("55.00"), Decimal("75.00"), Decimal("210.00"))
PLAIN = rules.Rates(Decimal("450.00"), 1, Decimal("0.30"), Decimal("38.00"), Decimal("55.00"), Decimal("160.00"))

sides = st.integers(1, 3210)
money = st.decimals(0, 100_000, places=2)
rates = st.builds(rules.Rates, money, st.integers(1, 500), st.decimals(0, 2, places=2), money, money, money)
panes = st.builds(rules.Pane, sides, sides, st.integers(1, 50), st.integers(0, 20), st.integers(0, 20), st.booleans())


def test_the_quote_of_ten_millimetre_glass_adds_up_to_the_cent():
    doors = rules.Pane(912, 2118, 2, holes=12)
    transoms = rules.Pane(300, 1210, 5, notches=3)

    lines = [rules.price_line(pane, SHOP, 10) for pane in (doors, transoms)]
    totals = rules.sum_lines(lines, Decimal(16), 10)

    assert [(line.billed_width_mm, line.billed_height_mm, line.billed_m2) for line in lines] == [
        (950, 2150, Decimal("4.0850")),
        (300, 1250, Decimal("2.50")),
    ]
    assert [(line.glass, line.edge_m, line.edge) for line in lines] == [
        (Decimal("4003.30"), Decimal("12.12"), Decimal("666.60")),
        (Decimal("2450.00"), Decimal("15.10"), Decimal("830.50")),
    ]
    assert (lines[0].holes, lines[1].notches) == (Decimal("900.00"), Decimal("630.00"))
    assert (totals.subtotal, totals.tax, totals.total) == (Decimal("9480.40"), Decimal("1516.86"), Decimal("10997.26"))
    assert (totals.net_m2, totals.weight_kg) == (Decimal("5.678232"), Decimal("141.96"))


def test_a_step_of_one_rounds_no_side_and_the_minimum_still_counts():
    windows = rules.Pane(455, 612, 7)

    line = rules.price_line(windows, PLAIN, 5)
    totals = rules.sum_lines([line], Decimal(16), 5)

    assert (line.billed_width_mm, line.billed_height_mm, line.billed_m2) == (455, 612, Decimal("2.10"))
    assert (line.edge_m, line.glass, line.edge) == (Decimal("14.938"), Decimal("945.00"), Decimal("567.64"))
    assert (totals.subtotal, totals.tax, totals.total) == (Decimal("1512.64"), Decimal("242.02"), Decimal("1754.66"))
    assert (totals.net_m2, totals.weight_kg) == (Decimal("1.94922"), Decimal("24.37"))


@pytest.mark.parametrize(("width", "height", "fits"), [(6000, 3210, True), (3210, 6000, True), (3211, 3211, False)])
def test_a_pane_is_turned_before_it_is_found_too_large(width: int, height: int, fits: bool):
    pane = rules.Pane(width, height)

    refused = False
    try:
        rules.check_size(pane)
    except PaneTooLarge:
        refused = True

    assert refused is not fits


@given(sides, st.integers(1, 500))
def test_a_billed_side_is_on_the_step_and_less_than_one_step_longer(side: int, step: int):
    billed = rules.billed_side(side, step)

    assert billed % step == 0
    assert 0 <= billed - side < step


@given(panes, rates)
def test_nothing_is_billed_below_its_real_area_or_the_minimum(pane: rules.Pane, rate: rules.Rates):
    line = rules.price_line(pane, rate, 6)

    assert line.billed_m2 >= line.net_m2
    assert line.billed_m2 >= pane.quantity * rate.minimum_m2


@given(panes, rates)
def test_turning_a_pane_changes_neither_price_nor_weight(pane: rules.Pane, rate: rules.Rates):
    turned = rules.Pane(pane.height_mm, pane.width_mm, pane.quantity, pane.holes, pane.notches, pane.polished)

    line, other = rules.price_line(pane, rate, 8), rules.price_line(turned, rate, 8)

    assert (line.amount, line.weight_kg) == (other.amount, other.weight_kg)


@given(st.lists(panes, min_size=1, max_size=6), rates)
def test_the_subtotal_is_the_sum_of_whole_cents(lines: list[rules.Pane], rate: rules.Rates):
    priced = [rules.price_line(pane, rate, 6) for pane in lines]

    totals = rules.sum_lines(priced, Decimal(16), 6)

    assert totals.subtotal == sum(line.glass + line.edge + line.holes + line.notches for line in priced)
    assert totals.subtotal == totals.subtotal.quantize(rules.CENT)
    assert totals.total == totals.subtotal + totals.tax


@given(panes, rates, st.integers(1, 50))
def test_a_larger_pane_never_costs_less(pane: rules.Pane, rate: rules.Rates, more: int):
    larger = rules.Pane(pane.width_mm + more, pane.height_mm, pane.quantity, pane.holes, pane.notches, pane.polished)

    assert rules.price_line(larger, rate, 6).amount >= rules.price_line(pane, rate, 6).amount


def test_the_supplied_quotes_come_out_as_published():
    for case in supplied_quotes():
        given_, expected = case["input"], case["expected"]
        rate = rules.Rates(
            Decimal(given_["rate_m2"]),
            given_["size_step_mm"],
            Decimal(given_["minimum_m2_piece"]),
            Decimal(given_["polish_m"]),
            Decimal(given_["hole"]),
            Decimal(given_["notch"]),
        )
        lines = [
            rules.Pane(
                p["width_mm"], p["height_mm"], p["quantity"], *((given_["holes"], given_["notches"]) if first else ())
            )
            for first, p in ((number == 0, p) for number, p in enumerate(given_["pieces"]))
        ]

        priced = [rules.price_line(line, rate, given_["thickness_mm"]) for line in lines]
        totals = rules.sum_lines(priced, Decimal(given_["vat_pct"]), given_["thickness_mm"])

        found = {"billed_m2": totals.billed_m2, "subtotal": totals.subtotal, "vat": totals.tax, "total": totals.total}
        found |= {"net_m2": totals.net_m2, "weight_kg": totals.weight_kg}
        assert found == {name: Decimal(expected[name]) for name in found}, case["id"]
        for line, wanted in zip(priced, expected["lines"], strict=True):
            assert [line.billed_width_mm, line.billed_height_mm] == wanted["billed_mm"]
            assert (line.glass, line.edge) == (Decimal(wanted["glass"]), Decimal(wanted["polish"]))


def supplied_quotes() -> list[Any]:
    """Give the supplied acceptance cases of quotes, or skip where the file is not there."""
    for folder in sample_folders():
        file = folder / "vidrio" / "acceptance.json"
        if file.is_file():
            return [case for case in json.loads(file.read_text("utf-8"))["cases"] if case["id"].startswith("quote_")]
    pytest.skip("the acceptance samples are not here; ERP_SAMPLES names their folder")


def sample_folders() -> Iterator[Path]:
    if os.environ.get("ERP_SAMPLES"):
        yield Path(os.environ["ERP_SAMPLES"])
    for parent in Path(__file__).resolve().parents:
        yield parent / "shared" / "samples"
        yield parent / "samples"
