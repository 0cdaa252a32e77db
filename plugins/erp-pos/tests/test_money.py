"""The arithmetic of a till, by hand-checked examples and by what always holds."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from erp_pos.shop import money
from hypothesis import given
from hypothesis import strategies as st

cents = st.integers(0, 5_000_000).map(lambda number: Decimal(number) / 100)
lines = st.builds(
    money.SaleLine,
    st.integers(1, 100_000).map(lambda number: Decimal(number) / 100),
    st.integers(1, 20_000).map(lambda number: Decimal(number) / 1000),
    st.sampled_from([Decimal(0), Decimal("0.08"), Decimal("0.16")]),
)


def test_a_tax_included_price_is_split_so_that_the_parts_add_up():
    (group,) = money.tax_groups([money.SaleLine(Decimal("10.00"), Decimal(7), Decimal("0.16"))])

    assert (group.base, group.tax, group.total) == (Decimal("60.34"), Decimal("9.66"), Decimal("70.00"))


def test_the_drawer_holds_what_cash_left_in_it():
    flow = money.CashFlow(*map(Decimal, ("1500.00", "8435.50", "650.00", "300.00", "5000.00", "420.00", "185.50")))
    pieces = {"500": 6, "200": 7, "100": 5, "50": 4, "20": 7, "10": 2, "5": 1, "2": 3, "1": 2, "0.50": 1}

    expected = money.expected_in_drawer(flow)
    counted = money.counted_in_drawer({Decimal(piece): count for piece, count in pieces.items()})

    assert (expected, counted, counted - expected) == (Decimal("5280.00"), Decimal("5273.50"), Decimal("-6.50"))


def test_change_is_given_with_the_largest_pieces_first():
    change = money.change_for(Decimal("500.00") - Decimal("163.50"))

    assert change.amount == Decimal("336.50")
    assert change.pieces == tuple((Decimal(piece), 1) for piece in ("200", "100", "20", "10", "5", "1", "0.50"))
    assert change.remainder == 0


def test_change_below_the_smallest_piece_is_said():
    change = money.change_for(Decimal("0.75"))

    assert (change.pieces, change.remainder) == (((Decimal("0.50"), 1),), Decimal("0.25"))


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("163.24", "163.00"), ("163.25", "163.50"), ("163.50", "163.50"), ("163.75", "164.00"), ("0.24", "0.00")],
)
def test_cash_is_rounded_half_up_to_the_smallest_piece(amount: str, rounded: str):
    assert money.round_cash(Decimal(amount), Decimal("0.50")) == Decimal(rounded)


@pytest.mark.parametrize(
    ("total", "next_note"), [("163.50", "180.00"), ("180.00", "200.00"), ("0.50", "20.00"), ("1000.00", "1000.00")]
)
def test_the_buttons_suggest_the_exact_amount_and_what_notes_make(total: str, next_note: str):
    assert money.suggested_tenders(Decimal(total)) == (Decimal(total), Decimal(next_note))


@pytest.mark.parametrize(("sale", "asked"), [("96.50", True), ("60.01", True), ("60.00", False)])
def test_a_sale_beyond_the_limit_asks_for_the_owner(sale: str, asked: bool):
    assert money.needs_owner_pin(Decimal("300.00"), Decimal("240.00"), Decimal(sale)) is asked


@given(st.lists(lines, min_size=1, max_size=20))
def test_bases_and_taxes_add_up_to_what_the_lines_cost(sold: list[money.SaleLine]):
    groups = money.tax_groups(sold)

    assert sum(group.base + group.tax for group in groups) == sum(map(money.line_total, sold))
    assert all(group.tax >= 0 for group in groups)


@given(cents, st.sampled_from([Decimal("0.10"), Decimal("0.50"), Decimal(1)]))
def test_rounded_cash_is_payable_and_at_most_half_a_piece_away(amount: Decimal, smallest: Decimal):
    rounded = money.round_cash(amount, smallest)

    assert rounded % smallest == 0
    assert abs(rounded - amount) <= smallest / 2


@given(cents)
def test_change_adds_up_and_leaves_less_than_the_smallest_piece(amount: Decimal):
    change = money.change_for(amount)

    assert sum(piece * count for piece, count in change.pieces) + change.remainder == amount
    assert 0 <= change.remainder < money.MXN_PIECES[-1]


@given(st.integers(0, 600))
def test_no_other_way_of_giving_change_takes_fewer_pieces(halves: int):
    change = money.change_for(Decimal(halves) / 2)

    assert sum(count for _, count in change.pieces) == fewest_pieces(halves)


def fewest_pieces(halves: int) -> int:
    """Try every piece for every amount: slow, and certainly right; amounts count in halves of a peso."""
    pieces = [int(piece * 2) for piece in money.MXN_PIECES]
    table = [0]
    for amount in range(1, halves + 1):
        table.append(1 + min(table[amount - piece] for piece in pieces if piece <= amount))
    return table[halves]


def test_the_supplied_cases_come_out_as_published():
    cases = {case["id"]: case for case in supplied_cases()}
    whole, change = cases["R1.whole_pieces"], cases["R3.change"]
    flow = {name: Decimal(value) for name, value in cases["R2.drawer_expected"]["given"].items() if name != "not_cash"}

    sold = money.SaleLine(*(Decimal(whole["given"][name]) for name in ("unit_price", "quantity", "tax_rate")))
    (group,) = money.tax_groups([sold])
    drawer = money.CashFlow(
        flow["opening_fund"],
        flow["cash_sales"],
        flow["credit_payments_cash"],
        flow["cash_in"],
        flow["withdrawals"],
        flow["expenses"],
        flow["cash_refunds"],
    )
    handed = money.change_for(Decimal(change["given"]["tendered"]) - Decimal(change["given"]["total"]))

    assert {name: str(getattr(group, name)) for name in ("base", "tax", "total")} == whole["expect"]
    assert str(money.expected_in_drawer(drawer)) == cases["R2.drawer_expected"]["expect"]["expected"]
    assert [[str(piece), count] for piece, count in handed.pieces] == change["expect"]["pieces"]


def supplied_cases() -> list[Any]:
    """Give the supplied acceptance cases, or skip where the file is not there."""
    for folder in sample_folders():
        file = folder / "pos" / "acceptance.json"
        if file.is_file():
            return list(json.loads(file.read_text("utf-8"))["cases"])
    pytest.skip("the acceptance samples are not here; ERP_SAMPLES names their folder")


def sample_folders() -> Iterator[Path]:
    if os.environ.get("ERP_SAMPLES"):
        yield Path(os.environ["ERP_SAMPLES"])
    for parent in Path(__file__).resolve().parents:
        yield parent / "shared" / "samples"
        yield parent / "samples"
