"""What of jobs runs by the clock."""

from __future__ import annotations

from datetime import datetime

from erp_construccion.projects import services
from erp_construccion.projects.rules import local_day
from erp_core.kernel.context import Context
from erp_core.kernel.plugins.manifest import Label
from erp_core.kernel.tasks.declaration import Schedule, Task


def run_flag_overdue(ctx: Context, due: datetime) -> None:
    """Announce the jobs that are late on the company's day of ``due``."""
    services.flag_overdue_projects(ctx, local_day(due, ctx.actor.time_zone))


flag_overdue_projects = Task(
    name="construccion.flag_overdue_projects",
    run=run_flag_overdue,
    label=Label("Avisar de obras atrasadas", "Announce overdue projects"),
)

nightly_overdue = Schedule(
    name="construccion.nightly_overdue",
    cron="15 3 * * *",
    task=flag_overdue_projects.name,
    label=Label("Obras atrasadas, cada noche", "Overdue projects, every night"),
)

TASKS: tuple[Task, ...] = (flag_overdue_projects,)
SCHEDULES: tuple[Schedule, ...] = (nightly_overdue,)
