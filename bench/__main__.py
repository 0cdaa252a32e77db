"""`python -m bench [NAME…]`: what the everyday requests cost, beside what the same statements cost PostgreSQL alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
import psycopg

from bench.dataset import DATABASE, NEIGHBOUR_PARTNERS, NEIGHBOURS, PARTNERS, Bench, prepared
from bench.machine import bare_resident, resident
from bench.measure import CLIENTS, Plan, measure_all
from bench.pgbench import Pgbench, find_pgbench
from bench.rows import ROWS, USUAL
from bench.server import serving
from bench.table import summary, table
from erp_core.kernel.logs import configure_logs

# The row that is measured a second time with a quieter log, to show what the log costs.
QUIET_ROW = "read"


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(ROWS)))
@click.option("--quick", is_flag=True, help="One short repeat of each: at most a minute, and rough.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the figures to a file as well.")
def main(names: tuple[str, ...], file: Path | None, *, quick: bool) -> None:
    """Measure the rows NAMES, or the usual ones, against pgbench on a database of their own."""
    configure_logs(production=False, level="error")
    plan = Plan(1, 1.5, 2) if quick else Plan()
    with tempfile.TemporaryDirectory(prefix="erp-bench-", ignore_cleanup_errors=True) as folder:
        click.echo(
            f"Preparing one tenant with {PARTNERS:,} partners beside {NEIGHBOURS} with {NEIGHBOUR_PARTNERS:,} …",
            err=True,
        )
        with prepared(Path(folder)) as bench:
            facts = _facts(bench)
            figures, memory = _measure(bench, names or USUAL, plan, quiet=not quick and not names)
    click.echo("\n".join([_heading(facts, plan), "", table(figures), "", _memory(memory)]))
    if file is not None:
        file.write_bytes(
            msgspec.json.format(msgspec.json.encode({"machine": facts, "rows": figures, "memory": memory}))
        )


def _measure(
    bench: Bench, names: Sequence[str], plan: Plan, *, quiet: bool
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    program = find_pgbench()
    if program is None:
        click.echo("pgbench was not found: install PostgreSQL's client programs to see ratios.", err=True)
    pgbench = Pgbench(program, bench.application.addresses.app) if program is not None else None
    memory = {"imported": bare_resident()}

    def say(text: str) -> None:
        click.echo(text, err=True)

    figures = []
    if quiet:
        with serving(bench, log_level="warning") as api:
            quieter = measure_all(bench, api, [ROWS[QUIET_ROW](bench)], None, plan, say)
            figures += [summary(result, "warning") for result in quieter]
    with serving(bench, log_level="info") as api:
        memory["started"] = resident(api.pid)
        results = measure_all(bench, api, [ROWS[name](bench) for name in names], pgbench, plan, say)
        figures = [*(summary(result, "info") for result in results), *figures]
        memory["warm"] = resident(api.pid)
    return figures, memory


def _facts(bench: Bench) -> dict[str, Any]:
    with psycopg.connect(bench.servers.database(DATABASE)) as connection:
        names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        settings = {name: str(connection.execute(f"SHOW {name}".encode()).fetchone()[0]) for name in names}  # type: ignore[index]
    return {"cores": os.cpu_count(), "clients": CLIENTS, **settings}


def _heading(facts: dict[str, Any], plan: Plan) -> str:
    return (
        f"{facts['cores']} cores for the API process, PostgreSQL and the load together; {facts['clients']} clients; "
        f"medians of {plan.repeats} repeats of {plan.seconds:g} s, in turn with pgbench (-M prepared; "
        "its role is bound by row-level security too).\n"
        f"PostgreSQL {facts['server_version']}, fsync {facts['fsync']}, "
        f"synchronous_commit {facts['synchronous_commit']}. "
        "Repeats with more than 20 % stolen time are dropped; CPU is the API process's own."
    )


def _memory(memory: dict[str, int]) -> str:
    sizes = ", ".join(f"{name} {value / 1e6:.0f} MB" for name, value in memory.items())
    return f"Resident memory of one API process: {sizes}."


if __name__ == "__main__":
    main()
