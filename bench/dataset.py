"""What is measured on: one tenant with 10,000 partners beside nine with 1,000 each, and products with stock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import psycopg

from bench.pgbench import numbered_id
from erp_core import plugin as core_plugin
from erp_core.kernel.application import Application
from erp_core.kernel.embedded.servers import embedded_servers
from erp_core.kernel.plugins.manager import CORE, find_plugins
from erp_core.testing.environment import (
    Erp,
    Person,
    Servers,
    application_on,
    booted,
    prepare_database,
)

DATABASE = "erp_bench"
PARTNERS = 10_000
NEIGHBOURS = 9
NEIGHBOUR_PARTNERS = 1000
PRODUCTS = 1000
FIRST_PARTNER = 10**12
FIRST_PRODUCT = 2 * 10**12
UNIT = numbered_id(3 * 10**12)
SUPPLIER = numbered_id(4 * 10**12)
WAREHOUSE = numbered_id(5 * 10**12)

_ID = "lpad((%(first)s + n)::text, 32, '0')::uuid"
# Only names of this module are put into these texts; values are bound.
_PARTNERS = f"""
INSERT INTO core.partners (tenant_id, id, code, name, legal_name, kind, is_customer, is_supplier, email, phone,
    created_at)
SELECT %(tenant)s, {_ID}, 'P-' || lpad(n::text, 6, '0'), 'Ferretería El Tornillo ' || md5(n::text),
    'Ferretería El Tornillo número ' || n || ', S.A. de C.V.', 'company', n %% 2 = 0, n %% 3 = 0,
    'compras' || n || '@example.mx', '+52 33 3615 ' || lpad((n %% 10000)::text, 4, '0'), now() - n * interval '1 minute'
FROM generate_series(0, %(count)s - 1) AS n
"""  # noqa: S608 - see above
_STOCK = (
    """
    INSERT INTO core.units (tenant_id, id, code, name, name_en, dimension, numerator, denominator)
    VALUES (%(tenant)s, %(unit)s, 'pza-b', 'Pieza', 'Piece', 'count', 1, 1)
    """,
    """
    INSERT INTO inventory.locations (tenant_id, id, code, name, kind, may_go_negative)
    VALUES (%(tenant)s, %(supplier)s, 'PROV-B', 'Proveedores', 'supplier', true),
           (%(tenant)s, %(warehouse)s, 'ALM-B', 'Almacén', 'internal', false)
    """,
    f"""
    INSERT INTO core.products (tenant_id, id, sku, name, kind, unit_id)
    SELECT %(tenant)s, {_ID}, 'SKU-' || n, 'Tornillo ' || n, 'goods', %(unit)s
    FROM generate_series(0, %(count)s - 1) AS n
    """,  # noqa: S608 - as above
)


@dataclass(frozen=True, slots=True)
class Bench:
    """A migrated and filled database, and somebody signed in to its largest tenant."""

    servers: Servers
    application: Application
    person: Person
    folder: Path

    @property
    def tenant_id(self) -> UUID:
        return self.person.tenant_id


@contextmanager
def prepared(folder: Path, *, partners: int = PARTNERS, durable: bool = True) -> Iterator[Bench]:
    """Start servers with a cluster of their own in ``folder``, migrate, fill, vacuum; all is stopped at the end."""
    with embedded_servers(folder, durable=durable) as embedded:
        servers = Servers(embedded.superuser_url(), embedded.redis_url)
        plugins = find_plugins(core_plugin, (CORE,))
        prepare_database(servers, DATABASE, plugins)
        application = application_on(servers, DATABASE, plugins)
        with httpx.Client() as http, booted(application, http) as erp:
            person = _fill(erp, servers.database(DATABASE), partners)
            yield Bench(servers, application, person, folder)


def _fill(erp: Erp, admin: str, partners: int) -> Person:
    person = erp.open_tenant("bench")
    with psycopg.connect(admin, autocommit=True) as connection:
        _add_partners(connection, person.tenant_id, FIRST_PARTNER, partners)
        for number in range(1, NEIGHBOURS + 1):
            other = erp.open_tenant(f"bench-{number}")
            _add_partners(
                connection, other.tenant_id, FIRST_PARTNER + number * 10**6, partners * NEIGHBOUR_PARTNERS // PARTNERS
            )
        facts = {"tenant": person.tenant_id, "unit": UNIT, "supplier": SUPPLIER, "warehouse": WAREHOUSE}
        for statement in _STOCK:
            connection.execute(statement.encode(), {**facts, "first": FIRST_PRODUCT, "count": PRODUCTS})
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return person


def _add_partners(connection: psycopg.Connection[tuple[object, ...]], tenant: UUID, first: int, count: int) -> None:
    connection.execute(_PARTNERS.encode(), {"tenant": tenant, "first": first, "count": count})
