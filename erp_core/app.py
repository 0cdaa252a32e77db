"""Putting the whole together: one `bootstrap` for web, worker, scheduler, command line and tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg

from erp_core import plugin as core_plugin
from erp_core.auth.models import Tenant
from erp_core.auth.services import delete_expired
from erp_core.kernel.application import Addresses, Application
from erp_core.kernel.context import Actor, Context
from erp_core.kernel.database.model import REFUSALS, RESOURCE
from erp_core.kernel.database.roles import component_role, prepare_server, privileged
from erp_core.kernel.database.unit_of_work import Units
from erp_core.kernel.embedded.data_directory import default_data_dir
from erp_core.kernel.embedded.servers import EmbeddedServers, embedded_servers
from erp_core.kernel.errors import OperatorError
from erp_core.kernel.http.routing import Route
from erp_core.kernel.i18n import load_catalogues
from erp_core.kernel.ids import new_id
from erp_core.kernel.logs import configure_logs
from erp_core.kernel.plugins.manager import (
    CORE,
    PluginProblem,
    PluginProblems,
    Plugins,
    find_plugins,
    gather,
)
from erp_core.kernel.resources.checks import check_declarations
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.import_task import import_task
from erp_core.kernel.resources.sql import table_of
from erp_core.kernel.settings import Settings
from erp_core.tenants.services import create_tenant

if TYPE_CHECKING:
    from litestar import Litestar


@contextmanager
def bootstrap(
    settings: Settings, *, strict: bool = True, servers: bool = True, on_progress: Callable[[str], None] | None = None
) -> Iterator[Application]:
    """Find and check every package, attach to the servers, and give the application for as long as the block lasts.

    Embedded servers are started, or shared with whoever runs them, where the settings name none. ``strict`` raises
    ``PluginProblems`` instead of leaving out what cannot be loaded; ``servers=False`` starts nothing (for listings).
    """
    configure_logs(production=settings.production, level=settings.log_level)
    with ExitStack() as stack:
        plugins = find_plugins(core_plugin, settings.plugins)
        if strict and plugins.problems:
            raise PluginProblems(plugins.problems)
        embedded = None
        if servers and (settings.embedded_database or settings.embedded_redis):
            embedded = stack.enter_context(
                embedded_servers(
                    data_directory(settings),
                    postgres=settings.embedded_database,
                    redis=settings.embedded_redis,
                    on_progress=on_progress,
                )
            )
            if settings.embedded_database:
                _prepare(embedded, settings, plugins)
        yield compose(settings, plugins, resolve_addresses(settings, embedded))


def compose(settings: Settings, plugins: Plugins, addresses: Addresses) -> Application:
    """Gather what the packages declare into an application; a fault in a declaration stops the start."""
    declared = gather(plugins, "resources")
    resources = {resource.name: resource for _, resource in declared}
    routes = tuple(gather(plugins, "routes"))
    tasks = {task.name: task for _, task in gather(plugins, "tasks")}
    importer = import_task(resources)
    schedules = {schedule.name: schedule for _, schedule in gather(plugins, "schedules")}
    faults = check_declarations(declared, list(routes), tasks | {importer.name: importer}, schedules)
    if faults:
        versions = {slug: plugin.manifest.version for slug, plugin in plugins.installed.items()}
        raise PluginProblems(
            [
                PluginProblem(slug, versions.get(slug, "-"), "a sound declaration", what, why)
                for slug, what, why in faults
            ]
        )
    note_resources(resources)
    permissions = {name for resource in resources.values() for name in resource.permissions()}
    permissions |= {route.permission for _, route in routes if "." in route.permission}
    permissions |= {name for _, route in routes if isinstance(route, Route) for name in route.also}
    return Application(
        settings=settings,
        plugins=plugins,
        addresses=addresses,
        resources=resources,
        routes=routes,
        tasks=tasks | {importer.name: importer},
        schedules=schedules,
        roles=tuple(gather(plugins, "roles")),
        demo=tuple(gather(plugins, "demo")),
        permissions=frozenset(permissions),
        catalogues=load_catalogues(plugin.manifest.package for plugin in plugins.enabled),
        upkeep=(delete_expired,),
    )


def note_resources(resources: Mapping[str, Resource]) -> None:
    """Tell each table whose it is, so that audit, events and refusals speak of the resource wherever a row changes."""
    for resource in resources.values():
        info = table_of(resource).info
        info[RESOURCE], info[REFUSALS] = resource.name, resource.refusals


def asgi(application: Application, slugs: Sequence[str]) -> Litestar:
    """Build the web application for these packages, or refuse to serve with a privileged role."""
    from erp_core.auth.authenticator import Authenticator
    from erp_core.kernel.http.app import make_app

    served = tuple(slugs) or tuple(plugin.slug for plugin in application.plugins.enabled)
    refuse_privileged(application.addresses.role(served[0]) if len(served) == 1 else application.addresses.app)
    return make_app(application, served, Authenticator(application.permissions))


def open_tenant(application: Application, units: Units, slug: str, name: str, **facts: str) -> Tenant:
    """Open a tenant with its roles and whatever each package gives a new one, in one transaction.

    ``facts`` are ``language``, ``time_zone``, ``currency`` and ``country``.
    """
    actor = Actor(new_id(), None, application.permissions, request_id="open tenant")

    def work(ctx: Context) -> Tenant:
        tenant = create_tenant(
            ctx.session, slug, name, role_templates=application.roles, tenant_id=actor.tenant_id, **facts
        )
        ctx.hooks.tenant_created(ctx=ctx)
        return tenant

    return units.run(actor, work)


def refuse_privileged(url: str) -> None:
    """Refuse to run with a role that row-level security does not bind."""
    with psycopg.connect(url, connect_timeout=5) as connection:
        why = privileged(connection)
    if why is not None:
        raise OperatorError(why, "Connect as erp_app (`erp db url --role app`) instead.", status=1)


def data_directory(settings: Settings) -> Path:
    """Give the folder of the embedded servers."""
    import os

    return settings.data_dir or default_data_dir(os.environ)


def resolve_addresses(settings: Settings, embedded: EmbeddedServers | None) -> Addresses:
    """Give the addresses of the servers, from the settings or from the embedded ones."""
    database = settings.composed_database_url()
    redis = settings.composed_redis_url() or (embedded.redis_url if embedded is not None else "")
    secret = embedded.secret if embedded is not None else None
    # Without a key nothing is signed with a guessable one: whoever works on the queues refuses to start instead.
    key = settings.task_key or (secret("task signing key") if secret is not None else "")
    if embedded is not None and settings.embedded_database:
        name = settings.db_name

        def address(role: str) -> str:
            return _address(embedded, role, name)

        app = address("erp_app")
        return Addresses(
            app,
            address("erp_migrator"),
            embedded.superuser_url(name),
            redis,
            key.encode(),
            lambda slug: app if slug == CORE else address(component_role(slug)),
        )
    app = database or ""
    return Addresses(app, settings.migration_url, settings.admin_url, redis, key.encode(), lambda _: app)


def _address(embedded: EmbeddedServers, role: str, database: str) -> str:
    password = quote(embedded.secret(role), safe="")
    return f"postgresql://{role}:{password}@{embedded.postgres_host}:{embedded.postgres_port}/{database}"


def _prepare(embedded: EmbeddedServers, settings: Settings, plugins: Plugins) -> None:
    """Make roles and database where they are missing; a look costs a few milliseconds, so every process looks."""
    slugs = [plugin.slug for plugin in plugins.enabled if plugin.slug != CORE]
    wanted = ["erp_owner", "erp_migrator", "erp_app", "erp_backup", *(component_role(slug) for slug in slugs)]
    try:
        with psycopg.connect(embedded.superuser_url(settings.db_name), connect_timeout=5) as connection:
            row = connection.execute("SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s)", [wanted]).fetchone()
        if row is not None and row[0] == len(wanted):
            return
    except psycopg.OperationalError:
        pass  # The database does not exist yet.
    prepare_server(embedded.superuser_url(), settings.db_name, passwords=embedded.secret, slugs=slugs)
