"""Projects, their structure, and the notices of those that are overdue."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from erp_core.kernel.migrations.ops import create_schema, mutable_columns, protect, tenant_columns, text_c

revision = "construccion_0001"
down_revision = None
branch_labels = ("construccion",)
depends_on = None

SCHEMA = "construccion"
STATES = (
    "state IN ('prospect', 'bidding', 'awarded', 'executing', 'suspended', 'finished', 'settled', 'warranty', 'closed',"
    " 'lost', 'cancelled')"
)


def upgrade() -> None:
    create_schema(SCHEMA)
    _projects()
    _structure_nodes()
    _overdue_notices()


def downgrade() -> None:
    for table in ("overdue_notices", "structure_nodes", "projects"):
        op.drop_table(table, schema=SCHEMA)


def _text(name: str, *, required: bool = False, default: str | None = None) -> sa.Column[Any]:
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, text_c(), nullable=not required, server_default=server_default)


def _days(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Date()) for name in names]


def _name_key() -> sa.Column[Any]:
    key = "core.fold(coalesce(name, '') || ' ' || coalesce(code, ''))"
    return sa.Column("name_key", text_c(), sa.Computed(key, persisted=True), nullable=False)


def _index(table: str, *columns: str) -> None:
    names = ["tenant_id", *columns]
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, names, schema=SCHEMA)


def _points(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=f"fk_{table}_tenant_id_{column}",
        ondelete="RESTRICT",
    )


def _projects() -> None:
    op.create_table(
        "projects",
        *mutable_columns(),
        _text("code", required=True),
        _text("name", required=True),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        _text("kind", required=True),
        _text("contract_kind", required=True),
        _text("state", required=True, default="'prospect'"),
        *(_text(name) for name in ("address", "municipality", "federal_entity", "postal_code")),
        sa.Column("latitude", sa.Numeric(9, 6)),
        sa.Column("longitude", sa.Numeric(9, 6)),
        *_days("planned_start", "planned_end", "actual_start", "actual_end"),
        _name_key(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_projects"),
        sa.UniqueConstraint("tenant_id", "code", name="uq_projects_tenant_id_code"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_projects_tenant_id_name"),
        _points("projects", "client_id", "core.partners"),
        sa.CheckConstraint("kind IN ('public', 'private', 'housing')", name="ck_projects_kind"),
        sa.CheckConstraint(
            "contract_kind IN ('unit_price', 'lump_sum', 'cost_plus', 'mixed')", name="ck_projects_contract_kind"
        ),
        sa.CheckConstraint(STATES, name="ck_projects_state"),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="ck_projects_position"),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name="ck_projects_latitude"),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name="ck_projects_longitude"),
        sa.CheckConstraint("planned_end >= planned_start", name="ck_projects_planned_end"),
        sa.CheckConstraint("actual_end >= actual_start", name="ck_projects_actual_end"),
        schema=SCHEMA,
    )
    for column in ("client_id", "kind", "planned_end", "name_key", "created_at"):
        _index("projects", column, "id")
    _index("projects", "state", "planned_end", "id")
    protect("construccion.projects")


def _structure_nodes() -> None:
    key = ("tenant_id", "project_id", "parent_id", "code")
    op.create_table(
        "structure_nodes",
        *mutable_columns(),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid()),
        _text("kind", required=True),
        _text("code", required=True),
        _text("name"),
        sa.Column("area_m2", sa.Numeric(18, 6)),
        _name_key(),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_structure_nodes"),
        sa.UniqueConstraint(*key, name=f"uq_structure_nodes_{'_'.join(key)}", postgresql_nulls_not_distinct=True),
        sa.UniqueConstraint("tenant_id", "project_id", "id", name="uq_structure_nodes_tenant_id_project_id_id"),
        _points("structure_nodes", "project_id", "construccion.projects"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "project_id", "parent_id"],
            [f"construccion.structure_nodes.{name}" for name in ("tenant_id", "project_id", "id")],
            name="fk_structure_nodes_tenant_id_project_id_parent_id",
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint("parent_id <> id", name="ck_structure_nodes_parent"),
        sa.CheckConstraint(
            "kind IN ('stage', 'block', 'tower', 'level', 'lot', 'unit')", name="ck_structure_nodes_kind"
        ),
        sa.CheckConstraint("area_m2 >= 0", name="ck_structure_nodes_area_m2"),
        schema=SCHEMA,
    )
    for column in ("parent_id", "code", "name_key", "created_at"):
        _index("structure_nodes", column, "id")
    protect("construccion.structure_nodes")


def _overdue_notices() -> None:
    op.create_table(
        "overdue_notices",
        *tenant_columns(),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_overdue_notices"),
        sa.UniqueConstraint("tenant_id", "project_id", "day", name="uq_overdue_notices_tenant_id_project_id_day"),
        _points("overdue_notices", "project_id", "construccion.projects"),
        schema=SCHEMA,
    )
    protect("construccion.overdue_notices", append_only=True)
