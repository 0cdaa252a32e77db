"""The moves of a job, and what its fields may be."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from erp_construccion.projects.errors import InvalidArea, InvalidPosition
from erp_construccion.projects.rules import (
    FINAL,
    MOVES,
    OPEN,
    check_move,
    local_day,
    needs_customer,
    prepare_node,
    prepare_project,
)
from hypothesis import given
from hypothesis import strategies as st

from erp_core.kernel.errors import EndsBeforeStart, WrongState

STATES = st.sampled_from(sorted(MOVES))


def test_a_job_can_go_from_prospect_to_closed_in_the_order_of_its_life():
    life = [
        "prospect",
        "bidding",
        "awarded",
        "executing",
        "suspended",
        "executing",
        "finished",
        "settled",
        "warranty",
        "closed",
    ]

    steps = list(pairwise(life))

    for state, wanted in steps:
        check_move("PROJ-2026-001", state, wanted)
    assert life[-1] in FINAL


@given(state=STATES, wanted=STATES)
def test_a_move_that_the_table_lacks_is_refused_with_those_that_it_has(state: str, wanted: str):
    if wanted in MOVES[state]:
        check_move("P", state, wanted)
        return

    with pytest.raises(WrongState) as refused:
        check_move("P", state, wanted)

    assert refused.value.facts["allowed"] == (", ".join(MOVES[state]) or "-")


@given(state=STATES)
def test_every_move_leads_to_a_known_state_and_an_open_job_can_always_end(state: str):
    reached, waiting = set(), [state]
    while waiting:
        here = waiting.pop()
        reached.add(here)
        waiting += [following for following in MOVES[here] if following not in reached]

    assert reached <= set(MOVES)
    assert reached & FINAL
    assert set(MOVES) == FINAL | OPEN


def test_what_ends_a_job_needs_no_customer():
    needing = {state for state in MOVES if needs_customer(state)}

    assert needing == OPEN


def test_the_day_is_that_of_the_companys_calendar():
    moment = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)

    days = {zone: local_day(moment, zone) for zone in ("America/Mexico_City", "Europe/Madrid")}

    assert days == {"America/Mexico_City": date(2026, 11, 22), "Europe/Madrid": date(2026, 11, 23)}


def test_a_code_is_kept_in_capitals_and_blank_texts_as_nothing():
    sent = {"code": " proj-2026-001 ", "address": "   "}

    row = prepare_project(sent)

    assert row == {"code": "PROJ-2026-001", "address": None}


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        ({"latitude": Decimal("90.000001"), "longitude": Decimal(0)}, InvalidPosition),
        ({"latitude": Decimal("1.0000001"), "longitude": Decimal(0)}, InvalidPosition),
        ({"latitude": Decimal("NaN"), "longitude": Decimal(0)}, InvalidPosition),
        ({"planned_start": date(2026, 5, 2), "planned_end": date(2026, 5, 1)}, EndsBeforeStart),
    ],
)
def test_impossible_facts_of_a_job_are_refused(sent: dict[str, object], refusal: type[Exception]):
    with pytest.raises(refusal):
        prepare_project(sent)


@pytest.mark.parametrize("area", ["-0.01", "0.0000001", "Infinity"])
def test_an_impossible_area_is_refused(area: str):
    with pytest.raises(InvalidArea):
        prepare_node({"area_m2": Decimal(area)})
