"""Every hook of the platform, typed; the docstrings are its reference.

Two families. *Setup* hooks run once, inside ``bootstrap``, before anything is served; an exception in one stops the
start and appears in the table of problems. *Domain* hooks run inside the open transaction of a command: they may add
to it or refuse by raising a ``Problem`` (which rolls everything back), and they never replace what another one did.
Plugins are called in the order of their slugs; the order carries no meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import pluggy

if TYPE_CHECKING:
    from erp_core.kernel.context import Context
    from erp_core.kernel.http.everyday import EverydayRoute
    from erp_core.kernel.http.routing import Route
    from erp_core.kernel.plugins.declarations import DemoStep, RoleTemplate
    from erp_core.kernel.resources.declaration import Resource
    from erp_core.kernel.tasks.declaration import Schedule, Task

PROJECT = "erp"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def resources() -> Sequence[Resource]:  # type: ignore[empty-body]
    """Give the package's resources. Setup; no transaction. ``versionadded: 0.1``."""


@hookspec
def routes() -> Sequence[Route | EverydayRoute]:  # type: ignore[empty-body]
    """Give the handlers of business actions. Setup; no transaction. ``versionadded: 0.1``."""


@hookspec
def tasks() -> Sequence[Task]:  # type: ignore[empty-body]
    """Give the background tasks. Setup; no transaction. ``versionadded: 0.1``."""


@hookspec
def schedules() -> Sequence[Schedule]:  # type: ignore[empty-body]
    """Give the tasks that start by the clock. Setup; no transaction. ``versionadded: 0.1``."""


@hookspec
def roles() -> Sequence[RoleTemplate]:  # type: ignore[empty-body]
    """Give the roles that a new tenant is offered for this package. Setup; no transaction. ``versionadded: 0.1``."""


@hookspec
def demo() -> Sequence[DemoStep]:  # type: ignore[empty-body]
    """Give the steps that load a small true-to-life data set.

    Setup; the steps themselves run when an operator asks for the demo, each in one transaction of its tenant, and
    must be safe to repeat. ``versionadded: 0.1``
    """


@hookspec
def about_to_archive(ctx: Context, resource: str, object_id: UUID) -> None:
    """Refuse that an object is archived, by raising a ``Problem``, or write beside it.

    Domain; runs in the transaction that archives, before the row changes. ``resource`` is the declared name, such as
    ``core.partners``. An exception other than a ``Problem`` becomes ``internal_error``; either way nothing is changed.
    ``versionadded: 0.1``.
    """


@hookspec
def tenant_created(ctx: Context) -> None:
    """Give a new tenant what it starts with.

    Domain; runs in the transaction that opens the tenant, with the tenant set and nobody signed in. An exception opens
    no tenant. A package that is installed later is not called for the tenants that exist: its own code must do without
    what this would have made. ``versionadded: 0.1``.
    """
