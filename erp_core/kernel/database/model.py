"""What every table of the platform has in common."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Computed, DateTime, ForeignKeyConstraint, MetaData, Numeric, Text, Uuid, text
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

NAMES = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
}

# Keys of a table's `info`, filled from the resource that is declared on it.
RESOURCE = "resource"
REFUSALS = "refusals"

# Comparisons in the C collation are leakproof, so an index serves them under row-level security.
TextC = Text(collation="C")
Money = Numeric(18, 6)
Quantity = Numeric(18, 6)
Moment = DateTime(timezone=True)


class Base(DeclarativeBase):
    """The one registry of tables; which package owns one is told by its schema."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        UUID: Uuid(),
        str: TextC,
        int: BigInteger(),
        datetime: Moment,
        Decimal: Money,
    }


class TenantRow(Base):
    """A row that belongs to one tenant; the tenant comes first in every key."""

    __abstract__ = True

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-20)
    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-19)


class MutableRow(TenantRow):
    """A tenant's row that users change: versioned for ETags, signed and dated, archived instead of deleted."""

    __abstract__ = True

    version: Mapped[int] = mapped_column(server_default=text("1"), sort_order=90)
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"), sort_order=91)
    created_by: Mapped[UUID | None] = mapped_column(sort_order=92)
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"), sort_order=93)
    updated_by: Mapped[UUID | None] = mapped_column(sort_order=94)
    archived_at: Mapped[datetime | None] = mapped_column(sort_order=95)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return (
            {"version_id_col": cls.__table__.c.version}
            if hasattr(cls, "__table__")
            else {"version_id_col": cls.version}
        )


def reference(column: str, target: str, *, cascade: bool = False) -> ForeignKeyConstraint:
    """Point ``column`` at a row of the same tenant: ``reference("partner_id", "core.partners")``.

    The key is composite because key checks bypass row-level security: a single column would let one tenant point at
    another's row.
    """
    return ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        ondelete="CASCADE" if cascade else "RESTRICT",
    )


def folded(*columns: str) -> Computed:
    """Generate a search key: the columns joined, without case and accents, for prefix search by range."""
    joined = " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)
    return Computed(f"core.fold({joined})", persisted=True)


__all__ = [
    "Base",
    "Moment",
    "Money",
    "MutableRow",
    "Quantity",
    "TenantRow",
    "TextC",
    "folded",
    "reference",
]
