"""A real ERP under test: servers, one migrated database, and people in tenants of their own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import filelock
import httpx
import msgspec
import psycopg
from psycopg import sql
from sqlalchemy.orm import Session

from erp_core import plugin as core_plugin
from erp_core.app import compose, open_tenant
from erp_core.auth.models import Role
from erp_core.auth.schemas import TenantBrief
from erp_core.auth.sessions import open_session
from erp_core.kernel.application import Addresses, Application
from erp_core.kernel.context import Actor, Context
from erp_core.kernel.database.engine import make_engine
from erp_core.kernel.database.roles import component_role, copy_database, prepare_server
from erp_core.kernel.database.unit_of_work import Units
from erp_core.kernel.embedded.servers import EmbeddedServers, embedded_servers
from erp_core.kernel.ids import new_id
from erp_core.kernel.migrations.runner import migrate
from erp_core.kernel.plugins.manager import CORE, PluginProblems, Plugins, find_plugins
from erp_core.kernel.settings import Settings
from erp_core.tenants import services as tenants

NOBODY = Actor(UUID(int=0))
TASK_KEY = "a key for tests only, thirty-two characters"


def password_of(role: str) -> str:
    """Give a test role's password; the servers live for one run and listen on loopback."""
    return f"test-{role}"


@dataclass(frozen=True, slots=True)
class Servers:
    """Where PostgreSQL (as superuser) and Redis are."""

    admin: str
    redis: str

    def database(self, name: str, role: str | None = None) -> str:
        """Give the address of a database; the superuser's when no role is named."""
        parts = urlsplit(self.admin)
        who = parts.netloc if role is None else f"{role}:{password_of(role)}@{parts.netloc.rpartition('@')[2]}"
        return urlunsplit(parts._replace(netloc=who, path=f"/{name}"))


@contextmanager
def servers(folder: Path, process: str) -> Iterator[Servers]:
    """Give the servers named by ERP_TEST_DATABASE_URL and ERP_TEST_REDIS_URL, or start embedded ones in ``folder``.

    The test processes of a run share PostgreSQL and have a Redis each: a worker must not be handed what belongs to
    another process's database.
    """
    database, redis = os.environ.get("ERP_TEST_DATABASE_URL"), os.environ.get("ERP_TEST_REDIS_URL")
    if database and redis:
        yield Servers(database, redis)
        return
    with ExitStack() as stack:

        def started(name: str, *, postgres: bool) -> EmbeddedServers:
            (folder / name).mkdir(parents=True, exist_ok=True)
            return stack.enter_context(
                embedded_servers(folder / name, durable=False, postgres=postgres, redis=not postgres)
            )

        admin = database or started("postgres", postgres=True).superuser_url()
        broker = redis or started(f"redis-{process}", postgres=False).redis_url
        yield Servers(admin, broker)


def installed_plugins() -> Plugins:
    """Find all installed packages, or fail with the table of what cannot be loaded."""
    plugins = find_plugins(core_plugin)
    if plugins.problems:
        raise PluginProblems(plugins.problems)
    return plugins


def migrated_template(found: Servers, plugins: Plugins, folder: Path) -> str:
    """Make the migrated database that others are copied from, once for all test processes of a run."""
    marker = folder / "template"
    with filelock.FileLock(folder / "template.lock"):
        if marker.exists():
            return marker.read_text()
        name = f"erp_template_{uuid4().hex[:12]}"
        prepare_database(found, name, plugins)
        marker.write_text(name)
        return name


def prepare_database(found: Servers, name: str, plugins: Plugins) -> None:
    """Make a database with its roles and all migrations."""
    slugs = [plugin.slug for plugin in plugins.enabled if plugin.slug != CORE]
    prepare_server(found.admin, name, passwords=password_of, slugs=slugs)
    migrate(plugins, found.database(name, "erp_migrator"), passwords=password_of)


def new_copy(found: Servers, template: str) -> str:
    """Copy a database and give the copy's name; a fifth of a second instead of all migrations."""
    name = f"erp_test_{uuid4().hex[:12]}"
    copy_database(found.admin, template, name)
    return name


def drop_database(found: Servers, name: str) -> None:
    """Drop a database with whoever is still connected to it."""
    with psycopg.connect(found.admin, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def application_on(found: Servers, database: str, plugins: Plugins) -> Application:
    """Compose the application on one database."""
    app = found.database(database, "erp_app")
    settings = Settings(
        database_url=app, redis_url=found.redis, task_key=TASK_KEY, rate_limit=0, log_level="error", query_connections=4
    )
    addresses = Addresses(
        app=app,
        migrator=found.database(database, "erp_migrator"),
        admin=found.database(database),
        redis=found.redis,
        task_key=TASK_KEY.encode(),
        role=lambda slug: app if slug == CORE else found.database(database, component_role(slug)),
    )
    return compose(settings, plugins, addresses)


@dataclass(slots=True)
class Reply:
    """An answer, read the way that tests speak."""

    response: httpx.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def body(self) -> Any:
        return self.response.json()

    @property
    def problem(self) -> str | None:
        """The code of a refusal; ``None`` for an answer that is none."""
        kind = self.response.headers.get("content-type", "")
        return str(self.body["code"]) if kind.startswith("application/problem+json") else None

    @property
    def etag(self) -> str:
        return self.response.headers["etag"]


@dataclass(slots=True)
class Person:
    """Somebody signed in to a tenant, and the calls they make; paths are below ``/api/v1`` unless they say
    otherwise.
    """

    http: httpx.Client
    tenant_id: UUID
    user_id: UUID
    token: str
    tenant_slug: str = ""
    email: str = ""

    def call(self, method: str, path: str, **options: Any) -> Reply:
        """Send a request as this person."""
        headers = {"authorization": f"Bearer {self.token}"} | dict(options.pop("headers", None) or {})
        if "json" in options:
            options["content"] = msgspec.json.encode(options.pop("json"))
            headers.setdefault("content-type", "application/json")
        address = path if path.startswith(("/api/", "/health", "/.well")) else f"/api/v1{path}"
        return Reply(self.http.request(method, address, headers=headers, **options))

    def get(self, path: str, **options: Any) -> Reply:
        return self.call("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Reply:
        return self.call("POST", path, **({"json": json} if json is not None else {}), **options)

    def patch(self, path: str, json: Any, **options: Any) -> Reply:
        return self.call("PATCH", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> Reply:
        return self.call("DELETE", path, **options)

    def items(self, path: str, **options: Any) -> list[Any]:
        """Give the items of a list that must be answered."""
        answer = self.get(path, **options)
        assert answer.status == 200, answer.response.text
        found: list[Any] = answer.body["items"]
        return found


@dataclass(slots=True)
class Erp:
    """A booted ERP: the application, units of work, and ways to open tenants and sign people in."""

    application: Application
    units: Units
    http: httpx.Client
    environ: dict[str, str] = field(default_factory=dict)

    def open_tenant(self, slug: str | None = None, *, permissions: Iterable[str] = ("*",)) -> Person:
        """Open a tenant and sign its first person in; by default with every permission."""
        slug = slug or f"t{uuid4().hex[:12]}"

        open_tenant(self.application, self.units, slug, f"Empresa {slug}")
        return self.sign_in(slug, permissions=permissions)

    def sign_in(self, slug: str, *, permissions: Iterable[str] = ("*",), email: str | None = None) -> Person:
        """Make a person with exactly these permissions (wildcards allowed) in a tenant, and sign them in."""
        email = email or f"{uuid4().hex[:12]}@erp.example"

        with Session(self.units.engine) as session, session.begin():
            ctx = Context(session, NOBODY, self.units.hooks)
            user, _ = tenants.create_user(session, email, "Persona de prueba", f"Prueba-{uuid4().hex}")
            tenant = tenants.find_tenant(session, slug)
            tenants.grant(session, slug, email, [make_role(ctx, tenant.id, tuple(permissions))])
            brief = TenantBrief(id=tenant.id, slug=tenant.slug, name=tenant.name, is_primary=True)
            token = open_session(ctx, user, brief).access_token
            return Person(self.http, tenant.id, user.id, token, slug, email)

    def actor(self, person: Person) -> Actor:
        """Act as a person without HTTP, with every permission."""
        return Actor(person.tenant_id, person.user_id, self.application.permissions, "test")


def make_role(ctx: Context, tenant_id: UUID, permissions: tuple[str, ...]) -> str:
    """Make a role with these permissions and give its name."""
    tenants.act_in(ctx.session, tenant_id)
    name = f"prueba-{uuid4().hex[:8]}"
    ctx.session.add(Role(tenant_id=tenant_id, id=new_id(), name=name, label=name, permissions=list(permissions)))
    ctx.session.flush()
    return name


@contextmanager
def booted(application: Application, http: httpx.Client) -> Iterator[Erp]:
    """Give an ERP on an application whose HTTP side is already reachable."""
    with ExitStack() as stack:
        engine = make_engine(
            application.addresses.app, size=4, statement_timeout_ms=15000, application_name="erp tests"
        )
        units = Units(engine, application.plugins.hooks.hook)
        stack.callback(units.close)
        environ = {
            "DATABASE_URL": application.addresses.app,
            "ERP_MIGRATION_URL": application.addresses.migrator or "",
            "REDIS_URL": application.addresses.redis,
            "ERP_TASK_KEY": TASK_KEY,
            "ERP_LOG_LEVEL": "warning",
        }
        yield Erp(application, units, http, environ)
