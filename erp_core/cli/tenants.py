"""`erp tenants`: companies are opened, listed, suspended and resumed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from erp_core.cli import opening
from erp_core.cli.output import json_option, print_rows, say

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from erp_core.kernel.application import Application
    from erp_core.kernel.database.unit_of_work import Units


@contextmanager
def operator_units(application: Application) -> Iterator[Units]:
    """Give units of work for what an operator does inside tenants."""
    from erp_core.kernel.database.engine import make_engine
    from erp_core.kernel.database.unit_of_work import Units

    address, prepare = application.addresses.app, application.settings.prepare
    engine = make_engine(address, size=1, statement_timeout_ms=60_000, application_name="erp cli", prepare=prepare)
    units = Units(engine, application.plugins.hooks.hook)
    try:
        yield units
    finally:
        units.close()


@contextmanager
def operator_session(application: Application) -> Iterator[Session]:
    """Open one transaction outside every tenant; it commits when the block ends well."""
    from sqlalchemy.orm import Session

    from erp_core.kernel.database.engine import make_engine

    settings = application.settings
    engine = make_engine(
        application.addresses.app,
        size=1,
        statement_timeout_ms=60_000,
        application_name="erp cli",
        prepare=settings.prepare,
    )
    try:
        with Session(engine) as session, session.begin():
            yield session
    finally:
        engine.dispose()


@click.group()
def tenants() -> None:
    """Create, list, suspend and resume tenants."""


@tenants.command()
@click.argument("slug")
@click.argument("name")
@click.option("--language", default="es_MX", show_default=True, help="es_MX or en.")
@click.option("--time-zone", default="America/Mexico_City", show_default=True, help="A name of the time zone database.")
@click.option("--currency", default="MXN", show_default=True, help="ISO 4217 code.")
@click.option("--country", default="MX", show_default=True, help="ISO 3166 code of two letters.")
def create(slug: str, name: str, *, language: str, time_zone: str, currency: str, country: str) -> None:
    """Open a tenant, with an administrator's role and the roles that each package offers.

    \b
    Example:
      erp tenants create vidrios-norte "Vidrios del Norte" --currency MXN
    """
    with opening.opened(opening.read_settings()) as application:
        from erp_core.app import open_tenant

        facts = {"language": language, "time_zone": time_zone, "currency": currency, "country": country}
        with operator_units(application) as units:
            tenant = open_tenant(application, units, slug, name, **facts)
        click.echo(tenant.id)
    say(f"{slug} is open; `erp users create EMAIL --name … --tenant {slug} --role admin` lets somebody in.")


@tenants.command("list")
@json_option
def list_all(*, as_json: bool) -> None:
    """List every tenant with its state.

    \b
    Example:
      erp tenants list --json
    """
    with opening.opened(opening.read_settings()) as application:
        from erp_core.tenants.services import list_tenants

        with operator_session(application) as session:
            names = ("id", "slug", "name", "state", "language", "time_zone", "currency", "country")
            rows: list[dict[str, Any]] = [
                {name: str(getattr(tenant, name)) for name in names} for tenant in list_tenants(session)
            ]
    columns = ("slug", "name", "state", "language", "time_zone", "currency", "country")
    print_rows(rows, columns, as_json=as_json, empty="There is no tenant; `erp tenants create` opens one.")


@tenants.command()
@click.argument("slug")
def suspend(slug: str) -> None:
    """Stop all work in a tenant, within a second; its data stays.

    \b
    Example:
      erp tenants suspend vidrios-norte
    """
    with opening.opened(opening.read_settings()) as application:
        from erp_core.tenants.services import suspend_tenant

        with operator_session(application) as session:
            suspend_tenant(session, slug)
    say(f"{slug} is suspended; `erp tenants resume {slug}` lets it work again.")


@tenants.command()
@click.argument("slug")
def resume(slug: str) -> None:
    """Let a suspended tenant work again.

    \b
    Example:
      erp tenants resume vidrios-norte
    """
    with opening.opened(opening.read_settings()) as application:
        from erp_core.tenants.services import resume_tenant

        with operator_session(application) as session:
            resume_tenant(session, slug)
    say(f"{slug} works again.")


@tenants.command("offer-roles")
@click.argument("slug")
def offer(slug: str) -> None:
    """Give a tenant the roles that packages offer and that it does not have yet.

    Useful after a package was installed; roles that the tenant changed are left as they are.

    \b
    Example:
      erp tenants offer-roles vidrios-norte
    """
    with opening.opened(opening.read_settings()) as application:
        from erp_core.tenants.services import find_tenant, offer_roles

        with operator_session(application) as session:
            added = offer_roles(session, find_tenant(session, slug), application.roles)
    say(f"New roles: {', '.join(added)}." if added else f"{slug} has every role already.")
