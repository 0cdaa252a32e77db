"""`erp doctor`: every known trouble with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from erp_core.cli import checks_database as database
from erp_core.cli import opening, statuses
from erp_core.cli.checks import (
    COLUMNS,
    FAULT,
    Finding,
    check_background,
    check_disk,
    check_jwt_secret,
    check_plugins,
    check_ports,
    check_redis,
    check_versions,
    running_services,
)
from erp_core.cli.output import json_option, print_rows

if TYPE_CHECKING:
    from erp_core.kernel.application import Application
    from erp_core.kernel.plugins.manager import Plugins
    from erp_core.kernel.settings import Settings


@click.command()
@json_option
def doctor(*, as_json: bool) -> None:
    """Look for known troubles, one row each: check, state, what was found, remedy.

    Where the embedded servers are used they are started for as long as the checks take. The exit status is 5 when
    there is a fault; warnings alone leave it 0.

    \b
    Examples:
      erp doctor
      erp doctor --json
    """
    opening.interrupt_on_sigterm()
    findings = list(examine(opening.read_settings()))
    print_rows([finding.row() for finding in findings], COLUMNS, as_json=as_json)
    if any(finding.state == FAULT for finding in findings):
        click.get_current_context().exit(statuses.FAULTS)


def examine(settings: Settings) -> Iterator[Finding]:
    """Run every check that can run; one that fails does not keep the others from running."""
    from erp_core.app import data_directory
    from erp_core.cli.failures import explain

    found = opening.installed_packages(settings)
    yield from check_plugins(opening.all_problems(settings), [plugin.slug for plugin in found.enabled])
    yield check_disk(data_directory(settings))
    opened = False
    try:
        with opening.opened(settings, strict=False) as application:
            opened = True
            yield from examine_database(application)
            yield from examine_services(settings, application.plugins, application.addresses.redis_db(0))
    except Exception as error:
        if opened:
            raise
        failure = explain(error)
        yield Finding("start", FAULT, failure.sentence, failure.remedy)
        yield from check_ports(settings.host, assigned_ports(found), None)


def examine_database(application: Application) -> Iterator[Finding]:
    """Look at the database as the application sees it, and at its catalogue as the migrator does."""
    from erp_core.kernel.migrations.status import status

    addresses = application.addresses
    connection = database.connect(addresses.app)
    if isinstance(connection, Finding):
        yield connection
        return
    with connection:
        yield database.check_server(connection)
        yield database.check_role(connection)
        yield database.check_clock(connection)
        yield database.check_transactions(connection)
        schemas = [schema for plugin in application.plugins.enabled for schema in plugin.manifest.schemas]
        yield from database.check_isolation(connection, schemas)
    enabled = {plugin.slug for plugin in application.plugins.enabled}
    yield from database.check_schema(status(application.plugins, addresses.migrator or addresses.app), enabled)


def examine_services(settings: Settings, plugins: Plugins, redis_url: str) -> Iterator[Finding]:
    """Look at Redis and at the processes that are registered in it."""
    from erp_core.kernel.services_registry import jwt_fingerprint

    yield check_redis(redis_url)
    services = running_services(redis_url)
    yield from check_ports(settings.host, assigned_ports(plugins), services)
    if services is not None:
        yield check_jwt_secret(services, jwt_fingerprint(settings.jwt_secret))
        yield check_versions(services, plugins.enabled[0].manifest.version)
        yield from check_background(services)


def assigned_ports(plugins: Plugins) -> dict[str, int]:
    """Give the port of each enabled component."""
    return {plugin.slug: plugin.manifest.api_port for plugin in plugins.enabled}
