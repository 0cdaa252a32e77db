"""What other packages call inside their own commands."""

from __future__ import annotations

from decimal import Decimal

from erp_core.inventory import services as inventory
from erp_core.inventory.schemas import LocationIn, MoveLine, PostMoves
from erp_core.kernel.context import Context
from erp_core.partners import services as partners
from erp_core.partners.schemas import PartnerIn
from erp_core.products import services as products
from erp_core.products.schemas import ProductIn
from erp_core.testing.environment import Erp, Person


def test_a_command_creates_and_moves_what_it_needs_in_one_transaction(erp: Erp, person: Person) -> None:
    def work(ctx: Context) -> tuple[Decimal, Decimal]:
        unit = products.seed_units(ctx)["PZA"]
        product = products.create_product(ctx, ProductIn(sku="TUBO", name="Tubo", unit_id=unit))
        shelf = inventory.create_location(ctx, LocationIn(code="B1", name="Bodega", kind="internal"))
        supplier = inventory.find_location(ctx, "supplier")
        line = MoveLine(product_id=product, from_location_id=supplier, to_location_id=shelf, quantity=Decimal(7))
        inventory.post_moves(ctx, PostMoves(lines=[line]))
        partners.create_partner(ctx, PartnerIn(name="Tubos del Norte", code="TUB"))
        return inventory.stock_level(ctx, shelf, product)

    level = erp.units.run(erp.actor(person), work)

    assert level == (Decimal(7), Decimal(0))
    assert [item["code"] for item in person.items("/core/partners")] == ["TUB"]


def test_what_another_package_creates_is_found_by_its_code(erp: Erp, person: Person) -> None:
    made = erp.units.run(erp.actor(person), lambda ctx: partners.create_partner(ctx, PartnerIn(name="A", code="A-1")))

    found = erp.units.run(erp.actor(person), lambda ctx: partners.find_partner(ctx, "A-1"))
    nothing = erp.units.run(erp.actor(person), lambda ctx: products.find_product(ctx, "NADA"))
    nowhere = erp.units.run(erp.actor(person), lambda ctx: inventory.find_location_by_code(ctx, "NADA"))

    assert (found, nothing, nowhere) == (made, None, None)
