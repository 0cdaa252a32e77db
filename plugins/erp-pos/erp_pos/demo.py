"""A small true-to-life data set: a corner shop with a tablet at the counter and neighbours who pay on Saturday."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import Uuid, column, insert, select, table

from erp_core.inventory.errors import NoSuchLocation
from erp_core.inventory.services import find_location
from erp_core.kernel.context import Context
from erp_core.kernel.ids import new_id
from erp_core.kernel.plugins.declarations import DemoStep
from erp_core.kernel.plugins.manifest import Label
from erp_pos.shop.models import CreditCustomer, Device, Shop

# The public half of a pair whose private half was thrown away, so nobody can sign as this device.
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEFXkfZTUUOz4ypAu/00Gd0Y5s0IY0
j3BwwgrpWjb82GJuV9VHuWP2fBWXhZmUv4EIgNJSvh3HZbxIapxJMYbVLQ==
-----END PUBLIC KEY-----
"""
CODE = "C1"
# Name, telephone, limit, notes.
NEIGHBOURS = (
    ("Doña Lupita Hernández", "33 1122 3344", "500.00", "Paga los sábados."),
    ("Taller de don Chuy", "33 2233 4455", "1200.00", "Pide factura a fin de mes."),
    ("Beto Ramírez", "33 3344 5566", "300.00", None),
)
# The core's models are its own; these are the columns that a demo needs of one of its tables.
LOCATIONS = table(
    "locations",
    column("tenant_id", Uuid),
    column("id", Uuid),
    column("code"),
    column("name"),
    column("kind"),
    schema="inventory",
)


def load_shop(ctx: Context) -> None:
    """Load the shop and the device at its counter."""
    shop = ctx.session.scalar(select(Shop).where(Shop.tenant_id == ctx.tenant_id, Shop.archived_at.is_(None)))
    if shop is None:
        shop = Shop(
            tenant_id=ctx.tenant_id,
            id=new_id(),
            name="Abarrotes La Esquina",
            location_id=_location(ctx),
            ticket_header="Abarrotes La Esquina\nCalle Morelos 12, Centro",
            ticket_footer="Gracias por su compra",
        )
        ctx.session.add(shop)
        ctx.session.flush()
    wanted = select(Device.id).where(Device.tenant_id == ctx.tenant_id, Device.code == CODE)
    if ctx.session.scalar(wanted) is None:
        device = Device(tenant_id=ctx.tenant_id, id=new_id(), shop_id=shop.id, code=CODE, name="Tableta del mostrador")
        device.public_key = PUBLIC_KEY
        device.printer_profile = "POS-5890"
        ctx.session.add(device)


def load_credit_customers(ctx: Context) -> None:
    """Load the neighbours who take goods on store credit."""
    known = set(ctx.session.scalars(select(CreditCustomer.phone).where(CreditCustomer.tenant_id == ctx.tenant_id)))
    for name, phone, limit, notes in NEIGHBOURS:
        if phone not in known:
            ctx.session.add(
                CreditCustomer(
                    tenant_id=ctx.tenant_id,
                    id=new_id(),
                    name=name,
                    phone=phone,
                    credit_limit=Decimal(limit),
                    notes=notes,
                )
            )


def _location(ctx: Context) -> UUID:
    """Give the place where the shop's stock is, or add one and note that in the audit."""
    try:
        return find_location(ctx, "internal")
    except NoSuchLocation:
        row = {"code": "TIENDA", "name": "Tienda", "kind": "internal"}
        location_id = new_id()
        ctx.session.execute(insert(LOCATIONS).values(tenant_id=ctx.tenant_id, id=location_id, **row))
        ctx.audit("core.locations", location_id, "create", None, row)
        return location_id


STEPS: tuple[DemoStep, ...] = (
    DemoStep(Label("Negocio y caja", "Shop and till"), "abarrotes-la-esquina", load_shop),
    DemoStep(Label("Clientes de fiado", "Credit customers"), "abarrotes-la-esquina", load_credit_customers),
)
