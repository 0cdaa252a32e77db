"""The tables of jobs, all in the schema ``construccion``."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Numeric,
    UniqueConstraint,
    Uuid,
    column,
    table,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from erp_core.kernel.database.model import Moment, MutableRow, Quantity, TenantRow, TextC, folded, reference

STATES = (
    "state IN ('prospect', 'bidding', 'awarded', 'executing', 'suspended', 'finished', 'settled', 'warranty', 'closed',"
    " 'lost', 'cancelled')"
)

# What a job looks at of the core's partners; the table is the core's own.
PARTNERS = table(
    "partners",
    column("tenant_id", Uuid()),
    column("id", Uuid()),
    column("code", TextC),
    column("name", TextC),
    column("is_customer", Boolean()),
    column("archived_at", Moment),
    schema="core",
)


class Project(MutableRow):
    """One job at one site for one client (obra); its state changes by moves only."""

    __tablename__ = "projects"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        UniqueConstraint("tenant_id", "name"),
        reference("client_id", "core.partners"),
        CheckConstraint("kind IN ('public', 'private', 'housing')", name="kind"),
        CheckConstraint("contract_kind IN ('unit_price', 'lump_sum', 'cost_plus', 'mixed')", name="contract_kind"),
        CheckConstraint(STATES, name="state"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="position"),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
        CheckConstraint("planned_end >= planned_start", name="planned_end"),
        CheckConstraint("actual_end >= actual_start", name="actual_end"),
        Index(None, "tenant_id", "client_id", "id"),
        Index(None, "tenant_id", "state", "planned_end", "id"),
        Index(None, "tenant_id", "kind", "id"),
        Index(None, "tenant_id", "planned_end", "id"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "construccion"},
    )

    code: Mapped[str]
    name: Mapped[str]
    client_id: Mapped[UUID]
    kind: Mapped[str]
    contract_kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'prospect'"))
    address: Mapped[str | None]
    municipality: Mapped[str | None]
    federal_entity: Mapped[str | None]
    postal_code: Mapped[str | None]
    latitude: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    longitude: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    planned_start: Mapped[date | None]
    planned_end: Mapped[date | None]
    actual_start: Mapped[date | None]
    actual_end: Mapped[date | None]
    name_key: Mapped[str] = mapped_column(folded("name", "code"))


class StructureNode(MutableRow):
    """A part of a job: stage, block, tower, level, lot or unit (etapa, manzana, torre, nivel, lote, unidad).

    A node's project and parent never change, so no ring of nodes can come about.
    """

    __tablename__ = "structure_nodes"
    __table_args__ = (
        UniqueConstraint("tenant_id", "project_id", "parent_id", "code", postgresql_nulls_not_distinct=True),
        # The target of the key that keeps a node in its parent's project.
        UniqueConstraint("tenant_id", "project_id", "id"),
        reference("project_id", "construccion.projects"),
        ForeignKeyConstraint(
            ["tenant_id", "project_id", "parent_id"],
            [
                "construccion.structure_nodes.tenant_id",
                "construccion.structure_nodes.project_id",
                "construccion.structure_nodes.id",
            ],
            ondelete="RESTRICT",
        ),
        CheckConstraint("parent_id <> id", name="parent"),
        CheckConstraint("kind IN ('stage', 'block', 'tower', 'level', 'lot', 'unit')", name="kind"),
        CheckConstraint("area_m2 >= 0", name="area_m2"),
        Index(None, "tenant_id", "parent_id", "id"),
        Index(None, "tenant_id", "code", "id"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "construccion"},
    )

    project_id: Mapped[UUID]
    parent_id: Mapped[UUID | None]
    kind: Mapped[str]
    code: Mapped[str]
    name: Mapped[str | None]
    area_m2: Mapped[Decimal | None] = mapped_column(Quantity)
    name_key: Mapped[str] = mapped_column(folded("name", "code"))


class OverdueNotice(TenantRow):
    """That a project was announced as overdue on a day; append only, and once for each day."""

    __tablename__ = "overdue_notices"
    __table_args__ = (
        UniqueConstraint("tenant_id", "project_id", "day"),
        reference("project_id", "construccion.projects"),
        {"schema": "construccion"},
    )

    project_id: Mapped[UUID]
    day: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
