"""`erp worker` and `erp scheduler`."""

from __future__ import annotations

import click

from erp_core.cli import opening
from erp_core.cli.output import say

tied_option = click.option("--tied", is_flag=True, hidden=True, help="Stop when the standard input closes.")


@click.command()
@click.argument("slugs", nargs=-1, metavar="[SLUG]…")
@tied_option
def worker(slugs: tuple[str, ...], *, tied: bool) -> None:
    """Run the background tasks of the components named, or of all enabled ones.

    SIGTERM lets the running tasks end, for a minute at most; what is not done is taken up by the next worker.

    \b
    Examples:
      erp worker
      erp worker core vidrio
    """
    if tied:
        opening.end_with_parent()
    stop = opening.stop_on_signals()
    with opening.opened(opening.read_settings()) as application:
        from erp_core.app import refuse_privileged
        from erp_core.kernel.services_registry import describe_service, registered
        from erp_core.kernel.tasks.worker import run_worker

        chosen = tuple(package.slug for package in opening.chosen_packages(application.plugins, slugs))
        refuse_privileged(application.addresses.role(slugs[0]) if len(slugs) == 1 else application.addresses.app)
        record = describe_service(
            "worker", chosen, version=opening.core_version(application), jwt_secret=application.settings.jwt_secret
        )
        with registered(application.addresses.redis_db(0), record):
            say(f"Working for {', '.join(chosen)}")
            # Under `erp up` everything has to be gone within ten seconds.
            run_worker(application, chosen if slugs else None, stop, stop_seconds=6.0 if tied else None)


@click.command()
@tied_option
def scheduler(*, tied: bool) -> None:
    """Start the tasks that run by the clock; of several schedulers one leads and the others wait.

    \b
    Example:
      erp scheduler
    """
    if tied:
        opening.end_with_parent()
    stop = opening.stop_on_signals()
    with opening.opened(opening.read_settings()) as application:
        from erp_core.app import refuse_privileged
        from erp_core.kernel.services_registry import describe_service, registered
        from erp_core.kernel.tasks.worker import run_scheduler

        refuse_privileged(application.addresses.app)
        record = describe_service(
            "scheduler", (), version=opening.core_version(application), jwt_secret=application.settings.jwt_secret
        )
        with registered(application.addresses.redis_db(0), record):
            say("Scheduling")
            run_scheduler(application, stop)
