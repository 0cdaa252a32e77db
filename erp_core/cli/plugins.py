"""`erp plugins`: what is installed, how far it is migrated, and how it leaves."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

import click

from erp_core.cli import opening, statuses
from erp_core.cli.output import json_option, print_facts, print_json, print_rows, progress, say
from erp_core.kernel.errors import OperatorError

if TYPE_CHECKING:
    from erp_core.kernel.application import Application
    from erp_core.kernel.migrations.runner import Applied
    from erp_core.kernel.plugins.manager import Plugin, Plugins

LISTED = ("slug", "name", "version", "revision", "state")


@click.group()
def plugins() -> None:
    """List, check, migrate and remove packages."""


@plugins.command("list")
@json_option
def list_packages(*, as_json: bool) -> None:
    """List every package with its version, its revision in the database and its state.

    States: up to date, behind, not migrated, ahead (the database is newer), disabled, problem, removed (its tables are
    still there).

    \b
    Examples:
      erp plugins list
      erp plugins list --json
    """
    with opening.opened(opening.read_settings(), strict=False) as application:
        print_rows(package_rows(application), LISTED, as_json=as_json)


def package_rows(application: Application) -> list[dict[str, Any]]:
    """Say of each package that is installed, or left tables behind, how it stands."""
    from erp_core.kernel.migrations.status import status

    found = opening.installed_packages(application.settings)
    enabled = {plugin.slug for plugin in application.plugins.enabled}
    bad = {problem.plugin for problem in found.problems}
    rows = []
    for one in status(found, application.addresses.migrator or application.addresses.app):
        state: str = one.state
        if one.slug in bad:
            state = "problem"
        elif one.state != "removed" and one.slug not in enabled:
            state = "disabled"
        rows.append(
            {
                "slug": one.slug,
                "name": one.name,
                "version": one.package_version,
                "revision": one.current,
                "head": one.head,
                "state": state,
            }
        )
    known = {row["slug"] for row in rows}
    first = {problem.plugin: problem for problem in reversed(found.problems) if problem.plugin not in known}
    rows += [
        {"slug": p.plugin, "name": "", "version": p.version, "revision": None, "head": None, "state": "problem"}
        for p in first.values()
    ]
    return rows


@plugins.command()
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(slug: str, *, as_json: bool) -> None:
    """Show what a package says about itself.

    \b
    Example:
      erp plugins info vidrio
    """
    found = opening.installed_packages(opening.read_settings())
    plugin = found.installed.get(slug)
    if plugin is None:
        raise OperatorError(
            f"There is no package {slug}.", f"Installed are: {', '.join(found.installed)}.", status=statuses.REFUSED
        )
    facts = package_facts(found, plugin)
    if as_json:
        print_json(facts)
    else:
        print_facts(list(facts.items()))


def package_facts(found: Plugins, plugin: Plugin) -> dict[str, Any]:
    """Give the facts of a manifest by name."""
    manifest = plugin.manifest
    return {
        "slug": manifest.slug,
        "name": manifest.label.es,
        "name_en": manifest.label.en,
        "distribution": plugin.distribution,
        "version": manifest.version,
        "needs_core": manifest.core,
        "requires": list(manifest.requires),
        "uses": list(manifest.uses),
        "schemas": list(manifest.schemas),
        "api_port": manifest.api_port,
        "web_port": manifest.web_port,
        "redis_db": manifest.redis_db,
        "enabled": found.get(plugin.slug) is not None,
        "problems": [problem.why for problem in found.problems if problem.plugin == plugin.slug],
    }


@plugins.command()
@json_option
def check(*, as_json: bool) -> None:
    """Print the table of all problems of all packages, without starting anything.

    \b
    Example:
      erp plugins check || echo "do not deploy this"
    """
    from erp_core.cli.failures import problem_rows

    rows = problem_rows(opening.all_problems(opening.read_settings()))
    print_rows(
        rows, ("plugin", "version", "needs", "found", "why"), as_json=as_json, empty="Every package can be loaded."
    )
    if rows:
        click.get_current_context().exit(statuses.FAULTS)


@plugins.command()
@click.argument("slug", required=False)
def migrate(slug: str | None) -> None:
    """Bring the database to the installed version of all packages, or of one.

    A second runner waits for the first and then finds nothing to do.

    \b
    Examples:
      erp plugins migrate
      erp plugins migrate vidrio
    """
    opening.interrupt_on_sigterm()
    with opening.opened(opening.read_settings()) as application:
        migrate_packages(application, slug)


def migrate_packages(application: Application, only: str | None) -> None:
    """Apply what is missing, with a bar on a terminal and a sentence a revision elsewhere."""
    from erp_core.kernel.migrations.runner import migrate as apply

    with Bar("Migrating") as bar:
        done = apply(
            application.plugins,
            migrator_address(application),
            only=only,
            progress=bar,
            passwords=role_passwords(application),
            say=say,
        )
    tell(done, "applied", "The database is up to date.")


@plugins.command()
@click.argument("slug")
@click.argument("revision", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
def downgrade(slug: str, revision: str | None, *, yes: bool) -> None:
    """Undo a package's revisions down to REVISION, which stays; without one, or with `base`, all of them.

    \b
    Example:
      erp plugins downgrade vidrio vidrio_0001
    """
    opening.interrupt_on_sigterm()
    with opening.opened(opening.read_settings(), strict=False) as application:
        from erp_core.kernel.migrations.runner import downgrade as undo

        if not yes:
            click.confirm(
                f"Undo {slug} down to {revision or 'nothing'}? What its newer revisions added is lost.",
                abort=True,
                err=True,
            )
        tell(
            undo(application.plugins, migrator_address(application), slug, revision, say=say),
            "undone",
            "There was nothing to undo.",
        )


@plugins.command()
@click.argument("slug")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(slug: str, *, yes: bool) -> None:
    """Show which tables and rows of a package would go, and drop them when told so.

    It works for a package that is no longer installed, too. The core's own rows are never touched.

    \b
    Examples:
      erp plugins remove vidrio
      erp plugins remove vidrio --yes
    """
    opening.interrupt_on_sigterm()
    with opening.opened(opening.read_settings(), strict=False) as application:
        from erp_core.kernel.migrations.removal import preview_removal
        from erp_core.kernel.migrations.removal import remove as drop

        address = migrator_address(application)
        tables = preview_removal(application.plugins, address, slug, say=say)
        print_rows(
            [{"table": t.table, "rows": t.rows} for t in tables],
            ("table", "rows"),
            as_json=False,
            empty=f"{slug} has no tables.",
        )
        if not yes:
            total = sum(table.rows for table in tables)
            click.confirm(f"Drop these {len(tables)} tables and their {total} rows for good?", abort=True, err=True)
        drop(application.plugins, address, slug, say=say)
        say(f"{slug} is removed from the database. `pip uninstall` takes the package away.")


def migrator_address(application: Application) -> str:
    """Give the migrator's address, or say how to set it."""
    address = application.addresses.migrator
    if address is None:
        sentence = "The address of erp_migrator is not known."
        raise OperatorError(sentence, "Set ERP_MIGRATION_URL; `erp db init` prints it.", status=statuses.USAGE)
    return address


def role_passwords(application: Application) -> Callable[[str], str]:
    """Give the password that a component's role gets when it has to be made: the one it will sign in with."""
    by_role: dict[str, str] = {}
    for plugin in application.plugins.enabled:
        parts = urlsplit(application.addresses.role(plugin.slug))
        if parts.username and parts.password:
            by_role[unquote(parts.username)] = unquote(parts.password)
    # A role that this process does not sign in with gets a password that nobody knows, until an operator sets one.
    return lambda role: by_role.get(role) or secrets.token_urlsafe(24)


def tell(done: list[Applied], verb: str, nothing: str) -> None:
    """Report revisions, one a line."""
    for one in done:
        say(f"{verb} {one.slug} {one.revision}: {one.title} ({one.seconds:.2f} s)")
    if not done:
        say(nothing)


class Bar:
    """Follow work that reports (what, done, total); on a terminal only."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._manager: AbstractContextManager[Any] | None = None
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __call__(self, what: str, done: int, total: int) -> None:
        if self._bar is None and total:
            self._manager = progress(self._label, total)
            self._bar = self._manager.__enter__()
        if self._bar is not None:
            self._bar.label = f"{self._label}: {what}"
            self._bar.update(done - self._bar.pos)

    def __exit__(self, *_: object) -> None:
        if self._manager is not None:
            self._manager.__exit__(None, None, None)
