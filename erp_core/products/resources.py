"""What of products the platform serves."""

from __future__ import annotations

from erp_core.kernel.plugins.manifest import Label
from erp_core.kernel.resources.declaration import Resource
from erp_core.products import rules, services
from erp_core.products.models import Category, Product, Unit
from erp_core.products.schemas import CategoryIn, ProductIn, UnitIn

categories = Resource(
    name="core.categories",
    model=Category,
    label=Label("Categoría", "Category"),
    plural=Label("Categorías", "Categories"),
    read=("code", "name", "parent_id"),
    create=CategoryIn,
    filters=("code", "parent_id"),
    sorts=("name", "code", "created_at"),
    sort_by={"name": "name_key"},
    default_sort="name",
    search="name_key",
    references={"parent_id": "core.categories"},
    lookups={"parent_id": "code"},
    prepare=rules.prepare_category,
    update_with=services.update_category,
)

# A unit's size is fixed, because the quantities that were converted by it are not converted again.
units = Resource(
    name="core.units",
    model=Unit,
    label=Label("Unidad de medida", "Unit of measure"),
    plural=Label("Unidades de medida", "Units of measure"),
    read=("code", "name", "name_en", "dimension", "numerator", "denominator"),
    create=UnitIn,
    fixed=("dimension", "numerator", "denominator"),
    filters=("code", "dimension"),
    sorts=("code", "created_at"),
    default_sort="code",
    prepare=rules.prepare_unit,
)

# The stock of a product is counted in its unit, so the unit stays; and a service does not become goods.
products = Resource(
    name="core.products",
    model=Product,
    label=Label("Producto", "Product"),
    plural=Label("Productos", "Products"),
    read=(
        "sku", "name", "description", "kind", "category_id", "unit_id", "barcode", "list_price", "currency", "tax_code",
        "tracked",
    ),
    create=ProductIn,
    fixed=("unit_id", "kind"),
    filters=("sku", "barcode", "category_id", "unit_id"),
    sorts=("name", "sku", "created_at"),
    sort_by={"name": "name_key"},
    default_sort="name",
    search="name_key",
    references={"category_id": "core.categories", "unit_id": "core.units"},
    lookups={"category_id": "code", "unit_id": "code"},
    prepare=rules.prepare_product,
)  # fmt: skip

RESOURCES: tuple[Resource, ...] = (categories, units, products)
