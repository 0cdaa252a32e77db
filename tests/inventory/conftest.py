"""A migrated PostgreSQL, tenants of their own, and a company with a warehouse for the tests of stock."""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import pluggy
import psycopg
import pytest
from psycopg import sql

from erp_core.inventory import services
from erp_core.inventory.models import Location
from erp_core.inventory.schemas import MoveLine, PostedMoves, PostMoves
from erp_core.kernel.context import Actor, Context
from erp_core.kernel.database.engine import make_engine
from erp_core.kernel.database.roles import prepare_server
from erp_core.kernel.database.unit_of_work import Units
from erp_core.kernel.embedded.servers import embedded_servers
from erp_core.kernel.ids import new_id
from erp_core.kernel.migrations.runner import migrate
from erp_core.kernel.plugins.manager import find_plugins
from erp_core.kernel.plugins.manifest import Label, Manifest
from erp_core.products.models import Product
from erp_core.products.services import seed_units

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Database:
    """The migrated database: addresses by role; the superuser's when none is named."""

    admin_url: str
    name: str

    def url(self, role: str | None = None) -> str:
        parts = urlsplit(self.admin_url)
        who = parts.netloc if role is None else f"{role}:{password_of(role)}@{parts.netloc.rpartition('@')[2]}"
        return urlunsplit(parts._replace(netloc=who, path=f"/{self.name}"))


def password_of(role: str) -> str:
    return f"secret-of-{role}"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    given = os.environ.get("ERP_TEST_DATABASE_URL")
    if given:
        yield from _migrated(given)
        return
    folder: Path = tmp_path_factory.mktemp("postgres")
    with embedded_servers(folder, durable=False, redis=False) as servers:
        yield from _migrated(servers.superuser_url())


def _migrated(admin_url: str) -> Iterator[Database]:
    core = types.ModuleType("core_for_tests")
    label = Label("Núcleo", "Core")
    schemas = ("auth", "core", "inventory")
    core.manifest = Manifest("core", "erp_core", label, "0.1.0", ">=0.1", 3011, 3010, schemas, 0)  # type: ignore[attr-defined]
    database = Database(admin_url, f"erp_{uuid4().hex[:12]}")
    prepare_server(admin_url, database.name, passwords=password_of, slugs=[])
    migrate(find_plugins(core, entries=[]), database.url("erp_migrator"))
    yield database
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name)))


@pytest.fixture(scope="session")
def units(database: Database) -> Iterator[Units]:
    engine = make_engine(database.url("erp_app"), size=8, statement_timeout_ms=20_000, application_name="stock tests")
    units = Units(engine, pluggy.PluginManager("erp").hook)
    yield units
    units.close()


@dataclass
class Company:
    """A tenant of the test's own; ``shelf`` and ``store`` are internal, the others virtual."""

    units: Units
    actor: Actor
    places: dict[str, UUID] = field(default_factory=dict)
    measures: dict[str, UUID] = field(default_factory=dict)

    def run(self, function: Callable[..., T], *arguments: Any) -> T:
        return self.units.run(self.actor, lambda ctx: function(ctx, *arguments))

    def product(self, sku: str | None = None, *, unit: str = "PZA", **facts: Any) -> UUID:
        product_id = new_id()
        values = {"kind": "goods", "name": sku or "Cemento gris", "sku": sku or f"SKU-{product_id.hex[-12:]}", **facts}

        def add(ctx: Context) -> None:
            ctx.session.add(Product(tenant_id=ctx.tenant_id, id=product_id, unit_id=self.measures[unit], **values))

        self.run(add)
        return product_id

    def line(
        self, product: UUID, quantity: str | Decimal, source: str, target: str, unit: str | None = None
    ) -> MoveLine:
        return MoveLine(
            product_id=product,
            from_location_id=self.places[source],
            to_location_id=self.places[target],
            quantity=Decimal(quantity),
            unit_id=None if unit is None else self.measures[unit],
        )

    def post(self, *lines: MoveLine, **facts: Any) -> PostedMoves:
        return self.run(services.post_moves, PostMoves(lines=list(lines), **facts))

    def receive(self, product: UUID, quantity: str, place: str = "shelf") -> PostedMoves:
        return self.post(self.line(product, quantity, "supplier", place))

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read with the tenant set, as the application's role."""

        def read(ctx: Context) -> list[tuple[Any, ...]]:
            driver = ctx.session.connection().connection.driver_connection
            return driver.execute(statement, values or None).fetchall()  # type: ignore[union-attr]

        return self.run(read)

    def on_hand(self, product: UUID, place: str = "shelf") -> Decimal:
        query = "SELECT on_hand FROM inventory.balances WHERE tenant_id = %s AND product_id = %s AND location_id = %s"
        found = self.rows(query, self.actor.tenant_id, product, self.places[place])
        return found[0][0] if found else Decimal(0)

    def count(self, table: str) -> int:
        statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split("."))).as_string()
        return int(self.rows(statement)[0][0])


@pytest.fixture
def new_company(units: Units) -> Callable[[], Company]:
    def make() -> Company:
        company = Company(units, Actor(uuid4(), uuid4(), request_id="test"))

        def found(ctx: Context) -> None:
            company.measures.update(seed_units(ctx))
            codes = services.seed_locations(ctx)
            for place, code in (("supplier", "PROVEEDORES"), ("customer", "CLIENTES"), ("loss", "MERMAS")):
                company.places[place] = codes[code]
            for place in ("shelf", "store"):
                company.places[place] = new_id()
                row = Location(
                    tenant_id=ctx.tenant_id, id=company.places[place], code=place.upper(), name=place, kind="internal"
                )
                ctx.session.add(row)

        company.run(found)
        return company

    return make


@pytest.fixture
def company(new_company: Callable[[], Company]) -> Company:
    return new_company()
