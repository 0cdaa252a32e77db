"""On 100,000 rows beside other tenants, every list and search of the master data is served by an index."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from erp_core.kernel.application import Application
from erp_core.kernel.context import Actor
from erp_core.kernel.plugins.manager import Plugins
from erp_core.kernel.resources.lists import parse_page
from erp_core.testing.environment import Servers, application_on, drop_database, new_copy

ROWS = 100_000
PARTNERS = """
INSERT INTO core.partners (tenant_id, id, code, name, kind, is_customer, is_supplier, language, currency, created_at)
SELECT %(tenant)s, gen_random_uuid(), 'C' || n, 'Cliente ' || md5(n::text),
  CASE n %% 3 WHEN 0 THEN 'person' ELSE 'company' END,
  n %% 2 = 0, n %% 5 = 0, 'es_MX', 'MXN', now() - n * interval '1 minute' FROM generate_series(1, %(rows)s) n
"""
QUERIES = [
    [("sort", "name")],
    [("sort", "-name")],
    [("sort", "code")],
    [("sort", "-created_at")],
    [("q", "cliente 9")],
    [("q", "cliente 9"), ("sort", "name")],
    [("filter[code]", "C77")],
    [("filter[is_supplier]", "true"), ("sort", "name"), ("limit", "50")],
    [("filter[is_customer]", "true"), ("sort", "-created_at")],
    [("filter[code][gte]", "C9"), ("sort", "code")],
]


@pytest.fixture(scope="module")
def crowded(erp_servers: Servers, erp_plugins: Plugins, erp_template: str) -> Iterator[tuple[Application, UUID]]:
    """A database where one tenant has 100,000 partners and nine others 10,000 each."""
    name = new_copy(erp_servers, erp_template)
    tenant = uuid4()
    with psycopg.connect(erp_servers.database(name), autocommit=True) as connection:
        connection.execute(PARTNERS, {"tenant": tenant, "rows": ROWS})
        for _ in range(9):
            connection.execute(PARTNERS, {"tenant": uuid4(), "rows": ROWS // 10})
        connection.execute("VACUUM ANALYZE core.partners")
    yield application_on(erp_servers, name, erp_plugins), tenant
    drop_database(erp_servers, name)


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_a_page_reads_an_index_and_not_the_table(
    crowded: tuple[Application, UUID], query: list[tuple[str, str]]
) -> None:
    application, tenant = crowded
    actor = Actor(tenant, permissions=application.permissions)
    call = parse_page(application.resources["core.partners"], application.resources, actor, query).calls(tenant)[0]
    values = [None if value is None else value.decode() for value in call.params]

    with psycopg.connect(application.addresses.app) as connection, psycopg.RawCursor(connection) as cursor:
        connection.execute(f"SET LOCAL app.current_tenant = '{tenant}'")
        plan = "\n".join(
            str(row[0]) for row in cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {call.statement.sql}", values)
        )

    assert "Seq Scan" not in plan, plan
    assert "Index" in plan, plan
    assert blocks_read(plan) < 2500, plan


def blocks_read(plan: str) -> int:
    """Give the pages that the whole statement touched; the table alone has about 3,000."""
    found = [part for line in plan.splitlines() if "Buffers:" in line for part in line.split() if "=" in part]
    return max(int(part.split("=")[1]) for part in found if part.startswith(("hit=", "read=")))
