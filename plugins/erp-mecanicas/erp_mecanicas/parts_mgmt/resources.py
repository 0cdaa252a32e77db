"""What of parts the platform serves."""

from __future__ import annotations

from erp_core.kernel.plugins.manifest import Label
from erp_core.kernel.resources.declaration import Resource
from erp_mecanicas.parts_mgmt import rules
from erp_mecanicas.parts_mgmt.models import PartProfile
from erp_mecanicas.parts_mgmt.schemas import PartProfileIn

part_profiles = Resource(
    name="mecanicas.part_profiles",
    model=PartProfile,
    label=Label("Ficha de refacción", "Part profile"),
    plural=Label("Fichas de refacción", "Part profiles"),
    read=(
        "product_id", "oem_number", "number_key", "maker", "engine_families", "core_required", "deposit_amount",
        "currency", "days_to_return", "serial_tracked",
    ),
    create=PartProfileIn,
    fixed=("product_id",),
    filters=("product_id", "number_key"),
    sorts=("oem_number", "created_at"),
    sort_by={"oem_number": "number_key"},
    default_sort="oem_number",
    references={"product_id": "core.products"},
    lookups={"product_id": "sku"},
    prepare=rules.prepare_part_profile,
)  # fmt: skip

RESOURCES: tuple[Resource, ...] = (part_profiles,)
