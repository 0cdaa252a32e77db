"""Pure rules of stock."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_core.inventory import errors, rules
from erp_core.inventory.schemas import MoveLine

IDS = st.integers(1, 4).map(lambda number: UUID(int=number))
QUANTITIES = st.decimals("0.000001", 10**6, places=6)


def build(product: UUID, source: UUID, target: UUID, quantity: Decimal) -> MoveLine:
    return MoveLine(product_id=product, from_location_id=source, to_location_id=target, quantity=quantity)


LINES = st.lists(st.builds(build, IDS, IDS, IDS, QUANTITIES), min_size=1, max_size=20)


@given(LINES)
def test_what_leaves_one_place_arrives_at_another(lines: list[MoveLine]) -> None:
    changes = rules.net_changes(lines)

    assert sum(changes.values()) == 0
    assert set(changes) == set(rules.touched_keys(lines))


@given(LINES)
def test_keys_are_locked_in_one_order_whatever_the_order_of_lines(lines: list[MoveLine]) -> None:
    assert (
        rules.touched_keys(lines) == rules.touched_keys(list(reversed(lines))) == sorted(set(rules.touched_keys(lines)))
    )


@pytest.mark.parametrize(
    ("quantity", "refusal"),
    [("0", errors.QuantityNotPositive), ("-1", errors.QuantityNotPositive), ("NaN", errors.QuantityNotPositive),
     ("Infinity", errors.QuantityTooLarge), ("1e12", errors.QuantityTooLarge), ("0.1234567", errors.InexactQuantity)],
)  # fmt: skip
def test_a_quantity_that_cannot_be_kept_is_refused(quantity: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        rules.check_lines([build(uuid4(), uuid4(), uuid4(), Decimal(quantity))])


def test_nothing_moves_to_where_it_is() -> None:
    place = uuid4()

    with pytest.raises(errors.SameLocation) as refused:
        rules.check_lines([build(uuid4(), place, place, Decimal(1))])

    assert refused.value.pointer == "/lines/0/to_location_id"


def test_a_posting_has_1_to_500_lines() -> None:
    line = build(uuid4(), uuid4(), uuid4(), Decimal(1))

    rules.check_lines([line] * 500)
    with pytest.raises(errors.TooManyLines):
        rules.check_lines([line] * 501)
    with pytest.raises(errors.NoLines):
        rules.check_lines([])


def test_virtual_locations_may_always_go_below_zero() -> None:
    assert rules.prepare_location({"kind": "supplier", "may_go_negative": False})["may_go_negative"] is True
    assert rules.prepare_location({"kind": "internal", "may_go_negative": False})["may_go_negative"] is False
