"""What of quoting the platform serves."""

from __future__ import annotations

from erp_core.kernel.plugins.manifest import Label
from erp_core.kernel.resources.declaration import Resource
from erp_vidrio.quotes import rules, services
from erp_vidrio.quotes.errors import PriceRuleOverlap
from erp_vidrio.quotes.models import VALIDITY, GlassType, PriceList, PriceRule
from erp_vidrio.quotes.schemas import GlassTypeIn, PriceListIn, PriceRuleIn

glass_types = Resource(
    name="vidrio.glass_types",
    model=GlassType,
    label=Label("Tipo de vidrio", "Glass type"),
    plural=Label("Tipos de vidrio", "Glass types"),
    read=("code", "name", "family", "thickness_mm", "product_id", "temperable"),
    create=GlassTypeIn,
    filters=("code", "family", "thickness_mm", "product_id"),
    sorts=("name", "code", "thickness_mm", "created_at"),
    sort_by={"name": "name_key"},
    default_sort="name",
    search="name_key",
    references={"product_id": "core.products"},
    lookups={"product_id": "sku"},
    prepare=rules.prepare_glass_type,
)

price_lists = Resource(
    name="vidrio.price_lists",
    model=PriceList,
    label=Label("Lista de precios de vidrio", "Glass price list"),
    plural=Label("Listas de precios de vidrio", "Glass price lists"),
    read=("code", "name", "currency", "tax_pct"),
    create=PriceListIn,
    filters=("code",),
    sorts=("name", "code", "created_at"),
    sort_by={"name": "name_key"},
    default_sort="name",
    search="name_key",
    prepare=rules.prepare_price_list,
)

price_rules = Resource(
    name="vidrio.price_rules",
    model=PriceRule,
    label=Label("Regla de precio de vidrio", "Glass price rule"),
    plural=Label("Reglas de precio de vidrio", "Glass price rules"),
    read=(
        "price_list_id", "glass_type_id", "rate_m2", "size_step_mm", "minimum_m2", "edge_rate_m", "hole_rate",
        "notch_rate", "valid_from", "valid_to",
    ),
    create=PriceRuleIn,
    fixed=("price_list_id", "glass_type_id"),
    filters=("price_list_id", "glass_type_id", "valid_from"),
    sorts=("valid_from", "created_at"),
    default_sort="-valid_from",
    references={"price_list_id": "vidrio.price_lists", "glass_type_id": "vidrio.glass_types"},
    lookups={"price_list_id": "code", "glass_type_id": "code"},
    prepare=rules.prepare_price_rule,
    create_with=services.add_price_rule,  # type: ignore[arg-type]  # it takes the struct that create names
    update_with=services.change_price_rule,
    refusals={VALIDITY: PriceRuleOverlap},
)  # fmt: skip

RESOURCES: tuple[Resource, ...] = (glass_types, price_lists, price_rules)
