"""What a process of any kind is made of, after `bootstrap`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy.orm import Session

from erp_core.kernel.http.everyday import EverydayRoute
from erp_core.kernel.http.routing import Route
from erp_core.kernel.plugins.declarations import DemoStep, RoleTemplate
from erp_core.kernel.plugins.manager import Plugins
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.settings import Settings
from erp_core.kernel.tasks.declaration import Schedule, Task

if TYPE_CHECKING:
    from erp_core.kernel.i18n import Catalogues


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the servers are. ``redis`` has no database number; ``role`` gives the address for a component's own
    role.
    """

    app: str
    migrator: str | None
    admin: str | None
    redis: str
    task_key: bytes
    role: Callable[[str], str]

    def redis_db(self, number: int) -> str:
        """Give the address of one Redis database."""
        parts = urlsplit(self.redis)
        return urlunsplit(parts._replace(path=f"/{number}"))


@dataclass(frozen=True, slots=True)
class Application:
    """Everything that `bootstrap` found, checked and put together; the same for web, worker, scheduler and command
    line.
    """

    settings: Settings
    plugins: Plugins
    addresses: Addresses
    resources: dict[str, Resource]
    routes: tuple[tuple[str, Route | EverydayRoute], ...]
    tasks: dict[str, Task]
    schedules: dict[str, Schedule]
    roles: tuple[tuple[str, RoleTemplate], ...]
    demo: tuple[tuple[str, DemoStep], ...]
    permissions: frozenset[str]
    catalogues: Catalogues
    upkeep: tuple[Callable[[Session, datetime], object], ...] = ()
