"""Settings, packages and the application, as the commands open them."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from erp_core.cli import statuses
from erp_core.kernel.errors import OperatorError
from erp_core.kernel.settings import Settings, load_settings

if TYPE_CHECKING:
    from erp_core.kernel.application import Application
    from erp_core.kernel.plugins.manager import Plugin, PluginProblem, Plugins


def read_settings(*, plugins: str | None = None) -> Settings:
    """Read the settings of this process; ``plugins`` (comma separated) wins over ERP_PLUGINS."""
    settings = load_settings(os.environ)
    if plugins is None:
        return settings
    return dataclasses.replace(settings, plugins=tuple(slug.strip() for slug in plugins.split(",") if slug.strip()))


def installed_packages(settings: Settings, *, disabled_too: bool = True) -> Plugins:
    """Find the packages without starting anything; those that are not enabled too, unless told otherwise."""
    from erp_core import plugin
    from erp_core.kernel.plugins.manager import find_plugins

    return find_plugins(plugin, settings.plugins, disabled_too=disabled_too)


def all_problems(settings: Settings) -> list[PluginProblem]:
    """List every problem of every package, in its manifest and in what it declares, without starting anything."""
    from erp_core.kernel.plugins.manager import PluginProblems

    problems = list(installed_packages(settings).problems)
    try:
        with opened(settings, strict=False, servers=False):
            pass
    except PluginProblems as found:
        problems += found.problems
    return problems


@contextmanager
def opened(settings: Settings, *, strict: bool = True, servers: bool = True) -> Iterator[Application]:
    """Open the application; with ``servers`` the embedded ones are attached where there are no others."""
    from erp_core.app import bootstrap
    from erp_core.cli.output import say

    with bootstrap(settings, strict=strict, servers=servers, on_progress=say) as application:
        yield application


def chosen_packages(plugins: Plugins, slugs: Sequence[str]) -> list[Plugin]:
    """Give the enabled packages with these slugs (none: all), or refuse an unknown one."""
    known = {plugin.slug: plugin for plugin in plugins.enabled}
    for slug in slugs:
        if slug not in known:
            raise OperatorError(
                f"{slug!r} is not an enabled package.", f"Name one of: {', '.join(known)}.", status=statuses.USAGE
            )
    return [known[slug] for slug in dict.fromkeys(slugs)] if slugs else list(known.values())


def core_version(application: Application) -> str:
    """Give the version of the core that runs."""
    return application.plugins.enabled[0].manifest.version


def stop_on_signals() -> threading.Event:
    """Give an event that SIGTERM and SIGINT set, for services without an event loop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def interrupt_on_sigterm() -> None:
    """Make SIGTERM end a command in the way that Ctrl-C does, so that everything it opened is closed."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def end_with_parent() -> None:
    """Ask this process to stop when its standard input closes.

    `erp up` holds the other end, and the system closes it even when `erp up` is killed: nothing is left running.
    """

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
