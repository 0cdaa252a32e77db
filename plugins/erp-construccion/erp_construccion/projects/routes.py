"""The business actions of jobs."""

from __future__ import annotations

from uuid import UUID

from erp_construccion.projects import services
from erp_construccion.projects.errors import ClientNotCustomer
from erp_construccion.projects.resources import projects
from erp_construccion.projects.schemas import MoveProject
from erp_core.kernel.context import Context
from erp_core.kernel.errors import NotFound, WrongState
from erp_core.kernel.http.routing import Reply, Route, route
from erp_core.kernel.resources.show import show


@route(
    "POST",
    "/projects/{project_id:uuid}/move",
    "construccion.projects.move",
    problems=(NotFound, WrongState, ClientNotCustomer),
)
def move_project(ctx: Context, project_id: UUID, data: MoveProject) -> Reply:
    """Move a job to another state of its life."""
    return Reply(show(ctx, projects, services.move_project(ctx, project_id, data).id))


ROUTES: tuple[Route, ...] = (move_project,)
