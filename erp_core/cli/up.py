"""`erp up`: everything on this machine."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from erp_core.cli import opening, statuses, supervisor
from erp_core.cli.output import say, table
from erp_core.cli.ports import refuse_taken
from erp_core.cli.processes import CAN_FORK, forking_starter, spawn_erp
from erp_core.cli.supervisor import Child, GivenUp, Supervisor
from erp_core.kernel.errors import OperatorError

if TYPE_CHECKING:
    from erp_core.kernel.application import Application
    from erp_core.kernel.settings import Settings


@click.command()
@click.option("--demo", "with_demo", is_flag=True, help="Load two demo companies and print how to sign in.")
@click.option("--plugins", metavar="SLUG,…", help="Enable just these packages; wins over ERP_PLUGINS.")
@click.option("--worker/--no-worker", default=True, help="Run background tasks too (default: yes).")
@click.option("--scheduler/--no-scheduler", default=True, help="Run the tasks of the clock too (default: yes).")
@click.option(
    "--ready-file", type=click.Path(dir_okay=False, path_type=Path), help="Write this file when everything answers."
)
@click.option("--port-offset", type=int, default=0, hidden=True, help="Add this to every port.")
def up(
    *, with_demo: bool, plugins: str | None, worker: bool, scheduler: bool, ready_file: Path | None, port_offset: int
) -> None:
    """Run everything on this machine until Ctrl-C.

    Without a DATABASE_URL, PostgreSQL and Redis are started first, under one data directory. The database is migrated,
    then each component gets an API process on its own port, beside one worker and one scheduler.

    \b
    Examples:
      erp up --demo
      erp up --plugins vidrio,pos --no-scheduler
    """
    opening.interrupt_on_sigterm()
    settings = opening.read_settings(plugins=plugins)
    ports = wanted_ports(settings, port_offset)
    refuse_taken(settings.host, ports)
    with opening.opened(settings) as application:
        prepare_database(application)
        if with_demo:
            load_demo(application)
        children = planned_children(ports, worker=worker, scheduler=scheduler)
        run_children(settings, children, ready_file, with_demo=with_demo)


def wanted_ports(settings: Settings, offset: int) -> dict[str, int]:
    """Give the port of each enabled component, or refuse with the table of problems before anything starts."""
    from erp_core.kernel.plugins.manager import PluginProblems

    found = opening.installed_packages(settings, disabled_too=False)
    if found.problems:
        raise PluginProblems(found.problems)
    return {plugin.slug: plugin.manifest.api_port + offset for plugin in found.enabled}


def prepare_database(application: Application) -> None:
    """Bring the database to the installed version."""
    from erp_core.cli.plugins import migrate_packages

    migrate_packages(application, None)


def load_demo(application: Application) -> None:
    """Load the demo companies."""
    from erp_core.cli.demo_data import load_everything

    load_everything(application)


def planned_children(ports: dict[str, int], *, worker: bool, scheduler: bool) -> list[Child]:
    """List the processes: one API for each component, one worker, one scheduler."""
    children = [Child(slug, ["serve", slug, "--port", str(port), "--tied"], port) for slug, port in ports.items()]
    if worker:
        children.append(Child("worker", ["worker", "--tied"]))
    if scheduler:
        children.append(Child("scheduler", ["scheduler", "--tied"]))
    return children


def run_children(settings: Settings, children: list[Child], ready_file: Path | None, *, with_demo: bool) -> None:
    """Supervise the children until a signal; refuse when one dies again and again."""
    stop = threading.Event()
    slugs = ",".join(child.name for child in children if child.port is not None)
    environment = supervisor.child_environment(
        {"ERP_PLUGINS": slugs, "FORCE_COLOR": "1"} if sys.stdout.isatty() else {"ERP_PLUGINS": slugs}
    )
    start = forking_starter() if CAN_FORK else spawn_erp
    running = Supervisor(children, start, environment, settings.host, sys.stdout, stop)

    def on_ready() -> None:
        click.echo("\n" + overview(settings, children, with_demo=with_demo))
        if ready_file is not None:
            ready_file.write_text("ready\n", encoding="utf-8")

    # They stay until this process ends: a second Ctrl-C must not cut the stopping of the servers short.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        running.run(on_ready)
    except GivenUp as given_up:
        times = supervisor.MOST_RESTARTS
        sentence = f"{given_up.child.name} ended {times + 1} times within a minute, so everything was stopped."
        raise OperatorError(
            sentence, "Its last lines above say why; `erp doctor` looks closer.", status=statuses.REFUSED
        ) from None
    finally:
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)
    say("Everything has stopped.")


def overview(settings: Settings, children: list[Child], *, with_demo: bool) -> str:
    """Give the table of components, and the sign-in data of the demo, once everything answers."""
    host = supervisor.reachable(settings.host)
    rows = [
        {
            "component": child.name,
            "process": child.process.pid if child.process else "",
            "health": f"http://{host}:{child.port}/health" if child.port else "-",
        }
        for child in children
    ]
    parts = [table(rows, ["component", "process", "health"])]
    if with_demo:
        from erp_core.cli.demo_data import sign_in_table

        parts.append(sign_in_table())
    return "\n\n".join([*parts, "ready - Ctrl-C stops everything"]) + "\n"
