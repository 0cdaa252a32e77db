"""What a posting does and refuses, on a real database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from erp_core.inventory import errors, services
from erp_core.inventory.models import Location
from erp_core.inventory.schemas import MoveLine, ReverseMovement
from erp_core.kernel.context import Context
from erp_core.kernel.errors import NotFound, Problem, ProblemList, UnknownReference
from erp_core.products.errors import UnitMismatch
from erp_core.products.models import Product

Company = Any


def test_a_receipt_raises_the_location_and_lowers_the_supplier(company: Company) -> None:
    product = company.product()

    posted = company.post(company.line(product, "12.5", "supplier", "shelf"), document="OC-1", reason="Compra")

    assert company.on_hand(product) == Decimal("12.5")
    assert company.on_hand(product, "supplier") == Decimal("-12.5")
    assert posted.document == "OC-1"
    assert posted.moves[0].quantity == Decimal("12.5")
    assert {(level.location_id, level.on_hand) for level in posted.levels} == {
        (company.places["shelf"], Decimal("12.5")),
        (company.places["supplier"], Decimal("-12.5")),
    }


def test_lines_of_one_posting_add_up_before_the_stock_is_checked(company: Company) -> None:
    product = company.product()
    company.receive(product, "10")

    with pytest.raises(errors.InsufficientStock) as refused:
        company.post(company.line(product, "6", "shelf", "customer"), company.line(product, "6", "shelf", "customer"))

    assert refused.value.facts["available"] == "10"
    assert refused.value.facts["requested"] == "12"
    assert company.on_hand(product) == 10


def test_goods_may_pass_through_a_location_within_one_posting(company: Company) -> None:
    product = company.product()

    company.post(company.line(product, "5", "supplier", "shelf"), company.line(product, "5", "shelf", "store"))

    assert company.on_hand(product, "shelf") == 0
    assert company.on_hand(product, "store") == 5


def test_a_shortage_says_what_is_missing_where_and_at_which_line(company: Company) -> None:
    plenty, scarce = company.product("VARILLA-38"), company.product("CEM-GRIS")
    company.receive(plenty, "5")
    company.receive(scarce, "2.250")

    with pytest.raises(errors.InsufficientStock) as refused:
        company.post(company.line(plenty, "1", "shelf", "customer"), company.line(scarce, "3", "shelf", "customer"))

    facts = refused.value.facts
    assert (facts["product"], facts["location"], facts["unit"]) == ("CEM-GRIS", "SHELF", "PZA")
    assert (facts["available"], facts["requested"]) == ("2.25", "3")
    assert refused.value.pointer == "/lines/1/quantity"
    assert str(refused.value) == "SHELF has 2.25 PZA of CEM-GRIS to give; 3 were asked for."


def test_what_is_reserved_cannot_be_taken(company: Company) -> None:
    product = company.product()
    company.receive(product, "10")
    query = "UPDATE inventory.balances SET reserved = 4 WHERE product_id = %s AND location_id = %s RETURNING 1"
    company.rows(query, product, company.places["shelf"])

    with pytest.raises(errors.InsufficientStock) as refused:
        company.post(company.line(product, "7", "shelf", "customer"))

    assert refused.value.facts["available"] == "6"


def test_a_location_that_may_go_negative_does(company: Company) -> None:
    product = company.product()

    def open_shop(ctx: Context) -> None:
        company.places["shop"] = uuid4()
        shop = Location(id=company.places["shop"], code="TIENDA", name="Tienda", kind="internal", may_go_negative=True)
        shop.tenant_id = ctx.tenant_id
        ctx.session.add(shop)

    company.run(open_shop)
    company.post(company.line(product, "3", "shop", "customer"))

    assert company.on_hand(product, "shop") == -3


def test_a_refusal_leaves_nothing_behind(company: Company) -> None:
    first, second = company.product(), company.product()
    tables = ("inventory.balances", "inventory.movements", "core.outbox", "core.outbox_pending")
    before = [company.count(table) for table in tables]

    with pytest.raises(errors.InsufficientStock):
        company.post(company.line(first, "1", "supplier", "shelf"), company.line(second, "1", "shelf", "customer"))

    assert [company.count(table) for table in tables] == before


def test_one_posting_writes_one_audit_entry_and_one_event(company: Company) -> None:
    product = company.product()

    posted = company.post(
        company.line(product, "5", "supplier", "shelf"), company.line(product, "2", "shelf", "store"), document="OC-2"
    )

    audit = "SELECT after, user_id, action FROM core.audit_entries WHERE resource = 'core.movements' AND object_id = %s"
    ((after, user, action),) = company.rows(audit, posted.id)
    event = (
        "SELECT o.payload, p.queue FROM core.outbox o JOIN core.outbox_pending p ON p.id = o.id"
        " WHERE o.name = 'core.stock.moved'"
    )
    ((payload, queue),) = company.rows(event)
    assert [move["quantity"] for move in after["moves"]] == ["5", "2"]
    assert (user, action) == (company.actor.user_id, "post")
    assert payload == after
    assert queue == "core"


def test_a_quantity_in_another_unit_is_converted_exactly(company: Company) -> None:
    product = company.product(unit="PZA")

    posted = company.post(company.line(product, "2.5", "supplier", "shelf", unit="DOC"))

    assert company.on_hand(product) == 30
    assert (posted.moves[0].given_quantity, posted.moves[0].given_unit_id) == (Decimal("2.5"), company.measures["DOC"])


def test_a_large_quantity_is_converted_without_rounding(company: Company) -> None:
    product = company.product(unit="MM")

    company.post(company.line(product, "987654321.123456", "supplier", "shelf", unit="M"))

    assert company.on_hand(product) == Decimal("987654321123.456")


def test_a_conversion_that_would_round_is_refused(company: Company) -> None:
    product = company.product(unit="DOC")

    with pytest.raises(errors.InexactQuantity) as refused:
        company.post(company.line(product, "1", "supplier", "shelf", unit="PZA"))

    assert refused.value.pointer == "/lines/0/quantity"


def test_a_unit_of_another_dimension_is_refused(company: Company) -> None:
    product = company.product(unit="PZA")

    with pytest.raises(UnitMismatch) as refused:
        company.post(company.line(product, "1", "supplier", "shelf", unit="KG"))

    assert refused.value.facts == {"given": "KG", "wanted": "PZA"}


def test_the_products_own_unit_may_be_named(company: Company) -> None:
    product = company.product(unit="KG")

    posted = company.post(company.line(product, "1.234567", "supplier", "shelf", unit="KG"))

    assert posted.moves[0].given_unit_id is None
    assert company.on_hand(product) == Decimal("1.234567")


@pytest.mark.parametrize("field", ["product_id", "from_location_id", "to_location_id", "unit_id"])
def test_an_unknown_id_is_pointed_at(company: Company, field: str) -> None:
    line = company.line(company.product(), "1", "supplier", "shelf")
    setattr(line, field, uuid4())

    with pytest.raises(UnknownReference) as refused:
        company.post(line)

    assert refused.value.pointer == f"/lines/0/{field}"


@pytest.mark.parametrize("field", ["product_id", "from_location_id", "to_location_id", "unit_id"])
def test_a_foreign_tenants_id_answers_as_an_unknown_one(new_company: Callable[[], Company], field: str) -> None:
    ours, theirs = new_company(), new_company()
    line = ours.line(ours.product(), "1", "supplier", "shelf")
    foreign = theirs.line(theirs.product(), "1", "supplier", "shelf", unit="DOC")
    setattr(line, field, getattr(foreign, field))

    with pytest.raises(UnknownReference) as refused:
        ours.post(line)

    assert refused.value.pointer == f"/lines/0/{field}"
    assert theirs.count("inventory.movements") == 0


def test_one_tenants_posting_is_invisible_to_another(new_company: Callable[[], Company]) -> None:
    ours, theirs = new_company(), new_company()

    ours.receive(ours.product(), "5")

    assert ours.count("inventory.movements") == 1
    assert theirs.count("inventory.movements") == 0
    assert theirs.count("inventory.balances") == 0


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"archived_at": datetime.now(UTC)}, "archived_product"),
        ({"kind": "service", "tracked": False}, "untracked_product"),
    ],
)
def test_archived_and_untracked_products_do_not_move(company: Company, facts: dict[str, Any], code: str) -> None:
    good, bad = company.product(), company.product("VIEJO", **facts)

    with pytest.raises(Problem) as refused:
        company.post(company.line(good, "1", "supplier", "shelf"), company.line(bad, "1", "supplier", "shelf"))

    assert (refused.value.code, refused.value.pointer) == (code, "/lines/1/product_id")
    assert refused.value.facts == {"product": "VIEJO"}


@pytest.mark.parametrize(("source", "target"), [("supplier", "store"), ("store", "customer")])
def test_nothing_moves_to_or_from_an_archived_location(company: Company, source: str, target: str) -> None:
    product = company.product()
    company.run(services.archive_location, company.places["store"])

    with pytest.raises(errors.ArchivedLocation) as refused:
        company.post(company.line(product, "1", source, target))

    assert refused.value.pointer == f"/lines/0/{'from' if source == 'store' else 'to'}_location_id"
    assert refused.value.facts == {"location": "STORE"}


def test_goods_that_were_never_there_are_refused_with_the_numbers_too(company: Company) -> None:
    with pytest.raises(errors.InsufficientStock) as refused:
        company.post(company.line(company.product("NUEVO"), "2", "shelf", "customer"))

    facts = refused.value.facts
    assert (facts["product"], facts["available"], facts["requested"]) == ("NUEVO", "0", "2")


def test_an_emptied_balance_can_be_filled_again(company: Company) -> None:
    product = company.product()
    company.receive(product, "5")

    company.post(company.line(product, "5", "shelf", "customer"))
    company.receive(product, "1")

    assert company.on_hand(product) == 1


def test_a_reversal_takes_the_goods_back_once(company: Company) -> None:
    product = company.product()
    move = company.receive(product, "8").moves[0]

    back = company.run(services.reverse_movement, move.id, ReverseMovement(reason="Error de captura"))

    assert company.on_hand(product) == 0
    assert back.moves[0].reverses_id == move.id
    with pytest.raises(errors.AlreadyReversed):
        company.run(services.reverse_movement, move.id, ReverseMovement())
    with pytest.raises(errors.ReversalNotReversible):
        company.run(services.reverse_movement, back.moves[0].id, ReverseMovement())


def test_the_table_itself_refuses_a_second_reversal(company: Company) -> None:
    from erp_core.inventory.posting import plan_posting
    from erp_core.inventory.schemas import PostMoves
    from erp_core.kernel.queries.sync import execute_plan

    product = company.product()
    move = company.receive(product, "8").moves[0]
    line = company.line(product, "8", "shelf", "supplier")

    def twice(ctx: Context) -> None:
        execute_plan(ctx, plan_posting(ctx.actor, PostMoves(lines=[line]), reverses_id=move.id))

    company.run(twice)
    company.receive(product, "8")

    with pytest.raises(errors.AlreadyReversed):
        company.run(twice)


def test_a_reversal_of_goods_that_are_gone_is_refused(company: Company) -> None:
    product = company.product()
    move = company.receive(product, "8").moves[0]
    company.post(company.line(product, "5", "shelf", "customer"))

    with pytest.raises(errors.InsufficientStock):
        company.run(services.reverse_movement, move.id, ReverseMovement())


def test_an_unknown_movement_cannot_be_reversed(company: Company) -> None:
    with pytest.raises(NotFound):
        company.run(services.reverse_movement, uuid4(), ReverseMovement())


def test_a_movement_is_never_edited_or_deleted(company: Company) -> None:
    company.receive(company.product(), "8")

    for statement in ("UPDATE inventory.movements SET quantity = 1", "DELETE FROM inventory.movements"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            company.rows(statement)


def test_the_table_keeps_a_balance_above_zero_by_itself(company: Company) -> None:
    product = company.product()
    company.receive(product, "1")

    for statement in (
        "UPDATE inventory.balances SET on_hand = -1 WHERE NOT may_go_negative",
        "UPDATE inventory.balances SET on_hand = -1, may_go_negative = true WHERE NOT may_go_negative",
        "UPDATE inventory.balances SET reserved = 2 WHERE NOT may_go_negative",
    ):
        with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.ForeignKeyViolation)):
            company.rows(statement)


def test_a_location_with_stock_is_not_archived(company: Company) -> None:
    company.receive(company.product(), "1")

    with pytest.raises(errors.LocationInUse) as refused:
        company.run(services.archive_location, company.places["shelf"])

    assert refused.value.facts == {"location": "SHELF", "products": 1}


def test_500_lines_are_posted_and_501_refused(company: Company) -> None:
    product = company.product()
    lines = [company.line(product, "1", "supplier", "shelf") for _ in range(501)]

    posted = company.post(*lines[:500])
    with pytest.raises(errors.TooManyLines):
        company.post(*lines)

    assert len(posted.moves) == 500
    assert company.on_hand(product) == 500


def test_moves_come_back_in_the_order_of_the_lines(company: Company) -> None:
    product = company.product()
    quantities = [Decimal(n) for n in range(1, 41)]

    posted = company.post(*(company.line(product, quantity, "supplier", "shelf") for quantity in quantities))

    assert [move.quantity for move in posted.moves] == quantities


def test_a_product_made_in_the_same_transaction_can_move(company: Company) -> None:
    from erp_core.inventory.schemas import PostMoves

    product_id = uuid4()

    def make_and_move(ctx: Context) -> None:
        product = Product(id=product_id, sku="NUEVO", name="Nuevo", kind="goods", unit_id=company.measures["PZA"])
        product.tenant_id = ctx.tenant_id
        ctx.session.add(product)
        services.post_moves(ctx, PostMoves(lines=[company.line(product_id, "4", "supplier", "shelf")]))

    company.run(make_and_move)

    assert company.on_hand(product_id) == 4


def test_every_body_fault_is_told_at_once(company: Company) -> None:
    product = company.product()
    lines: list[MoveLine] = [
        company.line(product, "0", "supplier", "shelf"),
        company.line(product, "1", "shelf", "shelf"),
        company.line(product, "0.0000001", "supplier", "shelf"),
    ]

    with pytest.raises(Problem) as refused:
        company.post(*lines)

    assert isinstance(refused.value, ProblemList)
    assert [problem.code for problem in refused.value.problems] == [
        "quantity_not_positive",
        "same_location",
        "inexact_quantity",
    ]
