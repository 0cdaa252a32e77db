"""How the figures are shown: an aligned table, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.measure import Result

_HEADS = (
    "",
    "log",
    "req/s",
    "p50 ms",
    "p99 ms",
    "CPU µs",
    "statements",
    "pgbench/s",
    "ratio",
    "piped/s",
    "ratio",
    "steal",
    "dropped",
)


def summary(result: Result, log_level: str) -> dict[str, Any]:
    """Give the figures of a row by name; ``None`` is a figure that could not be taken."""
    return {
        "row": result.name,
        "title": result.title,
        "log_level": log_level,
        "requests_per_second": result.middle(result.ours, "rate"),
        "p50_ms": result.middle(result.ours, "p50"),
        "p99_ms": result.middle(result.ours, "p99"),
        "cpu_us_per_request": result.middle(result.ours, "cpu_us"),
        "client_cpu_us_per_request": result.middle(result.ours, "client_us"),
        "statements_per_request": result.statements,
        "pgbench_per_second": result.middle(result.single, "rate"),
        "ratio": result.ratio(result.single),
        "pgbench_pipeline_per_second": result.middle(result.piped, "rate"),
        "ratio_to_pipeline": result.ratio(result.piped),
        "steal": result.stolen,
        "dropped": result.dropped,
    }


def table(figures: Sequence[dict[str, Any]]) -> str:
    """Write one line for each row, in columns that line up."""
    lines = [list(_HEADS), *(_line(one) for one in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def _line(one: dict[str, Any]) -> list[str]:
    return [
        one["title"],
        one["log_level"],
        _number(one["requests_per_second"], 0),
        _number(one["p50_ms"], 2),
        _number(one["p99_ms"], 2),
        _number(one["cpu_us_per_request"], 0),
        _number(one["statements_per_request"], 1),
        _number(one["pgbench_per_second"], 0),
        _number(one["ratio"], 2),
        _number(one["pgbench_pipeline_per_second"], 0),
        _number(one["ratio_to_pipeline"], 2),
        f"{one['steal'] * 100:.0f} %",
        str(one["dropped"]),
    ]


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
