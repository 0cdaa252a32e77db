"""Rounds of load and of pgbench, one after the other, and what they come to."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg

from bench.dataset import DATABASE, Bench
from bench.load import put_load
from bench.machine import Ticks, cpu_seconds
from bench.pgbench import Pgbench, Script, parameter_types, write_script
from bench.rows import Row
from bench.server import Api, statements_per_request

MOST_STOLEN = 0.20
CLIENTS = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """How long: how many repeats, and the seconds of each."""

    repeats: int = 5
    seconds: float = 3.0
    pgbench_seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class Round:
    """One repeat: its rate, what neighbours stole meanwhile, and for our own side the latencies and the CPU."""

    rate: float
    stolen: float
    p50: float = 0.0
    p99: float = 0.0
    cpu_us: float = 0.0
    client_us: float = 0.0

    @property
    def kept(self) -> bool:
        return self.stolen <= MOST_STOLEN


@dataclass(slots=True)
class Result:
    """One line of the table; the pgbench sides are empty where there is no pgbench."""

    name: str
    title: str
    statements: float
    ours: list[Round] = field(default_factory=list)
    single: list[Round] = field(default_factory=list)
    piped: list[Round] = field(default_factory=list)

    @property
    def dropped(self) -> int:
        return sum(not one.kept for one in (*self.ours, *self.single, *self.piped))

    @property
    def stolen(self) -> float:
        return statistics.median(one.stolen for one in (*self.ours, *self.single, *self.piped))

    def middle(self, rounds: Sequence[Round], figure: str) -> float | None:
        """Give the median of a figure over the repeats that were kept; of CPU over all, which noise does not touch."""
        values = [getattr(one, figure) for one in rounds if one.kept or figure.endswith("_us")]
        return float(statistics.median(values)) if values else None

    def ratio(self, rounds: Sequence[Round]) -> float | None:
        """Give our rate as a share of a yardstick's."""
        ours, theirs = self.middle(self.ours, "rate"), self.middle(rounds, "rate")
        return ours / theirs if ours and theirs else None


def measure_row(bench: Bench, api: Api, row: Row, pgbench: Pgbench | None, plan: Plan) -> Result:
    """Measure one row: warm up, count the statements, then ours, pgbench and pgbench's pipeline in turn."""
    put_load(api.port, row.requests, min(1.0, plan.seconds), CLIENTS)
    result = Result(row.name, row.title, statements_per_request(bench, api, row.requests))
    script = script_of(bench, row) if pgbench is not None else None
    for _ in range(plan.repeats):
        result.ours.append(_our_round(api, row, plan.seconds))
        if pgbench is not None and script is not None:
            result.single.append(_their_round(pgbench, script, plan.pgbench_seconds, pipeline=False))
            result.piped.append(_their_round(pgbench, script, plan.pgbench_seconds, pipeline=True))
    return result


def script_of(bench: Bench, row: Row) -> Script:
    """Write what pgbench sends for a row."""
    with psycopg.connect(bench.servers.database(DATABASE)) as connection:
        types = [parameter_types(connection, call) for call in row.calls]
    return write_script(
        bench.tenant_id,
        row.calls,
        types,
        read_only=row.read_only,
        fixed=row.fixed,
        varied=row.varied,
        variables=row.variables,
    )


def _our_round(api: Api, row: Row, seconds: float) -> Round:
    before, cpu = Ticks.now(), cpu_seconds(api.pid)
    load = put_load(api.port, row.requests, seconds, CLIENTS)
    cpu, stolen, count = cpu_seconds(api.pid) - cpu, Ticks.now().stolen_since(before), len(load.latencies)
    return Round(
        load.rate, stolen, load.percentile(0.5), load.percentile(0.99), cpu / count * 1e6, load.cpu / count * 1e6
    )


def _their_round(pgbench: Pgbench, script: Script, seconds: float, *, pipeline: bool) -> Round:
    before = Ticks.now()
    rate = pgbench.rate(script, pipeline=pipeline, clients=CLIENTS, seconds=seconds)
    return Round(rate, Ticks.now().stolen_since(before))


def measure_all(
    bench: Bench, api: Api, rows: Sequence[Row], pgbench: Pgbench | None, plan: Plan, say: Callable[[str], None]
) -> list[Result]:
    """Measure the rows that read before those that write, because those change what is read; gives them as asked."""
    found = {}
    for row in sorted(rows, key=lambda row: not row.read_only):
        say(f"  {row.title} …")
        found[row.name] = measure_row(bench, api, row, pgbench, plan)
    return [found[row.name] for row in rows]
