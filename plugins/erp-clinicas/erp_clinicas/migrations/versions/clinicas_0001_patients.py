"""Patients and their charts, sites and practitioners."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from erp_core.kernel.migrations.ops import create_schema, mutable_columns, protect, text_c

revision = "clinicas_0001"
down_revision = None
branch_labels = ("clinicas",)
depends_on = None

SCHEMA = "clinicas"
CURP_FORMAT = "curp ~ '^[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[0-9A-Z][0-9]$'"
CURP_MATCHES = (
    "curp IS NULL OR curp_confirmed OR ("
    "extract(year FROM birth_date)"
    " = substr(curp, 5, 2)::integer + CASE WHEN substr(curp, 17, 1) ~ '[0-9]' THEN 1900 ELSE 2000 END"
    " AND extract(month FROM birth_date) = substr(curp, 7, 2)::integer"
    " AND extract(day FROM birth_date) = substr(curp, 9, 2)::integer"
    " AND (sex, substr(curp, 11, 1)) NOT IN (('male', 'M'), ('female', 'H')))"
)


def upgrade() -> None:
    create_schema(SCHEMA)
    _patients()
    _charts()
    _sites()
    _practitioners()


def downgrade() -> None:
    for table in ("practitioners", "sites", "charts", "patients"):
        op.drop_table(table, schema=SCHEMA)


def _text(name: str, *, required: bool = False, default: str | None = None) -> sa.Column[Any]:
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, text_c(), nullable=not required, server_default=server_default)


def _key(*columns: str) -> sa.Column[Any]:
    joined = " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)
    return sa.Column("name_key", text_c(), sa.Computed(f"core.fold({joined})", persisted=True), nullable=False)


def _index(table: str, *columns: str) -> None:
    names = ["tenant_id", *columns]
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, names, schema=SCHEMA)


def _patients() -> None:
    op.create_table(
        "patients",
        *mutable_columns(),
        _text("chart_number", required=True),
        _text("kind", required=True, default="'person'"),
        _text("given_names", required=True),
        _text("first_surname"),
        _text("second_surname"),
        sa.Column("birth_date", sa.Date(), nullable=False),
        _text("sex", required=True, default="'unknown'"),
        _text("curp"),
        sa.Column("curp_confirmed", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        _text("nationality", required=True, default="'MX'"),
        sa.Column("phones", ARRAY(text_c()), nullable=False, server_default=sa.text("'{}'")),
        _text("email"),
        _text("address"),
        sa.Column("deceased_on", sa.Date()),
        _key("first_surname", "second_surname", "given_names", "chart_number"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_patients"),
        sa.UniqueConstraint("tenant_id", "chart_number", name="uq_patients_tenant_id_chart_number"),
        sa.CheckConstraint("kind IN ('person', 'animal')", name="ck_patients_kind"),
        sa.CheckConstraint("kind <> 'person' OR first_surname IS NOT NULL", name="ck_patients_first_surname"),
        sa.CheckConstraint("sex IN ('male', 'female', 'other', 'unknown')", name="ck_patients_sex"),
        sa.CheckConstraint("birth_date <= CURRENT_DATE", name="ck_patients_birth_date"),
        sa.CheckConstraint("deceased_on >= birth_date", name="ck_patients_deceased_on"),
        sa.CheckConstraint("kind = 'person' OR curp IS NULL", name="ck_patients_curp_kind"),
        sa.CheckConstraint(CURP_FORMAT, name="ck_patients_curp"),
        sa.CheckConstraint(CURP_MATCHES, name="ck_patients_curp_matches"),
        schema=SCHEMA,
    )
    living = sa.text("archived_at IS NULL")
    op.create_index(
        "uq_patients_tenant_id_curp",
        "patients",
        ["tenant_id", "curp"],
        schema=SCHEMA,
        unique=True,
        postgresql_where=living,
    )
    for column in ("curp", "birth_date", "name_key", "created_at"):
        _index("patients", column, "id")
    protect("clinicas.patients")


def _charts() -> None:
    op.create_table(
        "charts",
        *mutable_columns(),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        _text("blood_type"),
        _text("background"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_charts"),
        sa.UniqueConstraint("tenant_id", "patient_id", name="uq_charts_tenant_id_patient_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "patient_id"],
            ["clinicas.patients.tenant_id", "clinicas.patients.id"],
            name="fk_charts_tenant_id_patient_id",
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint(
            "blood_type IN ('O-', 'O+', 'A-', 'A+', 'B-', 'B+', 'AB-', 'AB+')", name="ck_charts_blood_type"
        ),
        schema=SCHEMA,
    )
    _index("charts", "created_at", "id")
    protect("clinicas.charts")


def _sites() -> None:
    op.create_table(
        "sites",
        *mutable_columns(),
        _text("name", required=True),
        _text("clues"),
        _text("time_zone", required=True, default="'America/Mexico_City'"),
        _key("name", "clues"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_sites"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_sites_tenant_id_name"),
        sa.UniqueConstraint("tenant_id", "clues", name="uq_sites_tenant_id_clues"),
        sa.CheckConstraint("clues ~ '^[A-Z]{5}[0-9]{6}[0-9A-Z]?$'", name="ck_sites_clues"),
        schema=SCHEMA,
    )
    for column in ("name_key", "created_at"):
        _index("sites", column, "id")
    protect("clinicas.sites")


def _practitioners() -> None:
    op.create_table(
        "practitioners",
        *mutable_columns(),
        _text("given_names", required=True),
        _text("first_surname", required=True),
        _text("second_surname"),
        _text("licence_number"),
        sa.Column("user_id", sa.Uuid()),
        _key("first_surname", "second_surname", "given_names", "licence_number"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_practitioners"),
        sa.UniqueConstraint("tenant_id", "licence_number", name="uq_practitioners_tenant_id_licence_number"),
        sa.UniqueConstraint("tenant_id", "user_id", name="uq_practitioners_tenant_id_user_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["auth.memberships.tenant_id", "auth.memberships.user_id"],
            name="fk_practitioners_tenant_id_user_id",
            ondelete="RESTRICT",
        ),
        sa.CheckConstraint("licence_number ~ '^[0-9]{5,8}$'", name="ck_practitioners_licence_number"),
        schema=SCHEMA,
    )
    for column in ("name_key", "created_at"):
        _index("practitioners", column, "id")
    protect("clinicas.practitioners")
