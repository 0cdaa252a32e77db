"""`erp db`: prepare a database server, and print the addresses that psql accepts."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import click

from erp_core.cli import opening, statuses
from erp_core.cli.output import print_json, say
from erp_core.kernel.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from erp_core.kernel.application import Application
    from erp_core.kernel.settings import Settings


@click.group()
def db() -> None:
    """Prepare a database server and print its addresses."""


@db.command()
@click.option("--role", default="app", show_default=True, help="app, migrator, admin, or the slug of a component.")
def url(role: str) -> None:
    """Print the address of the database for a role, password included, as psql takes it.

    \b
    Examples:
      psql "$(erp db url)"
      psql "$(erp db url --role migrator)"
    """
    with opening.opened(opening.read_settings(), strict=False) as application:
        from erp_core.kernel.database.addresses import libpq_address

        click.echo(libpq_address(address_of(application, role)))


def address_of(application: Application, role: str) -> str:
    """Find the address of a role, or refuse one that has none here."""
    addresses = application.addresses
    known = {"app": addresses.app, "migrator": addresses.migrator, "admin": addresses.admin}
    if role in known:
        found = known[role]
        if found is None:
            name = {"migrator": "ERP_MIGRATION_URL", "admin": "ERP_ADMIN_URL"}[role]
            raise OperatorError(f"The address of {role} is not known here.", f"Set {name}.", status=statuses.USAGE)
        return found
    if role not in application.plugins.installed:
        names = ", ".join([*known, *application.plugins.installed])
        raise OperatorError(f"There is no role {role!r}.", f"Name one of: {names}.", status=statuses.USAGE)
    return addresses.role(role)


@db.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of settings to copy.")
def init(*, as_json: bool) -> None:
    """Create the roles, the database and its extensions on the server at ERP_ADMIN_URL.

    Passwords come from DATABASE_URL (or DB_PASSWORD) and ERP_MIGRATION_URL where these are set. Other new roles get one
    made here, which is printed once; roles that exist keep theirs. Safe to repeat.

    \b
    Example:
      ERP_ADMIN_URL=postgresql://postgres:…@db.example/postgres erp db init
    """
    settings = opening.read_settings()
    if settings.admin_url is None:
        raise OperatorError(
            "ERP_ADMIN_URL is not set.",
            "Set it to a superuser's address on the server to prepare.",
            status=statuses.USAGE,
        )
    found = opening.installed_packages(settings)
    slugs = [plugin.slug for plugin in found.enabled if plugin.slug != "core"]

    from erp_core.kernel.database.roles import APPLICATION, MIGRATOR, component_role, prepare_server

    made = new_passwords(settings, [APPLICATION, MIGRATOR, "erp_backup", *(component_role(slug) for slug in slugs)])
    # A role without an entry exists already and keeps its password.
    passwords = cast("Callable[[str], str]", made.get)
    prepare_server(settings.admin_url, settings.db_name, passwords=passwords, slugs=slugs, report=say)
    addresses = {
        role: with_credentials(settings.admin_url, role, password, settings.db_name) for role, password in made.items()
    }
    if as_json:
        print_json({"database": settings.db_name, "addresses": addresses})
        return
    say(f"The database {settings.db_name} is ready; `erp plugins migrate` fills it.")
    names = {APPLICATION: "DATABASE_URL", MIGRATOR: "ERP_MIGRATION_URL"}
    for role, address in addresses.items():
        click.echo(f"{names[role]}={address}" if role in names else f"# {role}: {address}")


def new_passwords(settings: Settings, roles: Sequence[str]) -> dict[str, str]:
    """Give the passwords to set: those that the settings name, and new ones for roles that do not exist yet."""
    import psycopg

    given: dict[str, str] = {}
    for address in (settings.composed_database_url(), settings.migration_url):
        parts = urlsplit(address or "")
        if parts.username and parts.password:
            given[unquote(parts.username)] = unquote(parts.password)
    with psycopg.connect(settings.admin_url or "", connect_timeout=10) as admin:
        existing = {row[0] for row in admin.execute("SELECT rolname FROM pg_roles").fetchall()}
    return {
        role: given.get(role) or secrets.token_urlsafe(24) for role in roles if role in given or role not in existing
    }


def with_credentials(url: str, role: str, password: str, database: str) -> str:
    """Give the address of another role and database on the same server."""
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        parts._replace(netloc=f"{quote(role, safe='')}:{quote(password, safe='')}@{where}", path=f"/{database}")
    )
