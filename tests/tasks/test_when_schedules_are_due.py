"""Schedules across the nights on which Tijuana changes its clocks: 2026-03-08 forwards, 2026-11-01 backwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erp_core.kernel.tasks.moments import latest_due, moment_id, next_due

TIJUANA = "America/Tijuana"


def every_moment(cron: str, start: datetime, end: datetime, zone: str = TIJUANA) -> list[datetime]:
    found = []
    moment = next_due(cron, zone, start)
    while moment <= end:
        found.append(moment)
        moment = next_due(cron, zone, moment)
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


SPRING = (at("2026-03-07T08:00"), at("2026-03-09T07:00"))
AUTUMN = (at("2026-10-31T07:00"), at("2026-11-02T08:00"))


def test_a_nightly_schedule_fires_on_each_day_although_its_hour_is_skipped():
    moments = every_moment("30 2 * * *", *SPRING)

    assert moments == [at("2026-03-07T10:30"), at("2026-03-08T10:30")]


def test_a_nightly_schedule_fires_once_although_its_hour_comes_twice():
    moments = every_moment("30 1 * * *", *AUTUMN)

    assert moments == [at("2026-10-31T08:30"), at("2026-11-01T08:30")]


@pytest.mark.parametrize(("night", "count"), [(SPRING, 47), (AUTUMN, 49)])
def test_an_hourly_schedule_follows_real_time(night, count):
    moments = every_moment("0 * * * *", night[0] - timedelta(seconds=1), night[1] - timedelta(seconds=1))

    assert len(moments) == count
    assert {later - earlier for earlier, later in pairwise(moments)} == {timedelta(hours=1)}


def test_a_schedule_every_second_hour_skips_nothing_when_the_clock_jumps():
    moments = every_moment("0 */2 * * *", at("2026-03-08T07:30"), at("2026-03-08T12:00"))

    assert moments == [at("2026-03-08T08:00"), at("2026-03-08T10:00"), at("2026-03-08T11:00")]


@pytest.mark.parametrize("cron", ["*/15 * * * *", "30 2 * * *", "30 1 * * *", "0 */2 * * *", "45 1-3 * * 0"])
@pytest.mark.parametrize("night", [SPRING, AUTUMN])
def test_looking_back_finds_the_moments_that_looking_forward_found(cron, night):
    moments = every_moment(cron, *night)

    assert [latest_due(cron, TIJUANA, moment + timedelta(seconds=1)) for moment in moments] == moments
    assert [latest_due(cron, TIJUANA, moment) for moment in moments] == moments


@settings(max_examples=60, deadline=None)
@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    cron=st.sampled_from(["*/15 * * * *", "30 2 * * *", "0 1,3 * * *", "15 */2 * * *", "0 6 1 * *"]),
    zone=st.sampled_from([TIJUANA, "America/Mexico_City", "Europe/Madrid", "Australia/Lord_Howe"]),
)
def test_the_next_moment_is_later_and_is_the_latest_one_when_it_comes(start, cron, zone):
    now = start.replace(tzinfo=UTC)

    due = next_due(cron, zone, now)

    assert due > now
    assert latest_due(cron, zone, due) == due
    assert latest_due(cron, zone, now) <= now
    assert next_due(cron, zone, latest_due(cron, zone, now)) == due


def test_the_id_of_a_moment_is_the_same_everywhere_and_its_own():
    tenant, due = str(uuid4()), at("2026-03-08T10:30")

    one = moment_id(due, "core.nightly", tenant)

    assert one == moment_id(due.astimezone(), "core.nightly", tenant)
    assert one.version == 7
    assert (
        len(
            {
                one,
                moment_id(due, "core.nightly", str(uuid4())),
                moment_id(due + timedelta(seconds=1), "core.nightly", tenant),
            }
        )
        == 3
    )
