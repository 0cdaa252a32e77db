"""A housing job as one really looks: the first stage of a condominium, two blocks and eight lots, being built."""

from __future__ import annotations

import logging
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from erp_construccion.projects import services
from erp_construccion.projects.models import PARTNERS, Project, StructureNode
from erp_construccion.projects.schemas import MoveProject
from erp_core.kernel.context import Context
from erp_core.kernel.ids import new_id
from erp_core.kernel.plugins.declarations import DemoStep
from erp_core.kernel.plugins.manifest import Label

CLIENT = "CLI-GAP"
PROJECT = "PROJ-2026-001"
LOTS = ("98.00", "98.00", "104.50", "112.25")

log = logging.getLogger(__name__)


def load_housing_job(ctx: Context) -> None:
    """Load one job with its structure and start building it; one that is there stays as it is."""
    if (
        ctx.session.scalar(select(Project.id).where(Project.tenant_id == ctx.tenant_id, Project.code == PROJECT))
        is not None
    ):
        return
    client = select(PARTNERS.c.id).where(PARTNERS.c.tenant_id == ctx.tenant_id, PARTNERS.c.code == CLIENT)
    client_id = ctx.session.scalar(client)
    if client_id is None:
        log.warning("The demo job is left out, because the partner %s that it is built for is not there.", CLIENT)
        return
    project = _project(client_id)
    ctx.session.add(project)
    ctx.session.flush()
    stage = _add_node(ctx, project.id, None, "stage", "E1", "Etapa 1")
    for block in ("A", "B"):
        block_id = _add_node(ctx, project.id, stage, "block", f"MZ-{block}", f"Manzana {block}")
        for number, area in enumerate(LOTS, 1):
            _add_node(
                ctx, project.id, block_id, "lot", f"L-{block}{number:02}", f"Lote {number} de la manzana {block}", area
            )
    for state in ("bidding", "awarded", "executing"):
        services.move_project(ctx, project.id, MoveProject(to=state))


def _project(client_id: UUID) -> Project:
    return Project(
        id=new_id(),
        code=PROJECT,
        name="Residencial Los Encinos, etapa 1",
        client_id=client_id,
        kind="housing",
        contract_kind="unit_price",
        state="prospect",
        address="Camino Real a Colima 4250",
        municipality="Tlajomulco de Zúñiga",
        federal_entity="Jalisco",
        postal_code="45643",
        latitude=Decimal("20.561200"),
        longitude=Decimal("-103.453800"),
        planned_start=date(2026, 3, 2),
        planned_end=date(2026, 10, 30),
        actual_start=date(2026, 3, 9),
    )


def _add_node(
    ctx: Context, project_id: UUID, parent_id: UUID | None, kind: str, code: str, name: str, area: str | None = None
) -> UUID:
    node = StructureNode(
        id=new_id(),
        project_id=project_id,
        parent_id=parent_id,
        kind=kind,
        code=code,
        name=name,
        area_m2=None if area is None else Decimal(area),
    )
    ctx.session.add(node)
    ctx.session.flush()
    return node.id


STEPS: tuple[DemoStep, ...] = (
    DemoStep(
        Label("Una obra de vivienda en ejecución", "A housing job being built"),
        "constructora-del-valle",
        load_housing_job,
    ),
)
