"""The table of contents of erp-construccion: its manifest and its hooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from erp_construccion import demo as demo_data
from erp_construccion.projects import resources as project_resources
from erp_construccion.projects import routes as project_routes
from erp_construccion.projects import services as project_services
from erp_construccion.projects import tasks as project_tasks
from erp_construccion.roles import ROLES
from erp_core.kernel.plugins.manifest import Label, Manifest
from erp_core.kernel.plugins.specs import hookimpl

if TYPE_CHECKING:
    from uuid import UUID

    from erp_core.kernel.context import Context
    from erp_core.kernel.http.everyday import EverydayRoute
    from erp_core.kernel.http.routing import Route
    from erp_core.kernel.plugins.declarations import DemoStep, RoleTemplate
    from erp_core.kernel.resources.declaration import Resource
    from erp_core.kernel.tasks.declaration import Schedule, Task

manifest = Manifest(
    slug="construccion",
    package="erp_construccion",
    label=Label("Construcción", "Construction"),
    version="0.1.0",
    core=">=0.1,<0.2",
    api_port=3021,
    web_port=3020,
    schemas=("construccion",),
    redis_db=1,
    uses=("auth.tenants", "auth.users", "core.partners", "core.products", "inventory"),
)


@hookimpl
def resources() -> Sequence[Resource]:
    return project_resources.RESOURCES


@hookimpl
def routes() -> Sequence[Route | EverydayRoute]:
    return project_routes.ROUTES


@hookimpl
def tasks() -> Sequence[Task]:
    return project_tasks.TASKS


@hookimpl
def schedules() -> Sequence[Schedule]:
    return project_tasks.SCHEDULES


@hookimpl
def roles() -> Sequence[RoleTemplate]:
    return ROLES


@hookimpl
def demo() -> Sequence[DemoStep]:
    return demo_data.STEPS


@hookimpl
def about_to_archive(ctx: Context, resource: str, object_id: UUID) -> None:
    if resource == "core.partners":
        project_services.refuse_needed_client(ctx, object_id)
