"""The entry point: the list of commands, each imported only when it is asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

import click

from erp_core.cli.statuses import MEANINGS

# Importing a command imports what it works with, which takes a hundred times longer than printing this list.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "up": ("erp_core.cli.up:up", "Run everything on this machine: servers, APIs, worker and scheduler."),
    "serve": ("erp_core.cli.serve:serve", "Serve the API of one component, or of many together."),
    "worker": ("erp_core.cli.workers:worker", "Run background tasks."),
    "scheduler": ("erp_core.cli.workers:scheduler", "Start the tasks that run by the clock."),
    "plugins": ("erp_core.cli.plugins:plugins", "List, check, migrate and remove packages."),
    "tenants": ("erp_core.cli.tenants:tenants", "Create, list, suspend and resume tenants."),
    "users": ("erp_core.cli.users:users", "Create users, set passwords and grant roles."),
    "keys": ("erp_core.cli.keys:keys", "Rotate the keys that access tokens are signed with."),
    "db": ("erp_core.cli.db:db", "Prepare a database server and print its addresses."),
    "demo": ("erp_core.cli.demo:demo", "Load or reset the demo companies."),
    "doctor": ("erp_core.cli.doctor:doctor", "Look for known troubles and name the remedy of each."),
    "config": ("erp_core.cli.show:config", "List every setting with its value, default and meaning."),
    "routes": ("erp_core.cli.show:routes", "List every address of the API with its permission."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called, not when it is listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])
        with formatter.section("Exit statuses"):
            formatter.write_dl([(str(status), meaning) for status, meaning in MEANINGS.items()])


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"erp-core {version('erp-core')}")
        except PackageNotFoundError:
            click.echo("erp-core (not installed; running from its source)")
        ctx.exit(0)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show the whole trace of an error, with any command.")
def erp() -> None:
    """Operate an ERP made of a core and its verticals.

    \b
    Examples:
      erp up --demo            try everything on this machine
      erp doctor               find out what is wrong, and what to do
      erp plugins migrate      bring the database to the installed version
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit status; every error has been told by then."""
    debug = "--debug" in arguments
    try:
        answer = erp.main(args=[a for a in arguments if a != "--debug"], prog_name="erp", standalone_mode=False)
    except BaseException as error:  # noqa: BLE001 - this is the last place that can turn one into a sentence
        from erp_core.cli.failures import report_failure

        return report_failure(error, debug=debug)
    return answer if isinstance(answer, int) else 0


def main() -> NoReturn:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))
