"""The tables of quoting, in the schema ``vidrio``."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from erp_core.kernel.database.model import MutableRow, folded, reference

FAMILIES = ("clear", "extra_clear", "tinted", "reflective", "low_e", "satin", "patterned", "mirror")
THICKNESSES = (3, 4, 5, 6, 8, 10, 12, 15, 19)
VALIDITY = "ex_price_rules_validity"


class GlassType(MutableRow):
    """A kind of glass (tipo de vidrio): its family and thickness, and the product of its sheets where there is one."""

    __tablename__ = "glass_types"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        reference("product_id", "core.products"),
        CheckConstraint(f"family IN ({', '.join(repr(name) for name in FAMILIES)})", name="family"),
        CheckConstraint(f"thickness_mm IN ({', '.join(map(str, THICKNESSES))})", name="thickness_mm"),
        Index(
            "uq_glass_types_tenant_id_family_thickness_mm",
            "tenant_id",
            "family",
            "thickness_mm",
            unique=True,
            postgresql_where=text("archived_at IS NULL"),
        ),
        Index(None, "tenant_id", "family", "id"),
        Index(None, "tenant_id", "thickness_mm", "id"),
        Index(None, "tenant_id", "product_id", "id"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "vidrio"},
    )

    code: Mapped[str]
    name: Mapped[str]
    family: Mapped[str]
    thickness_mm: Mapped[int] = mapped_column(SmallInteger)
    product_id: Mapped[UUID | None]
    temperable: Mapped[bool] = mapped_column(server_default=text("true"))
    name_key: Mapped[str] = mapped_column(folded("name", "code"))


class PriceList(MutableRow):
    """A price list (lista de precios): its currency, and the tax that is added to its prices, in percent."""

    __tablename__ = "price_lists"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        CheckConstraint("tax_pct BETWEEN 0 AND 100", name="tax_pct"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "vidrio"},
    )

    code: Mapped[str]
    name: Mapped[str]
    currency: Mapped[str] = mapped_column(server_default=text("'MXN'"))
    tax_pct: Mapped[Decimal]
    name_key: Mapped[str] = mapped_column(folded("name", "code"))


class PriceRule(MutableRow):
    """What a glass costs in a list (regla de precio) from one day to another, both included.

    Without a last day it holds until it is given one.
    """

    __tablename__ = "price_rules"
    __table_args__ = (
        reference("price_list_id", "vidrio.price_lists"),
        reference("glass_type_id", "vidrio.glass_types"),
        CheckConstraint("size_step_mm BETWEEN 1 AND 500", name="size_step_mm"),
        CheckConstraint("minimum_m2 BETWEEN 0 AND 20", name="minimum_m2"),
        CheckConstraint("rate_m2 >= 0 AND edge_rate_m >= 0 AND hole_rate >= 0 AND notch_rate >= 0", name="rates"),
        CheckConstraint("valid_to >= valid_from", name="valid_to"),
        ExcludeConstraint(
            ("tenant_id", "="),
            ("price_list_id", "="),
            ("glass_type_id", "="),
            (text("daterange(valid_from, valid_to, '[]')"), "&&"),
            using="gist",
            where=text("archived_at IS NULL"),
            name=VALIDITY,
        ),
        Index(None, "tenant_id", "price_list_id", "id"),
        Index(None, "tenant_id", "glass_type_id", "id"),
        Index(None, "tenant_id", "valid_from", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "vidrio"},
    )

    price_list_id: Mapped[UUID]
    glass_type_id: Mapped[UUID]
    rate_m2: Mapped[Decimal]
    size_step_mm: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    minimum_m2: Mapped[Decimal] = mapped_column(server_default=text("0"))
    edge_rate_m: Mapped[Decimal] = mapped_column(server_default=text("0"))
    hole_rate: Mapped[Decimal] = mapped_column(server_default=text("0"))
    notch_rate: Mapped[Decimal] = mapped_column(server_default=text("0"))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
