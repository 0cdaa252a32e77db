"""What the harness makes of its measurements."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.load import Load, make_request
from bench.machine import Ticks, bare_resident, cpu_seconds
from bench.measure import Result, Round
from bench.table import summary, table


def test_stolen_time_is_a_share_of_all_time_that_passed():
    before = Ticks.parse("cpu  100 0 50 800 10 0 0 40 7 0\ncpu0 1 2 3")
    after = Ticks.parse("cpu  150 0 60 815 10 0 0 65 9 0\n")

    stolen = after.stolen_since(before)

    assert before == Ticks(1000, 40)
    assert stolen == pytest.approx(25 / 100)


def test_a_machine_that_tells_nothing_had_nothing_stolen():
    assert Ticks(0, 0).stolen_since(Ticks(0, 0)) == 0


def test_repeats_with_much_stolen_time_count_for_no_rate_but_for_the_cpu():
    ours = [Round(100, 0.0, cpu_us=10), Round(300, 0.2, cpu_us=20), Round(5, 0.21, cpu_us=90)]
    result = Result("read", "read partner", 4.0, ours, single=[Round(400, 0.0)], piped=[Round(1000, 0.5)])

    figures = summary(result, "info")

    assert figures["requests_per_second"] == 200
    assert figures["cpu_us_per_request"] == 20
    assert figures["ratio"] == pytest.approx(0.5)
    assert figures["ratio_to_pipeline"] is None
    assert figures["dropped"] == 2


def test_percentiles_are_milliseconds_of_what_was_seen():
    load = Load(wall=2.0, latencies=[n / 1000 for n in range(100, 0, -1)])

    assert load.percentile(0.5) == pytest.approx(51)
    assert load.percentile(0.99) == pytest.approx(100)
    assert load.rate == 50


def test_a_table_lines_up_and_shows_what_is_missing():
    result = Result("read", "read partner", 4.0, [Round(1234.5, 0.0, 1.5, 9.25, 200)])
    longer = Result("list", "list of many partners", 4.0, [Round(7, 0.0, 1.5, 9.25, 200)])

    lines = table([summary(result, "info"), summary(longer, "warning")]).splitlines()

    assert len({len(line) for line in lines}) == 1
    assert "1,234" in lines[1]
    assert " - " in lines[1]


def test_a_request_is_written_as_it_goes_over_the_wire():
    request = make_request("POST", "/api/v1/core/partners", "abc", b"{}")

    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v1/core/partners HTTP/1.1\r\n")
    assert b"authorization: Bearer abc" in head
    assert b"content-length: 2" in head
    assert body == b"{}"


def test_a_process_that_works_has_used_more_cpu_than_before():
    before = cpu_seconds(os.getpid())

    while cpu_seconds(os.getpid()) <= before:
        sum(range(10_000))

    assert cpu_seconds(os.getpid()) > before


def test_an_api_process_imports_neither_spreadsheets_nor_migrations():
    unwanted = {"openpyxl", "xlsxwriter", "alembic"}
    check = f"import sys, erp_core.app, erp_core.kernel.http.app; print(*{unwanted} & {{*sys.modules}})"

    done = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True)

    assert done.stdout.split() == []


def test_the_memory_of_a_bare_process_is_told_in_bytes():
    assert bare_resident() > 20_000_000
