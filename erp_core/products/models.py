"""The tables of products, all in the schema ``core``."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from erp_core.kernel.database.model import MutableRow, folded, reference


class Category(MutableRow):
    """A group of products; groups form trees (categoría)."""

    __tablename__ = "categories"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        reference("parent_id", "core.categories"),
        CheckConstraint("parent_id <> id", name="parent"),
        Index(None, "tenant_id", "parent_id", "id"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "core"},
    )

    code: Mapped[str]
    name: Mapped[str]
    parent_id: Mapped[UUID | None]
    name_key: Mapped[str] = mapped_column(folded("name", "code"))


class Unit(MutableRow):
    """A unit of measure (unidad de medida): ``numerator / denominator`` of its dimension's reference unit."""

    __tablename__ = "units"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        CheckConstraint("dimension IN ('count', 'length', 'area', 'volume', 'mass', 'time')", name="dimension"),
        CheckConstraint("numerator > 0 AND denominator > 0", name="factor"),
        Index(None, "tenant_id", "dimension", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "core"},
    )

    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    dimension: Mapped[str]
    numerator: Mapped[int]
    denominator: Mapped[int]


class Product(MutableRow):
    """Something that is bought, made, used up or sold; ``tracked`` ones have stock, counted in ``unit_id``."""

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("tenant_id", "sku"),
        UniqueConstraint("tenant_id", "barcode"),
        reference("category_id", "core.categories"),
        reference("unit_id", "core.units"),
        CheckConstraint("kind IN ('goods', 'service', 'consumable')", name="kind"),
        CheckConstraint("kind <> 'service' OR NOT tracked", name="tracked"),
        CheckConstraint("list_price >= 0", name="list_price"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "category_id", "id"),
        Index(None, "tenant_id", "unit_id", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "core"},
    )

    sku: Mapped[str]
    name: Mapped[str]
    description: Mapped[str | None]
    kind: Mapped[str]
    category_id: Mapped[UUID | None]
    unit_id: Mapped[UUID]
    barcode: Mapped[str | None]
    list_price: Mapped[Decimal] = mapped_column(server_default=text("0"))
    currency: Mapped[str] = mapped_column(server_default=text("'MXN'"))
    tax_code: Mapped[str | None]
    tracked: Mapped[bool] = mapped_column(server_default=text("true"))
    name_key: Mapped[str] = mapped_column(folded("name", "sku", "barcode"))
