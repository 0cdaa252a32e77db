"""The background task that carries out an import."""

from __future__ import annotations

from erp_core.kernel.context import Context
from erp_core.kernel.errors import Forbidden
from erp_core.kernel.plugins.manifest import Label
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.imports import import_rows
from erp_core.kernel.tasks.declaration import Task
from erp_core.kernel.tasks.jobs import JobHandle

NAME = "core.import_rows"


def import_task(resources: dict[str, Resource]) -> Task:
    """Make the task that imports a job's file into any of these resources."""

    def run(ctx: Context, *, job: JobHandle, resource: str, dry_run: bool) -> None:
        declared = resources.get(resource)
        if declared is None or "import" not in declared.operations:
            raise Forbidden(permission=f"{resource}.import")
        file = job.file()
        result = import_rows(ctx, declared, resources, file.name, file.content, dry_run=dry_run, progress=job.progress)
        job.result(result)

    label = Label("Importar un archivo", "Import a file")
    return Task(NAME, run, label, job=True, time_limit=1800)
