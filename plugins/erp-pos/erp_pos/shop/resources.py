"""What of a shop the platform serves."""

from __future__ import annotations

from erp_core.kernel.plugins.manifest import Label
from erp_core.kernel.resources.declaration import EVERYTHING, Resource
from erp_pos.shop import rules
from erp_pos.shop.models import CreditCustomer, Device, Shop
from erp_pos.shop.schemas import CreditCustomerIn, DeviceIn, ShopIn

shops = Resource(
    name="pos.shops",
    model=Shop,
    label=Label("Negocio", "Shop"),
    plural=Label("Negocios", "Shops"),
    read=("name", "tax_id", "time_zone", "location_id", "ticket_header", "ticket_footer"),
    create=ShopIn,
    references={"location_id": "core.locations"},
    lookups={"location_id": "code"},
    prepare=rules.prepare_shop,
    operations=EVERYTHING - {"import"},
)

# A device is never archived: it is retired, and its code stays taken.
devices = Resource(
    name="pos.devices",
    model=Device,
    label=Label("Dispositivo", "Device"),
    plural=Label("Dispositivos", "Devices"),
    read=("shop_id", "code", "name", "state", "public_key", "printer_profile", "width_mm", "last_seq", "last_hash"),
    create=DeviceIn,
    fixed=("shop_id", "code", "public_key"),
    filters=("code", "state", "shop_id"),
    sorts=("code", "created_at"),
    default_sort="code",
    references={"shop_id": "pos.shops"},
    prepare=rules.prepare_device,
    operations=EVERYTHING - {"archive", "import"},
)

credit_customers = Resource(
    name="pos.credit_customers",
    model=CreditCustomer,
    label=Label("Cliente de fiado", "Credit customer"),
    plural=Label("Clientes de fiado", "Credit customers"),
    read=("partner_id", "name", "phone", "credit_limit", "currency", "state", "notes"),
    create=CreditCustomerIn,
    filters=("partner_id", "phone", "state"),
    sorts=("name", "created_at"),
    sort_by={"name": "name_key"},
    default_sort="name",
    search="name_key",
    references={"partner_id": "core.partners"},
    lookups={"partner_id": "code"},
    prepare=rules.prepare_credit_customer,
)

RESOURCES: tuple[Resource, ...] = (shops, devices, credit_customers)
