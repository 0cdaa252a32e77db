"""The tables of parts, in the schema ``parts_mgmt``."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from erp_core.kernel.database.model import MutableRow, reference

NUMBER_KEY = "upper(replace(replace(oem_number, ' ', ''), '-', ''))"


class PartProfile(MutableRow):
    """What a workshop knows of a product as a part (refacción): its maker's number and the core deposit (casco)."""

    __tablename__ = "part_profiles"
    __resource__ = "mecanicas.part_profiles"
    __table_args__ = (
        UniqueConstraint("tenant_id", "product_id"),
        reference("product_id", "core.products"),
        CheckConstraint("number_key <> ''", name="number_key"),
        CheckConstraint("deposit_amount >= 0", name="deposit_amount"),
        CheckConstraint("core_required OR deposit_amount = 0", name="deposit_needs_core"),
        CheckConstraint("days_to_return BETWEEN 1 AND 365", name="days_to_return"),
        Index(None, "tenant_id", "number_key", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "parts_mgmt"},
    )

    product_id: Mapped[UUID]
    oem_number: Mapped[str]
    maker: Mapped[str | None]
    engine_families: Mapped[str | None]
    core_required: Mapped[bool] = mapped_column(server_default=text("false"))
    deposit_amount: Mapped[Decimal] = mapped_column(server_default=text("0"))
    currency: Mapped[str] = mapped_column(server_default=text("'MXN'"))
    days_to_return: Mapped[int] = mapped_column(SmallInteger, server_default=text("30"))
    serial_tracked: Mapped[bool] = mapped_column(server_default=text("false"))
    number_key: Mapped[str] = mapped_column(Computed(NUMBER_KEY, persisted=True))
