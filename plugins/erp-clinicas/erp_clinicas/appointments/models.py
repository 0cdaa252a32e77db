"""The tables of the front desk, all in the schema ``clinicas``."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from erp_core.kernel.database.model import MutableRow, folded


class Site(MutableRow):
    """A place where care is given (consultorio, clínica), with its official code (CLUES) and its clock."""

    __tablename__ = "sites"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        UniqueConstraint("tenant_id", "clues"),
        CheckConstraint("clues ~ '^[A-Z]{5}[0-9]{6}[0-9A-Z]?$'", name="clues"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "clinicas"},
    )

    name: Mapped[str]
    clues: Mapped[str | None]
    time_zone: Mapped[str] = mapped_column(server_default=text("'America/Mexico_City'"))
    name_key: Mapped[str] = mapped_column(folded("name", "clues"))


class Practitioner(MutableRow):
    """Who gives care (profesional de la salud); the user, if any, is a member of this company."""

    __tablename__ = "practitioners"
    __table_args__ = (
        UniqueConstraint("tenant_id", "licence_number"),
        UniqueConstraint("tenant_id", "user_id"),
        ForeignKeyConstraint(
            ["tenant_id", "user_id"], ["auth.memberships.tenant_id", "auth.memberships.user_id"], ondelete="RESTRICT"
        ),
        CheckConstraint("licence_number ~ '^[0-9]{5,8}$'", name="licence_number"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "clinicas"},
    )

    given_names: Mapped[str]
    first_surname: Mapped[str]
    second_surname: Mapped[str | None]
    licence_number: Mapped[str | None]
    user_id: Mapped[UUID | None]
    name_key: Mapped[str] = mapped_column(folded("first_surname", "second_surname", "given_names", "licence_number"))
