"""Every row against a real server: what it sends is answered, and pgbench does the same work."""

from __future__ import annotations

import psycopg
import pytest

from bench.dataset import DATABASE, prepared
from bench.load import LoadError, make_request, put_load
from bench.measure import script_of
from bench.pgbench import Pgbench, find_pgbench
from bench.rows import ROWS
from bench.server import serving, statements_per_request
from erp_core.kernel.http.health import revision_line
from erp_core.kernel.migrations.status import expected_heads

STATEMENTS = {"create": 4, "read": 4, "list": 4, "move": 7, "move-hot": 7, "create-keyed": 6}
# What two clients with three transactions each leave behind.
WRITTEN = {
    "create": {"core.partners": 6, "core.audit_entries": 6, "core.outbox": 6},
    "create-keyed": {"core.partners": 6, "core.idempotency_keys": 6},
    "move": {"inventory.movements": 6, "core.audit_entries": 6},
    "move-hot": {"inventory.movements": 6},
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with prepared(tmp_path_factory.mktemp("bench"), partners=10_000, durable=False) as found:
        yield found


@pytest.fixture(scope="module")
def api(bench):
    with serving(bench, log_level="warning") as found:
        yield found


def counts(bench, tables):
    with psycopg.connect(bench.servers.database(DATABASE)) as connection:
        return {table: connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()[0] for table in tables}


@pytest.mark.parametrize("name", ROWS)
def test_a_request_is_answered_and_sends_as_many_statements_as_it_should(bench, api, name):
    row = ROWS[name](bench)

    load = put_load(api.port, row.requests, 0.2, connections=2)

    assert len(load.latencies) > 2
    assert round(statements_per_request(bench, api, row.requests), 0) == STATEMENTS[name]


@pytest.mark.parametrize("pipeline", [False, True])
@pytest.mark.parametrize("name", ROWS)
def test_pgbench_does_the_work_of_the_request(bench, name, pipeline):
    program = find_pgbench()
    if program is None:
        pytest.skip("this machine has no pgbench")
    row, tables = ROWS[name](bench), WRITTEN.get(name, {})
    before = counts(bench, tables)
    # The runs of both ways share one database, so each numbers its ids after the other's.
    pgbench = Pgbench(program, bench.application.addresses.app, runs=list(ROWS).index(name) * 2 + pipeline)

    rate = pgbench.rate(script_of(bench, row), pipeline=pipeline, clients=2, transactions=3)

    assert rate > 0
    assert {table: count - before[table] for table, count in counts(bench, tables).items()} == tables


def test_a_refused_request_is_no_measurement(api):
    request = make_request("GET", "/api/v1/core/partners", "no-token")

    with pytest.raises(LoadError, match="401"):
        put_load(api.port, [request], 0.1, connections=1)


def test_readiness_reads_the_revisions_that_the_migrations_name(erp_plugins):
    expected = expected_heads(erp_plugins)

    found = {plugin.slug: revision_line(plugin.manifest.package) for plugin in erp_plugins.enabled}

    assert found == {slug: line for slug, (_, line) in expected.items()}
