"""Print what one read transaction costs: this process's CPU through the pool, and the server's rate under pgbench.

    python -m bench.pipeline_cpu postgresql://superuser@host/postgres

It makes a database and a role of its own and drops both when it is done.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bench.pgbench import find_pgbench
from erp_core.kernel.queries.pipeline import Call, encode, statement
from erp_core.kernel.queries.pool import Pool

TENANT = UUID("00000000-0000-4000-8000-000000000001")
ITEM = UUID("00000000-0000-7000-8000-000000000007")
READ = (
    "SELECT json_build_object('id', id, 'name', name, 'price', price::text)::text "
    "FROM items WHERE tenant_id = {tenant} AND id = {item}"
)
POLICY = "tenant_id = nullif(current_setting('app.current_tenant', true), '')::uuid"
SCHEMA = f"""
CREATE TABLE items (tenant_id uuid NOT NULL, id uuid NOT NULL, name text NOT NULL, price numeric(18,6) NOT NULL,
                    PRIMARY KEY (tenant_id, id));
INSERT INTO items SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(t), 12, '0'))::uuid,
                         ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'item ' || i, i
                    FROM generate_series(1, 20) AS t, generate_series(1, 1000) AS i;
ALTER TABLE items ENABLE ROW LEVEL SECURITY;
ALTER TABLE items FORCE ROW LEVEL SECURITY;
CREATE POLICY one ON items USING ({POLICY});
CREATE POLICY two ON items AS RESTRICTIVE USING ({POLICY});
GRANT SELECT ON items TO PUBLIC;
ANALYZE items;
"""  # noqa: S608 - only the policy above is put into it
ROUNDS = 5
TRANSACTIONS = 6000


@contextmanager
def bench_database(url: str) -> Iterator[str]:
    """Yield the address of a fresh database, as a role that row-level security applies to."""
    name = sql.Identifier(own := f"bench_{uuid4().hex[:8]}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'bench'").format(name))
        try:
            with psycopg.connect(make_conninfo(url, dbname=own)) as owner:
                owner.execute(SCHEMA.encode())
            yield make_conninfo(url, dbname=own, user=own, password="bench")  # noqa: S106 - of a role that lives for one run
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
            connection.execute(sql.SQL("DROP ROLE {}").format(name))


async def measure(url: str, callers: int, connections: int) -> tuple[float, float]:
    """Return the best round's client CPU in µs per transaction and its transactions per second."""
    pool = Pool(url, size=connections)
    await pool.open()
    call = Call(statement(READ.format(tenant="$1", item="$2")), [encode(TENANT), encode(ITEM)])

    async def caller() -> None:
        for _ in range(TRANSACTIONS // callers):
            answers = await pool.run(TENANT, [call], read_only=True)
            if not answers[0].value():
                raise RuntimeError("the row was not found")

    best_cpu, best_rate = float("inf"), 0.0
    for _ in range(ROUNDS):
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(callers)))
        best_cpu = min(best_cpu, (time.process_time() - cpu) / TRANSACTIONS * 1e6)
        best_rate = max(best_rate, TRANSACTIONS / (time.perf_counter() - wall))
    await pool.close()
    return best_cpu, best_rate


def measure_pgbench(program: str, url: str, clients: int) -> float:
    """Return the server's transactions per second for the same statements in one pipeline."""
    script = "\n".join(
        [
            "\\startpipeline",
            "BEGIN READ ONLY;",
            f"SET LOCAL app.current_tenant = '{TENANT}';",
            READ.format(tenant=f"'{TENANT}'::uuid", item=":item::uuid") + ";",
            "COMMIT;",
            "\\endpipeline",
        ]
    )
    address = conninfo_to_dict(url)
    variables = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname"}
    own = {name: str(address[key]) for name, key in variables.items() if address.get(key)}
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        command = [program, "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", "4", "-f", file.name]
        command += ["-D", f"item={ITEM}"]
        output = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=60, env={**os.environ, **own}
        )
    found = re.search(r"tps = ([\d.]+)", output.stdout)
    return float(found[1]) if found else 0.0


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("Give the address of a server as its superuser: postgresql://user@host/postgres")
    loops = {"asyncio": asyncio.run}
    if importlib.util.find_spec("uvloop"):
        import uvloop

        loops["uvloop"] = uvloop.run
    with bench_database(sys.argv[1]) as url:
        print("loop      callers  connections  client µs  tx/s")
        for name, run in loops.items():
            for callers, connections in ((1, 1), (4, 4), (8, 4), (32, 8)):
                cpu, rate = run(measure(url, callers, connections))
                print(f"{name:<9} {callers:>7}  {connections:>11}  {cpu:>9.1f}  {rate:>5.0f}", flush=True)
        program = find_pgbench()
        if program is None:
            print("pgbench was not found: install PostgreSQL's client programs to see the server's own rate")
            return
        for clients in (1, 8):
            print(f"pgbench, {clients} clients: {measure_pgbench(program, url, clients):.0f} tx/s", flush=True)


if __name__ == "__main__":
    main()
