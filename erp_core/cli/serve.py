"""`erp serve`: the API of one component, or of many in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from erp_core.cli import opening
from erp_core.cli.output import say
from erp_core.cli.ports import refuse_taken

if TYPE_CHECKING:
    from erp_core.kernel.plugins.manager import Plugin
    from erp_core.kernel.settings import Settings


@click.command()
@click.argument("slugs", nargs=-1, metavar="[SLUG]…")
@click.option("--host", help="Address to listen on; default: ERP_HOST.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on; default: PORT, or the component's own.")
@click.option("--tied", is_flag=True, hidden=True, help="Stop when the standard input closes.")
def serve(slugs: tuple[str, ...], host: str | None, port: int | None, *, tied: bool) -> None:
    """Serve the API of the components named, or of all enabled ones.

    One component listens on its assigned port; several, or all, share the core's unless a port is given. SIGTERM stops
    the service within five seconds; requests that are being answered are finished first.

    \b
    Examples:
      erp serve                 everything, on the core's port 3011
      erp serve vidrio          one vertical, on its own port 3031
      erp serve core --port 80 --host 0.0.0.0
    """
    if tied:
        opening.end_with_parent()
    opening.interrupt_on_sigterm()
    settings = opening.read_settings()
    with opening.opened(settings) as application:
        packages = opening.chosen_packages(application.plugins, slugs)
        chosen = tuple(package.slug for package in packages)
        core = application.plugins.enabled[0]
        at = port or assigned_port(settings, packages, core)
        address = host or settings.host
        refuse_taken(address, {chosen[0] if len(chosen) == 1 else "core": at})

        from erp_core.app import asgi
        from erp_core.cli.server import serve_application
        from erp_core.kernel.services_registry import describe_service, registered

        record = describe_service("api", chosen, version=core.manifest.version, port=at, jwt_secret=settings.jwt_secret)
        with registered(application.addresses.redis_db(0), record):
            started = lambda: say(f"Serving {', '.join(chosen)} on http://{address}:{at}")  # noqa: E731
            serve_application(asgi(application, chosen), address, at, started=started)


def assigned_port(settings: Settings, packages: list[Plugin], core: Plugin) -> int:
    """Choose the port: PORT where it is set, the component's own for one, the core's for several."""
    if settings.port is not None:
        return settings.port
    return (packages[0] if len(packages) == 1 else core).manifest.api_port
