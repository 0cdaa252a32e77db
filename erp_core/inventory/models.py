"""The tables of stock, all in the schema ``inventory``."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from erp_core.kernel.database.model import MutableRow, Quantity, TenantRow, folded, reference

REVERSAL_INDEX = "uq_movements_tenant_id_reverses_id"


class Location(MutableRow):
    """A place where stock is, or a virtual one on the other side of a movement (ubicación).

    Suppliers, customers, losses and production are virtual: they may go below zero, so that every movement has two
    sides and all balances of a product add up to nothing.
    """

    __tablename__ = "locations"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        # The target of the key that keeps each balance's flag equal to its location's.
        UniqueConstraint("tenant_id", "id", "may_go_negative"),
        reference("parent_id", "inventory.locations"),
        CheckConstraint("parent_id <> id", name="parent"),
        CheckConstraint(
            "kind IN ('internal', 'supplier', 'customer', 'loss', 'production', 'transit')",
            name="kind",
        ),
        CheckConstraint("may_go_negative OR kind IN ('internal', 'transit')", name="virtual"),
        Index(None, "tenant_id", "kind", "id"),
        Index(None, "tenant_id", "parent_id", "id"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "inventory"},
    )

    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    parent_id: Mapped[UUID | None]
    may_go_negative: Mapped[bool] = mapped_column(server_default=text("false"))
    name_key: Mapped[str] = mapped_column(folded("name", "code"))


class Movement(TenantRow):
    """Goods that went from one location to another (movimiento de inventario); append only, corrected by a reversal.

    ``quantity`` is in the product's own unit; ``given_quantity`` and ``given_unit_id`` say what the caller wrote when
    it was another one. All lines of one posting share ``posting_id``.
    """

    __tablename__ = "movements"
    __table_args__ = (
        reference("product_id", "core.products"),
        reference("from_location_id", "inventory.locations"),
        reference("to_location_id", "inventory.locations"),
        reference("given_unit_id", "core.units"),
        reference("reverses_id", "inventory.movements"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("from_location_id <> to_location_id", name="locations"),
        CheckConstraint("(given_unit_id IS NULL) = (given_quantity IS NULL)", name="given"),
        Index(None, "tenant_id", "moved_at", "id"),
        Index(None, "tenant_id", "product_id", "moved_at", "id"),
        Index(None, "tenant_id", "from_location_id", "moved_at", "id"),
        Index(None, "tenant_id", "to_location_id", "moved_at", "id"),
        Index(None, "tenant_id", "posting_id", "id"),
        Index(
            "ix_movements_tenant_id_document",
            "tenant_id",
            "document",
            "id",
            postgresql_where=text("document IS NOT NULL"),
        ),
        Index(
            REVERSAL_INDEX, "tenant_id", "reverses_id", unique=True, postgresql_where=text("reverses_id IS NOT NULL")
        ),
        {"schema": "inventory"},
    )

    posting_id: Mapped[UUID]
    product_id: Mapped[UUID]
    from_location_id: Mapped[UUID]
    to_location_id: Mapped[UUID]
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    given_quantity: Mapped[Decimal | None] = mapped_column(Quantity)
    given_unit_id: Mapped[UUID | None]
    moved_at: Mapped[datetime]
    reason: Mapped[str | None]
    document: Mapped[str | None]
    reverses_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    created_by: Mapped[UUID | None]


class Balance(TenantRow):
    """What a location holds of a product (existencia), in the product's own unit; written by postings only.

    No changing column is in an index, so that a posting rewrites the row in place and no index grows.
    """

    __tablename__ = "balances"
    __table_args__ = (
        UniqueConstraint("tenant_id", "location_id", "product_id"),
        reference("product_id", "core.products"),
        ForeignKeyConstraint(
            ["tenant_id", "location_id", "may_go_negative"],
            ["inventory.locations.tenant_id", "inventory.locations.id", "inventory.locations.may_go_negative"],
            ondelete="RESTRICT",
        ),
        CheckConstraint("may_go_negative OR on_hand >= reserved", name="on_hand"),
        CheckConstraint("reserved >= 0", name="reserved"),
        Index(None, "tenant_id", "location_id", "id"),
        Index(None, "tenant_id", "product_id", "id"),
        {"schema": "inventory", "postgresql_with": {"fillfactor": "80"}},
    )

    location_id: Mapped[UUID]
    product_id: Mapped[UUID]
    on_hand: Mapped[Decimal] = mapped_column(Quantity, server_default=text("0"))
    reserved: Mapped[Decimal] = mapped_column(Quantity, server_default=text("0"))
    available: Mapped[Decimal] = mapped_column(Quantity, Computed("on_hand - reserved", persisted=True))
    may_go_negative: Mapped[bool]
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
