"""The tables of the till, all in the schema ``retail``."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, Numeric, UniqueConstraint, Uuid, column, table, text
from sqlalchemy.orm import Mapped, mapped_column

from erp_core.kernel.database.model import Moment, MutableRow, TextC, folded, reference

# What a store looks at of the core's stock; the tables are the core's own.
BALANCES = table(
    "balances",
    column("tenant_id", Uuid()),
    column("location_id", Uuid()),
    column("product_id", Uuid()),
    column("on_hand", Numeric(18, 6)),
    column("reserved", Numeric(18, 6)),
    column("available", Numeric(18, 6)),
    column("updated_at", Moment),
    schema="inventory",
)
LOCATIONS = table(
    "locations",
    column("tenant_id", Uuid()),
    column("id", Uuid()),
    column("code", TextC),
    schema="inventory",
)
PRODUCTS = table(
    "products",
    column("tenant_id", Uuid()),
    column("id", Uuid()),
    column("sku", TextC),
    column("unit_id", Uuid()),
    column("tracked", Boolean()),
    schema="core",
)


class Store(MutableRow):
    """A branch (tienda, sucursal): its clock, its tax zone and the stock location that it sells from."""

    __tablename__ = "stores"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        UniqueConstraint("tenant_id", "location_id"),
        reference("location_id", "inventory.locations"),
        CheckConstraint("tax_zone IN ('general', 'border')", name="tax_zone"),
        Index(None, "tenant_id", "tax_zone", "id"),
        Index(None, "tenant_id", "name_key", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "retail"},
    )

    code: Mapped[str]
    name: Mapped[str]
    time_zone: Mapped[str] = mapped_column(server_default=text("'America/Mexico_City'"))
    location_id: Mapped[UUID]
    tax_zone: Mapped[str] = mapped_column(server_default=text("'general'"))
    name_key: Mapped[str] = mapped_column(folded("name", "code"))


class Terminal(MutableRow):
    """A till (caja) of a store, with a ticket series and a printer of its own."""

    __tablename__ = "terminals"
    __table_args__ = (
        UniqueConstraint("tenant_id", "store_id", "code"),
        UniqueConstraint("tenant_id", "series"),
        reference("store_id", "retail.stores"),
        CheckConstraint("printer_profile IN ('none', '58mm', '80mm', 'a4')", name="printer_profile"),
        Index(None, "tenant_id", "code", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        {"schema": "retail"},
    )

    store_id: Mapped[UUID]
    code: Mapped[str]
    series: Mapped[str]
    printer_profile: Mapped[str] = mapped_column(server_default=text("'80mm'"))
