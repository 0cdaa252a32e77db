"""`erp demo`: two companies to look around in."""

from __future__ import annotations

import click

from erp_core.cli import opening, statuses
from erp_core.cli.output import json_option, print_rows, say
from erp_core.kernel.errors import OperatorError
from erp_core.kernel.settings import Settings

COLUMNS = ("tenant", "email", "password", "name")


@click.group()
def demo() -> None:
    """Load or reset the demo companies."""


@demo.command()
@json_option
def load(*, as_json: bool) -> None:
    """Load a construction company and a corner shop, with people, and print how to sign in; safe to repeat.

    \b
    Example:
      erp demo load
    """
    opening.interrupt_on_sigterm()
    settings = opening.read_settings()
    refuse_production(settings)
    with opening.opened(settings) as application:
        from erp_core.cli.demo_data import load_everything, sign_in_rows
        from erp_core.cli.plugins import Bar

        with Bar("Loading the demo") as bar:
            load_everything(application, bar)
    print_rows(sign_in_rows(), COLUMNS, as_json=as_json)


@demo.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def reset(*, yes: bool, as_json: bool) -> None:
    """Delete every row of the two demo companies and load them again; other tenants are not touched.

    \b
    Example:
      erp demo reset --yes
    """
    opening.interrupt_on_sigterm()
    settings = opening.read_settings()
    refuse_production(settings)
    with opening.opened(settings) as application:
        from erp_core.cli.demo_data import TENANTS, delete_rows, load_everything, sign_in_rows
        from erp_core.cli.plugins import Bar, migrator_address

        slugs = [tenant.slug for tenant in TENANTS]
        if not yes:
            click.confirm(f"Delete every row of {' and '.join(slugs)}?", abort=True, err=True)
        for slug, rows in delete_rows(migrator_address(application), slugs).items():
            say(f"{slug}: {rows} rows deleted.")
        with Bar("Loading the demo") as bar:
            load_everything(application, bar)
    print_rows(sign_in_rows(), COLUMNS, as_json=as_json)


def refuse_production(settings: Settings) -> None:
    """Refuse where strangers could use the passwords that everybody knows."""
    if settings.production:
        sentence = "The demo's passwords are public, so it is not loaded in production."
        raise OperatorError(sentence, "Use another database with ERP_ENV=development.", status=statuses.REFUSED)
