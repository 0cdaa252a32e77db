"""Commands about jobs."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from erp_construccion.projects.errors import ClientNotCustomer, PartnerInUse
from erp_construccion.projects.models import PARTNERS, OverdueNotice, Project
from erp_construccion.projects.rules import OPEN, check_move, local_day, needs_customer
from erp_construccion.projects.schemas import MoveProject, ProjectMoved, ProjectOverdue
from erp_core.kernel.context import Context
from erp_core.kernel.errors import NotFound
from erp_core.kernel.ids import new_id

SHOWN_CODES = 5


def move_project(ctx: Context, project_id: UUID, data: MoveProject) -> Project:
    """Move a job to another state; building starts and ends on the day that the company's calendar shows."""
    project = ctx.get(Project, project_id, lock=True)
    if project.archived_at is not None:
        raise NotFound(resource="projects", id=str(project_id))
    previous = project.state
    check_move(project.code, previous, data.to)
    if needs_customer(data.to):
        ensure_customer(ctx, project.client_id)
    project.state = data.to
    today = local_day(ctx.now(), ctx.actor.time_zone)
    if data.to == "executing" and project.actual_start is None:
        project.actual_start = today
    if data.to == "finished":
        project.actual_end = today
    ctx.emit(
        "construccion.projects.moved", ProjectMoved(id=project.id, code=project.code, previous=previous, state=data.to)
    )
    return project


def ensure_customer(ctx: Context, partner_id: UUID) -> None:
    """Refuse a client who is not an active customer; the partner stays so until this transaction ends."""
    wanted = select(PARTNERS).where(PARTNERS.c.tenant_id == ctx.tenant_id, PARTNERS.c.id == partner_id)
    client = ctx.session.execute(wanted.with_for_update(read=True)).one()
    if not client.is_customer or client.archived_at is not None:
        raise ClientNotCustomer(client=client.name)


def refuse_needed_client(ctx: Context, partner_id: UUID) -> None:
    """Refuse to archive the client of an open job.

    The partner is locked first: a job that somebody else is writing for this client holds the same row, so it is either
    seen here or comes after.
    """
    wanted = select(PARTNERS.c.id).where(PARTNERS.c.tenant_id == ctx.tenant_id, PARTNERS.c.id == partner_id)
    ctx.session.execute(wanted.with_for_update())
    mine = (Project.tenant_id == ctx.tenant_id, Project.client_id == partner_id)
    still = (Project.state.in_(sorted(OPEN)), Project.archived_at.is_(None))
    codes = list(ctx.session.scalars(select(Project.code).where(*mine, *still).order_by(Project.code)))
    if codes:
        shown = ", ".join(codes[:SHOWN_CODES]) + (" …" if len(codes) > SHOWN_CODES else "")
        raise PartnerInUse(projects=len(codes), codes=shown)


def flag_overdue_projects(ctx: Context, day: date) -> int:
    """Announce every job that is being built past its planned end, once for each job and day; gives how many."""
    late = (Project.state == "executing", Project.planned_end < day, Project.archived_at.is_(None))
    wanted = select(Project.id, Project.code, Project.planned_end).where(Project.tenant_id == ctx.tenant_id, *late)
    found = {row.id: row for row in ctx.session.execute(wanted.order_by(Project.code))}
    if not found:
        return 0
    notices = [
        {"tenant_id": ctx.tenant_id, "id": new_id(), "project_id": project_id, "day": day} for project_id in found
    ]
    adding = insert(OverdueNotice).values(notices).on_conflict_do_nothing().returning(OverdueNotice.project_id)
    fresh = set(ctx.session.scalars(adding))
    for project_id, row in found.items():
        if project_id in fresh:
            ctx.emit("construccion.projects.overdue", _overdue(project_id, row.code, row.planned_end, day))
    return len(fresh)


def _overdue(project_id: UUID, code: str, planned_end: date, day: date) -> ProjectOverdue:
    return ProjectOverdue(
        id=project_id, code=code, planned_end=planned_end, day=day, days_late=(day - planned_end).days
    )
