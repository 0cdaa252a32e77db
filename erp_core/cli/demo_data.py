"""The two demo companies: who can sign in, how they are loaded, and how their rows are taken away again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from erp_core.cli.output import table
from erp_core.cli.tenants import operator_session, operator_units

if TYPE_CHECKING:
    from erp_core.kernel.application import Application

Progress = Callable[[str, int, int], None]

# Known to everybody who reads this, and therefore good for nothing but a demo.
PASSWORD: Final = "demo-Tenochtitlan-1521"  # noqa: S105


@dataclass(frozen=True, slots=True)
class DemoTenant:
    """A demo company."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A person of the demo; ``roles`` are patterns over the names of the tenant's roles."""

    email: str
    name: str
    tenant: str
    roles: tuple[str, ...]


VALLE: Final = "constructora-del-valle"
ESQUINA: Final = "abarrotes-la-esquina"
TENANTS: Final = (
    DemoTenant(VALLE, "Constructora del Valle, S.A. de C.V."),
    DemoTenant(ESQUINA, "Abarrotes La Esquina"),
)
USERS: Final = (
    DemoUser("admin@valle.example", "Valeria Montes", VALLE, ("admin",)),
    DemoUser("ana.compras@valle.example", "Ana Robles", VALLE, ("core.*", "construccion.*")),
    DemoUser("taller@valle.example", "Tomás Herrera", VALLE, ("core.*", "vidrio.*", "mecanicas.*")),
    DemoUser("admin@esquina.example", "Esteban Lara", ESQUINA, ("admin",)),
    DemoUser("caja@esquina.example", "Carmen Soto", ESQUINA, ("pos.*", "retail.*")),
)


def load_everything(application: Application, progress: Progress = lambda *_: None) -> None:
    """Make the demo tenants and users where they are missing, then run every step; safe to repeat."""
    actors = ensure_people(application)
    run_steps(application, actors, progress)


def ensure_people(application: Application) -> dict[str, tuple[UUID, UUID]]:
    """Make tenants, users and memberships; gives the tenant's and its administrator's id by the tenant's slug."""
    from erp_core.auth.errors import EmailInUse
    from erp_core.tenants import services

    open_missing(application)
    tenants: dict[str, UUID] = {}
    administrators: dict[str, UUID] = {}
    with operator_session(application) as session:
        for wanted in TENANTS:
            tenant = services.find_tenant(session, wanted.slug)
            services.offer_roles(session, tenant, application.roles)
            tenants[wanted.slug] = tenant.id
        for person in USERS:
            try:
                user, _ = services.create_user(session, person.email, person.name, PASSWORD)
            except EmailInUse:
                user = services.find_user(session, person.email)
            services.grant(session, person.tenant, person.email, chosen_roles(application, person))
            if "admin" in person.roles:
                administrators[person.tenant] = user.id
    return {slug: (tenant_id, administrators[slug]) for slug, tenant_id in tenants.items()}


def open_missing(application: Application) -> None:
    """Open the demo companies that do not exist yet."""
    from erp_core.app import open_tenant
    from erp_core.tenants.errors import TenantExists

    with operator_units(application) as units:
        for wanted in TENANTS:
            with suppress(TenantExists):
                open_tenant(application, units, wanted.slug, wanted.name)


def chosen_roles(application: Application, person: DemoUser) -> list[str]:
    """Give the names of the roles that a person's patterns mean with the packages that are enabled."""
    known = ["admin", *(f"{slug}.{template.name}" for slug, template in application.roles)]
    return [name for name in known if any(fnmatchcase(name, pattern) for pattern in person.roles)]


def run_steps(application: Application, actors: dict[str, tuple[UUID, UUID]], progress: Progress) -> None:
    """Run each step in one transaction of its tenant, as its administrator."""
    from erp_core.kernel.context import Actor
    from erp_core.kernel.database.engine import make_engine
    from erp_core.kernel.database.unit_of_work import Units

    engine = make_engine(application.addresses.app, size=1, statement_timeout_ms=120_000, application_name="erp demo")
    # Nobody is told after a commit: the relay of the worker finds what is waiting in the outbox.
    units = Units(engine, application.plugins.hooks.hook)
    steps = application.demo
    try:
        for number, (slug, step) in enumerate(steps):
            progress(f"{slug}: {step.label.en}", number, len(steps))
            tenant_id, user_id = actors[step.tenant]
            actor = Actor(
                tenant_id=tenant_id, user_id=user_id, permissions=application.permissions, request_id="erp demo"
            )
            units.run(actor, step.load)
        progress("done", len(steps), len(steps))
    finally:
        units.close()


def delete_rows(migrator_url: str, slugs: Sequence[str]) -> dict[str, int]:
    """Delete the rows of these tenants from every table that has a tenant, and give how many went, by tenant.

    The tenants themselves and the people stay.
    """
    import psycopg
    from psycopg import sql

    from erp_core.kernel.database.addresses import libpq_address

    gone: dict[str, int] = {}
    with psycopg.connect(libpq_address(migrator_url)) as connection:
        connection.execute("SET LOCAL ROLE erp_owner")
        found = connection.execute("SELECT slug, id FROM auth.tenants WHERE slug = ANY(%s)", [list(slugs)]).fetchall()
        tables = connection.execute(_TENANT_TABLES).fetchall()
        for slug, tenant_id in found:
            connection.execute(
                sql.SQL("SET LOCAL app.current_tenant = {}").format(sql.Literal(str(UUID(int=tenant_id.int))))
            )
            row = connection.execute(_delete_everywhere(tables), {"tenant": tenant_id}).fetchone()
            gone[slug] = int(row[0]) if row is not None else 0
    return gone


_TENANT_TABLES: Final = """
SELECT n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attname = 'tenant_id' AND NOT a.attisdropped
  AND pg_get_userbyid(c.relowner) = 'erp_owner'
ORDER BY 1, 2
"""


def _delete_everywhere(tables: Sequence[tuple[str, str]]) -> Any:
    """Delete from all tables in one statement: keys are checked at its end, so that the order does not matter."""
    from psycopg import sql

    names = [sql.Identifier(f"gone_{number}") for number, _ in enumerate(tables)]
    deletes = [
        sql.SQL("{} AS (DELETE FROM {} WHERE tenant_id = %(tenant)s RETURNING 1)").format(
            name, sql.Identifier(schema, relation)
        )
        for name, (schema, relation) in zip(names, tables, strict=True)
    ]
    counts = [sql.SQL("(SELECT count(*) FROM {})").format(name) for name in names]
    return sql.SQL("WITH {} SELECT {}").format(sql.SQL(", ").join(deletes), sql.SQL(" + ").join(counts))


def sign_in_rows() -> list[dict[str, str]]:
    """Give who can sign in to the demo, and how."""
    return [{"tenant": user.tenant, "email": user.email, "password": PASSWORD, "name": user.name} for user in USERS]


def sign_in_table() -> str:
    """Give the same as a table."""
    return table(sign_in_rows(), ["tenant", "email", "password", "name"])
