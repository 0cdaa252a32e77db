"""The shop, its devices and its credit customers through the API."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from erp_pos import demo

from erp_core.testing.environment import Erp, Person


def pem(key: PublicKeyTypes) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def new_key() -> ec.EllipticCurvePublicKey:
    return ec.generate_private_key(ec.SECP256R1()).public_key()


def jwk(key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    numbers = key.public_numbers()
    x, y = (base64.urlsafe_b64encode(n.to_bytes(32)).rstrip(b"=").decode() for n in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "ext": True, "key_ops": ["verify"]}


def created(person: Person, path: str, body: dict[str, Any]) -> str:
    answer = person.post(path, body)
    assert answer.status == 201, answer.response.text
    return str(answer.body["id"])


def shop_of(person: Person, **facts: Any) -> dict[str, Any]:
    location = created(
        person,
        "/core/locations",
        {"code": f"L{len(person.items('/core/locations'))}", "name": "Tienda", "kind": "internal"},
    )
    return {"name": "La Esquina", "location_id": location, **facts}


@pytest.fixture
def shop(person: Person) -> str:
    return created(person, "/pos/shops", shop_of(person))


def device_of(shop: str, code: str = "C1", **facts: Any) -> dict[str, Any]:
    return {"shop_id": shop, "code": code, "name": "Tableta", "public_key": pem(new_key()), **facts}


def test_a_company_has_one_active_shop(person: Person, shop: str):
    second = shop_of(person)

    refused = person.post("/pos/shops", second)
    person.delete(f"/pos/shops/{shop}")
    accepted = person.post("/pos/shops", second)

    assert (refused.status, refused.problem) == (409, "duplicate")
    assert accepted.status == 201


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("tax_id", "ABC010101XY1", "invalid_tax_id"),
        ("time_zone", "America/Tepito", "unknown_time_zone"),
        ("colour", "red", "invalid_input"),
    ],
)
def test_what_is_wrong_with_a_shop_is_said_at_its_field(person: Person, field: str, value: str, problem: str):
    answer = person.post("/pos/shops", shop_of(person, **{field: value}))

    assert (answer.status, answer.problem, answer.body["pointer"]) == (422, problem, f"/{field}")


def test_the_tax_id_is_kept_in_one_spelling(person: Person):
    answer = person.post("/pos/shops", shop_of(person, tax_id=" xaxx010101000 "))

    assert (answer.status, answer.body["tax_id"]) == (201, "XAXX010101000")


def test_a_shop_cannot_stand_in_another_companys_location(person: Person, stranger: Person):
    answer = stranger.post("/pos/shops", shop_of(person))

    assert (answer.status, answer.problem, answer.body["pointer"]) == (422, "unknown_reference", "/location_id")


def test_a_key_means_the_same_as_pem_and_as_a_web_key(person: Person, shop: str):
    key = new_key()

    first = person.post("/pos/devices", device_of(shop, public_key=jwk(key)))
    again = person.post("/pos/devices", device_of(shop, "C2", public_key=pem(key)))

    assert (first.status, first.body["public_key"], first.body["state"]) == (201, pem(key), "active")
    assert (again.status, again.problem, again.body["pointer"]) == (409, "duplicate", "/public_key")


def private_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (lambda: pem(rsa.generate_private_key(65537, 2048).public_key()), "algorithm"),
        (lambda: pem(ec.generate_private_key(ec.SECP384R1()).public_key()), "curve"),
        (lambda: "no key at all", "unreadable"),
        (private_pem, "private"),
        (lambda: {**jwk(new_key()), "x": "A" * 43}, "unreadable"),
    ],
)
def test_a_key_that_cannot_check_a_signature_is_refused(person: Person, shop: str, key: Any, reason: str):
    answer = person.post("/pos/devices", device_of(shop, public_key=key()))

    assert (answer.status, answer.problem, answer.body["reason"]) == (422, "invalid_device_key", reason)
    assert answer.body["pointer"] == "/public_key"


def test_the_code_of_a_retired_device_is_never_used_again(person: Person, shop: str):
    device = created(person, "/pos/devices", device_of(shop))
    person.post(f"/pos/devices/{device}/retire")

    again = person.post("/pos/devices", device_of(shop, "c1"))
    renamed = person.patch(f"/pos/devices/{device}", {"code": "C9"})
    archived = person.delete(f"/pos/devices/{device}")

    assert (again.status, again.problem, again.body["pointer"]) == (409, "duplicate", "/code")
    assert (renamed.status, renamed.body["pointer"]) == (422, "/code")
    assert archived.status == 405


def test_a_device_changes_state_only_by_its_actions(person: Person, shop: str):
    device = created(person, "/pos/devices", device_of(shop))

    written = person.patch(f"/pos/devices/{device}", {"state": "retired"})
    lost = person.post(f"/pos/devices/{device}/lost")
    lost_again = person.post(f"/pos/devices/{device}/lost")
    retired = person.post(f"/pos/devices/{device}/retire")
    retired_again = person.post(f"/pos/devices/{device}/retire")

    assert (written.status, written.body["pointer"]) == (422, "/state")
    assert (lost.status, lost.body["state"], lost.etag) == (200, "lost", '"2"')
    assert (lost_again.status, lost_again.problem, lost_again.body["state"]) == (409, "wrong_state", "lost")
    assert (retired.status, retired.body["state"]) == (200, "retired")
    assert (retired_again.status, retired_again.problem) == (409, "wrong_state")


def test_a_repeated_action_with_one_key_answers_as_the_first_time(person: Person, shop: str):
    device = created(person, "/pos/devices", device_of(shop))
    once = {"headers": {"idempotency-key": "retire-1"}}

    first = person.post(f"/pos/devices/{device}/retire", **once)
    second = person.post(f"/pos/devices/{device}/retire", **once)

    assert (first.status, second.status) == (200, 200)
    assert second.body == first.body


def test_another_company_neither_sees_nor_retires_a_device(person: Person, stranger: Person, shop: str):
    device = created(person, "/pos/devices", device_of(shop))

    seen = stranger.get(f"/pos/devices/{device}")
    retired = stranger.post(f"/pos/devices/{device}/retire")

    assert (seen.status, seen.problem) == (retired.status, retired.problem) == (404, "not_found")
    assert stranger.items("/pos/devices") == []
    assert person.get(f"/pos/devices/{device}").body["state"] == "active"


def test_a_credit_customer_is_a_partner_or_a_name_with_a_telephone(person: Person):
    partner = created(person, "/core/partners", {"name": "Fonda Mary", "is_customer": True})

    unnamed = person.post("/pos/credit_customers", {"name": "Beto", "credit_limit": "300.00"})
    by_name = person.post("/pos/credit_customers", {"name": "Beto", "phone": "33 1234 5678", "credit_limit": "300.00"})
    by_partner = person.post("/pos/credit_customers", {"partner_id": partner})
    twice = person.post("/pos/credit_customers", {"partner_id": partner})
    emptied = person.patch(f"/pos/credit_customers/{by_name.body['id']}", {"phone": None})

    assert (unnamed.status, unnamed.problem) == (422, "customer_unnamed")
    assert (by_name.status, by_name.body["state"], by_partner.status) == (201, "active", 201)
    assert (twice.status, twice.problem, twice.body["pointer"]) == (409, "duplicate", "/partner_id")
    assert (emptied.status, emptied.problem, emptied.body["rule"]) == (422, "rule_violated", "named")


@pytest.mark.parametrize("limit", ["-0.01", "NaN", "0.0000001"])
def test_a_limit_is_an_amount_of_money(person: Person, limit: str):
    answer = person.post("/pos/credit_customers", {"name": "Beto", "phone": "33 1234 5678", "credit_limit": limit})

    assert (answer.status, answer.problem, answer.body["pointer"]) == (422, "invalid_amount", "/credit_limit")


def test_a_cashier_does_not_retire_devices(erp: Erp, person: Person, shop: str):
    device = created(person, "/pos/devices", device_of(shop))
    template = next(t for slug, t in erp.application.roles if (slug, t.name) == ("pos", "cashier"))
    cashier = erp.sign_in(person.tenant_slug, permissions=template.permissions)

    seen = cashier.get(f"/pos/devices/{device}")
    retired = cashier.post(f"/pos/devices/{device}/retire")

    assert seen.status == 200
    assert (retired.status, retired.problem) == (403, "forbidden")


def test_the_demo_can_be_loaded_twice(erp: Erp, person: Person):
    for _ in range(2):
        erp.units.run(erp.actor(person), demo.load_shop)
        erp.units.run(erp.actor(person), demo.load_credit_customers)

    assert [item["name"] for item in person.items("/pos/shops")] == ["Abarrotes La Esquina"]
    assert [item["code"] for item in person.items("/pos/devices")] == [demo.CODE]
    assert len(person.items("/pos/credit_customers")) == len(demo.NEIGHBOURS)
