"""What of stores and tills the platform serves."""

from __future__ import annotations

from erp_core.kernel.plugins.manifest import Label
from erp_core.kernel.resources.declaration import Resource
from erp_retail.pos import rules
from erp_retail.pos.models import Store, Terminal
from erp_retail.pos.schemas import StoreIn, TerminalIn

stores = Resource(
    name="retail.stores",
    model=Store,
    label=Label("Tienda", "Store"),
    plural=Label("Tiendas", "Stores"),
    read=("code", "name", "time_zone", "location_id", "tax_zone"),
    create=StoreIn,
    filters=("code", "location_id", "tax_zone"),
    sorts=("name", "code", "created_at"),
    sort_by={"name": "name_key"},
    default_sort="name",
    search="name_key",
    references={"location_id": "core.locations"},
    lookups={"location_id": "code"},
    prepare=rules.prepare_store,
)

# A till stays in its store and keeps its series, because its tickets were numbered there.
terminals = Resource(
    name="retail.terminals",
    model=Terminal,
    label=Label("Caja", "Terminal"),
    plural=Label("Cajas", "Terminals"),
    read=("store_id", "code", "series", "printer_profile"),
    create=TerminalIn,
    fixed=("store_id", "series"),
    filters=("store_id", "code", "series"),
    sorts=("code", "created_at"),
    default_sort="code",
    references={"store_id": "retail.stores"},
    lookups={"store_id": "code"},
    prepare=rules.prepare_terminal,
)

RESOURCES: tuple[Resource, ...] = (stores, terminals)
