"""Stores, tills and their stock over HTTP, on the real database."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from erp_retail import demo

from erp_core.testing.environment import Erp, Person, Reply

STORES = "/retail/stores"
TERMINALS = "/retail/terminals"


def make_location(person: Person, code: str | None = None, kind: str = "internal") -> str:
    answer = person.post(
        "/core/locations", {"code": code or f"L{uuid4().hex[:8]}", "name": "Piso de venta", "kind": kind}
    )
    assert answer.status == 201, answer.response.text
    return str(answer.body["id"])


def create_store(person: Person, **facts: Any) -> Reply:
    facts.setdefault("location_id", None)
    facts["location_id"] = facts["location_id"] or make_location(person)
    return person.post(STORES, {"code": f"S{uuid4().hex[:8]}", "name": "Sucursal Centro", **facts})


def make_store(person: Person, **facts: Any) -> dict[str, Any]:
    answer = create_store(person, **facts)
    assert answer.status == 201, answer.response.text
    return dict(answer.body)


def create_terminal(person: Person, store_id: str, code: str, series: str) -> Reply:
    return person.post(TERMINALS, {"store_id": store_id, "code": code, "series": series})


def make_product(person: Person, **facts: Any) -> str:
    unit = person.post(
        "/core/units", {"code": f"U{uuid4().hex[:8]}", "name": "Kilogramo", "name_en": "Kilogram", "dimension": "mass"}
    )
    body = {"sku": f"P{uuid4().hex[:8]}", "name": "Jitomate", "unit_id": unit.body["id"], **facts}
    answer = person.post("/core/products", body)
    assert answer.status == 201, answer.response.text
    return str(answer.body["id"])


def receive(person: Person, product: str, location: str, quantity: str) -> None:
    supplier = make_location(person, kind="supplier")
    line = {"product_id": product, "from_location_id": supplier, "to_location_id": location, "quantity": quantity}
    assert person.post("/core/moves", {"lines": [line]}).status == 201


def test_a_store_speaks_mexican_time_unless_told_otherwise(person: Person):
    store = make_store(person, code="centro")

    assert (store["code"], store["time_zone"], store["tax_zone"]) == ("CENTRO", "America/Mexico_City", "general")


def test_an_unknown_time_zone_is_refused(person: Person):
    answer = create_store(person, time_zone="America/Guadalajara")

    assert (answer.status, answer.problem, answer.body["pointer"]) == (422, "retail_unknown_time_zone", "/time_zone")


def test_the_refusal_is_told_in_spanish_and_english(person: Person):
    body = {"code": "X", "name": "X", "location_id": str(uuid4()), "time_zone": "CST"}

    spanish, english = (
        person.post(STORES, body, headers={"accept-language": language}) for language in ("es-MX", "en")
    )

    assert spanish.body["detail"].startswith("CST no es una zona horaria")
    assert english.body["detail"].startswith("CST is not a time zone")


def test_a_location_belongs_to_one_store_only(person: Person):
    first = make_store(person)

    answer = create_store(person, location_id=first["location_id"])

    assert (answer.status, answer.problem, answer.body["pointer"]) == (409, "duplicate", "/location_id")


def test_a_store_cannot_sell_from_another_companys_location(person: Person, stranger: Person):
    foreign = make_location(stranger)

    answer = create_store(person, location_id=foreign)

    assert (answer.status, answer.problem, answer.body["pointer"]) == (422, "unknown_reference", "/location_id")


def test_a_tills_code_is_unique_in_its_store_and_its_series_everywhere(person: Person):
    centre, north = make_store(person)["id"], make_store(person)["id"]
    create_terminal(person, centre, "CAJA-1", "C1")

    answers = [
        create_terminal(person, centre, "caja-1", "C2"),
        create_terminal(person, north, "CAJA-1", "c1"),
        create_terminal(person, north, "CAJA-1", "N1"),
    ]

    assert [(answer.status, answer.problem and answer.body["pointer"]) for answer in answers] == [
        (409, "/code"),
        (409, "/series"),
        (201, None),
    ]


def test_a_till_keeps_its_store_and_series(person: Person):
    till = create_terminal(person, make_store(person)["id"], "CAJA-1", "C1").body["id"]

    answers = [
        person.patch(f"{TERMINALS}/{till}", {name: value})
        for name, value in (("series", "X"), ("store_id", till), ("printer_profile", "58mm"))
    ]

    assert [answer.status for answer in answers] == [422, 422, 200]


def test_a_store_with_tills_in_use_is_not_archived(person: Person):
    store = make_store(person)["id"]
    till = create_terminal(person, store, "CAJA-1", "C1").body["id"]

    refused = person.delete(f"{STORES}/{store}")
    person.delete(f"{TERMINALS}/{till}")
    archived = person.delete(f"{STORES}/{store}")

    assert (refused.status, refused.problem, refused.body["terminals"]) == (409, "retail_store_has_terminals", 1)
    assert archived.status == 200


def test_a_store_tells_what_it_holds_of_a_product(person: Person):
    store, other, product = make_store(person), make_store(person), make_product(person)
    receive(person, product, store["location_id"], "12.5")

    here, there = (person.get(f"{STORES}/{one['id']}/stock?product_id={product}").body for one in (store, other))

    assert (here["on_hand"], here["reserved"], here["available"]) == ("12.5", "0", "12.5")
    assert (there["on_hand"], there["updated_at"]) == ("0", None)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("", "/query/product_id"),
        ("?product_id=x", "/query/product_id"),
        ("?sku=x", "/query/sku"),
        ("?product_id=01a20343-7615-73ce-8b07-569061e28eef", "/query/product_id"),
    ],
)
def test_the_question_for_stock_is_read_strictly(person: Person, query: str, pointer: str):
    store = make_store(person)["id"]

    answer = person.get(f"{STORES}/{store}/stock{query}")

    assert (answer.status, answer.body["pointer"]) == (422, pointer)


def test_no_stock_is_kept_of_a_service(person: Person):
    store, service = make_store(person)["id"], make_product(person, kind="service")

    answer = person.get(f"{STORES}/{store}/stock?product_id={service}")

    assert (answer.status, answer.problem) == (409, "retail_stock_not_kept")


def test_another_company_sees_neither_store_nor_stock(person: Person, stranger: Person):
    store, product = make_store(person)["id"], make_product(person)

    answers = [stranger.get(f"{STORES}/{store}"), stranger.get(f"{STORES}/{store}/stock?product_id={product}")]

    assert [answer.status for answer in answers] == [404, 404]


def test_anothers_product_is_as_unknown_as_none(person: Person, stranger: Person):
    store, foreign = make_store(person)["id"], make_product(stranger)

    answer = person.get(f"{STORES}/{store}/stock?product_id={foreign}")

    assert (answer.status, answer.problem) == (422, "unknown_reference")


def test_a_cashier_sees_stock_and_changes_no_store(erp: Erp, person: Person):
    store, product = make_store(person)["id"], make_product(person)
    permissions = next(
        role.permissions for slug, role in erp.application.roles if (slug, role.name) == ("retail", "cashier")
    )
    cashier = erp.sign_in(person.tenant_slug, permissions=permissions)

    seen, refused = (
        cashier.get(f"{STORES}/{store}/stock?product_id={product}"),
        cashier.patch(f"{STORES}/{store}", {"name": "Otra"}),
    )

    assert (seen.status, refused.status, refused.body["permission"]) == (200, 403, "retail.stores.update")


def test_without_its_location_the_demo_branch_is_left_out(erp: Erp, person: Person):
    erp.units.run(erp.actor(person), demo.load_branch)

    assert person.items(STORES) == []


def test_the_demo_branch_has_one_till(erp: Erp, person: Person):
    make_location(person, demo.LOCATION)

    for _ in range(2):
        erp.units.run(erp.actor(person), demo.load_branch)

    assert [(till["code"], till["store"]["code"]) for till in person.items(f"{TERMINALS}?include=store")] == [
        ("CAJA-1", "CENTRO")
    ]
