"""Glass types, price lists and rules through the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from erp_vidrio import demo
from erp_vidrio.quotes import services
from erp_vidrio.quotes.errors import PriceRuleOverlap
from erp_vidrio.quotes.schemas import PriceRuleIn
from msgspec import structs

from erp_core.testing.environment import Erp, Person

GLASS = {"code": "claro-10", "name": "Claro 10 mm", "family": "clear", "thickness_mm": 10}


@dataclass
class Shop:
    """A tenant with one glass and one price list."""

    person: Person
    glass: str
    price_list: str

    def rule(self, **facts: Any) -> dict[str, Any]:
        rates = {
            "rate_m2": "980.00",
            "size_step_mm": 50,
            "minimum_m2": "0.50",
            "edge_rate_m": "55.00",
            "hole_rate": "75.00",
        }
        keys = {"price_list_id": self.price_list, "glass_type_id": self.glass, "valid_from": "2026-01-01"}
        return {**keys, **rates, "notch_rate": "210.00", **facts}


def created(person: Person, path: str, body: dict[str, Any]) -> str:
    answer = person.post(path, body)
    assert answer.status == 201, answer.response.text
    return str(answer.body["id"])


@pytest.fixture
def shop(person: Person) -> Shop:
    price_list = created(person, "/vidrio/price_lists", {"code": "GRAL", "name": "General", "tax_pct": "16"})
    return Shop(person, created(person, "/vidrio/glass_types", GLASS), price_list)


def test_another_company_sees_nothing_of_the_glass(shop: Shop, stranger: Person):
    listed = stranger.items("/vidrio/glass_types")
    read = stranger.get(f"/vidrio/glass_types/{shop.glass}")
    unknown = stranger.get(f"/vidrio/glass_types/{stranger.tenant_id}")

    assert listed == []
    assert (read.status, read.problem) == (unknown.status, unknown.problem) == (404, "not_found")


def test_a_rule_cannot_point_at_another_companys_glass(shop: Shop, stranger: Person):
    own_list = created(stranger, "/vidrio/price_lists", {"code": "GRAL", "name": "General", "tax_pct": "16"})

    answer = stranger.post("/vidrio/price_rules", shop.rule(price_list_id=own_list))

    assert answer.problem == "unknown_reference"
    assert answer.body["pointer"] == "/glass_type_id"


def test_there_is_one_active_glass_of_a_family_and_thickness(shop: Shop):
    twin = {**GLASS, "code": "CLARO-10-B"}

    refused = shop.person.post("/vidrio/glass_types", twin)
    shop.person.delete(f"/vidrio/glass_types/{shop.glass}")
    accepted = shop.person.post("/vidrio/glass_types", twin)

    assert (refused.status, refused.problem) == (409, "duplicate")
    assert refused.body["pointer"] == "/thickness_mm"
    assert accepted.status == 201


@pytest.mark.parametrize(("field", "value"), [("thickness_mm", 7), ("family", "plastic"), ("sparkle", True)])
def test_a_glass_that_nobody_makes_is_refused_at_its_field(person: Person, field: str, value: Any):
    answer = person.post("/vidrio/glass_types", {**GLASS, field: value})

    assert (answer.status, answer.problem) == (422, "invalid_input")
    assert answer.body["pointer"] == f"/{field}"


@pytest.mark.parametrize("rate", ["-1", "NaN", "0.0000001"])
def test_a_rate_that_cannot_be_kept_is_refused(shop: Shop, rate: str):
    answer = shop.person.post("/vidrio/price_rules", shop.rule(rate_m2=rate))

    assert (answer.status, answer.problem) == (422, "invalid_rate")
    assert answer.body["pointer"] == "/rate_m2"


def test_a_glass_has_one_price_on_any_day(shop: Shop):
    created(shop.person, "/vidrio/price_rules", shop.rule(valid_to="2026-06-30"))

    overlapping = shop.person.post("/vidrio/price_rules", shop.rule(valid_from="2026-06-30"))
    following = shop.person.post("/vidrio/price_rules", shop.rule(valid_from="2026-07-01"))

    assert (overlapping.status, overlapping.problem) == (409, "price_rule_overlap")
    assert following.status == 201
    assert len(shop.person.items("/vidrio/price_rules")) == 2


def test_a_change_cannot_make_days_overlap(shop: Shop):
    created(shop.person, "/vidrio/price_rules", shop.rule(valid_to="2026-06-30"))
    later = created(shop.person, "/vidrio/price_rules", shop.rule(valid_from="2026-07-01"))

    refused = shop.person.patch(f"/vidrio/price_rules/{later}", {"valid_from": "2026-06-01"})
    accepted = shop.person.patch(f"/vidrio/price_rules/{later}", {"valid_from": "2026-08-01"})

    assert (refused.status, refused.problem) == (409, "price_rule_overlap")
    assert (accepted.status, accepted.body["valid_from"]) == (200, "2026-08-01")


def test_an_archived_rule_does_not_come_back_beside_its_successor(shop: Shop):
    first = created(shop.person, "/vidrio/price_rules", shop.rule())
    shop.person.delete(f"/vidrio/price_rules/{first}")
    created(shop.person, "/vidrio/price_rules", shop.rule(rate_m2="1010.00"))

    refused = shop.person.post(f"/vidrio/price_rules/{first}/restore")

    assert refused.status == 409
    assert [item["rate_m2"] for item in shop.person.items("/vidrio/price_rules")] == ["1010"]


def test_the_services_refuse_overlapping_days_in_the_words_of_the_trade(erp: Erp, shop: Shop):
    actor = erp.actor(shop.person)
    first = PriceRuleIn(
        price_list_id=UUID(shop.price_list),
        glass_type_id=UUID(shop.glass),
        rate_m2=Decimal(980),
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 6, 30),
    )
    second = structs.replace(first, valid_from=date(2026, 7, 1), valid_to=None)
    erp.units.run(actor, lambda ctx: services.add_price_rule(ctx, first))
    rule = erp.units.run(actor, lambda ctx: services.add_price_rule(ctx, second))

    with pytest.raises(PriceRuleOverlap):
        erp.units.run(
            actor, lambda ctx: services.add_price_rule(ctx, structs.replace(second, valid_from=date(2027, 1, 1)))
        )
    with pytest.raises(PriceRuleOverlap):
        erp.units.run(actor, lambda ctx: services.change_price_rule(ctx, rule, {"valid_from": date(2026, 6, 30)}))
    erp.units.run(actor, lambda ctx: services.change_price_rule(ctx, rule, {"valid_from": date(2026, 8, 1)}))

    assert sorted(item["valid_from"] for item in shop.person.items("/vidrio/price_rules")) == [
        "2026-01-01",
        "2026-08-01",
    ]


def test_a_rule_ends_no_earlier_than_it_starts(shop: Shop):
    answer = shop.person.post("/vidrio/price_rules", shop.rule(valid_to="2025-12-31"))

    assert (answer.status, answer.problem, answer.body["pointer"]) == (422, "ends_before_start", "/valid_to")


def test_a_price_check_shows_every_component_and_stores_nothing(shop: Shop):
    rule = created(shop.person, "/vidrio/price_rules", shop.rule())
    panes = [
        {"width_mm": 912, "height_mm": 2118, "quantity": 2, "holes": 12},
        {"width_mm": 300, "height_mm": 1210, "quantity": 5, "notches": 3},
    ]

    answer = shop.person.post("/vidrio/price-check", {"price_rule_id": rule, "panes": panes})

    assert answer.status == 200
    assert (answer.body["subtotal"], answer.body["tax"], answer.body["total"]) == ("9480.40", "1516.86", "10997.26")
    assert (answer.body["weight_kg"], answer.body["currency"]) == ("141.96", "MXN")
    first = answer.body["panes"][0]
    assert (first["glass"], first["edge"], first["holes"], first["notches"]) == ("4003.30", "666.60", "900.00", "0.00")


def test_a_price_check_names_what_it_cannot_price(shop: Shop, stranger: Person):
    rule = created(shop.person, "/vidrio/price_rules", shop.rule())
    pane = {"width_mm": 300, "height_mm": 300}

    foreign = stranger.post("/vidrio/price-check", {"price_rule_id": rule, "panes": [pane]})
    large = shop.person.post(
        "/vidrio/price-check", {"price_rule_id": rule, "panes": [pane, {"width_mm": 4000, "height_mm": 4000}]}
    )
    shop.person.delete(f"/vidrio/price_rules/{rule}")
    archived = shop.person.post("/vidrio/price-check", {"price_rule_id": rule, "panes": [pane]})

    assert foreign.problem == archived.problem == "no_price_rule"
    assert (large.problem, large.body["pointer"]) == ("pane_too_large", "/panes/1")
    assert "4000" in large.body["detail"]


def test_a_seller_prices_but_does_not_set_prices(erp: Erp, shop: Shop):
    rule = created(shop.person, "/vidrio/price_rules", shop.rule())
    template = next(t for slug, t in erp.application.roles if (slug, t.name) == ("vidrio", "seller"))
    seller = erp.sign_in(shop.person.tenant_slug, permissions=template.permissions)

    priced = seller.post("/vidrio/price-check", {"price_rule_id": rule, "panes": [{"width_mm": 500, "height_mm": 500}]})
    changed = seller.patch(f"/vidrio/price_rules/{rule}", {"rate_m2": "1.00"})

    assert priced.status == 200
    assert (changed.status, changed.problem) == (403, "forbidden")


def test_the_demo_can_be_loaded_twice(erp: Erp, person: Person):
    for _ in range(2):
        erp.units.run(erp.actor(person), demo.load_glass)

    assert {glass["code"] for glass in person.items("/vidrio/glass_types")} == {code for code, *_ in demo.GLASS}
    assert len(person.items("/vidrio/price_rules")) == len(demo.GLASS)
