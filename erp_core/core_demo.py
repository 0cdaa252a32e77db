"""The core's part of the demo: two Mexican companies with partners, products and stock."""

from __future__ import annotations

from erp_core.inventory import demo as inventory
from erp_core.kernel.plugins.declarations import DemoStep
from erp_core.kernel.plugins.manifest import Label
from erp_core.partners import demo as partners
from erp_core.products import demo as products

BUILDER = "constructora-del-valle"
SHOP = "abarrotes-la-esquina"

STEPS: tuple[DemoStep, ...] = (
    DemoStep(Label("Clientes y proveedores", "Partners"), BUILDER, partners.demo_builder),
    DemoStep(Label("Productos", "Products"), BUILDER, products.demo_builder),
    DemoStep(Label("Existencias", "Stock"), BUILDER, inventory.demo_builder),
    DemoStep(Label("Proveedores", "Suppliers"), SHOP, partners.demo_shop),
    DemoStep(Label("Productos", "Products"), SHOP, products.demo_shop),
    DemoStep(Label("Existencias", "Stock"), SHOP, inventory.demo_shop),
)
