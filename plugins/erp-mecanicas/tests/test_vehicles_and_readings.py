"""Vehicles and their meters through the API."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from erp_mecanicas import demo

from erp_core.testing.environment import Erp, Person

VIN = "3AKJHHDR9JS000001"


def created(person: Person, path: str, body: dict[str, Any]) -> str:
    answer = person.post(path, body)
    assert answer.status == 201, answer.response.text
    return str(answer.body["id"])


def truck(person: Person, **facts: Any) -> dict[str, Any]:
    owner = created(person, "/core/partners", {"name": "Transportes del Bajío", "is_customer": True})
    return {"make": "Freightliner", "model": "Cascadia", "year": 2018, "owner_id": owner, **facts}


@pytest.fixture
def vehicle(person: Person) -> str:
    return created(person, "/mecanicas/vehicles", truck(person, vin=VIN, plate="LC-12 345"))


def test_a_vehicle_is_kept_with_its_numbers_in_one_spelling(person: Person, vehicle: str):
    found = person.get(f"/mecanicas/vehicles/{vehicle}").body

    assert (found["vin"], found["vin_check"], found["plate"]) == (VIN, "valid", "LC12345")
    assert [item["id"] for item in person.items("/mecanicas/vehicles?filter[plate]=LC12345")] == [vehicle]
    assert [item["id"] for item in person.items("/mecanicas/vehicles?q=freightliner%20casc")] == [vehicle]


def test_a_wrong_check_digit_warns_and_does_not_block(person: Person):
    answer = person.post("/mecanicas/vehicles", truck(person, vin="3hsdjapr8cn123456"))

    assert (answer.status, answer.body["vin"], answer.body["vin_check"]) == (201, "3HSDJAPR8CN123456", "doubtful")


@pytest.mark.parametrize(
    ("vin", "year", "status", "check"),
    [
        ("3AKJHHDR9JSO00001", 2018, 422, None),
        ("3AKJHHDR9JS0", 2018, 422, None),
        ("C10-DE", 1975, 422, None),
        ("CCE145", 1975, 201, "unchecked"),
    ],
)
def test_only_old_vehicles_have_short_numbers(person: Person, vin: str, year: int, status: int, check: str | None):
    answer = person.post("/mecanicas/vehicles", truck(person, vin=vin, year=year))

    assert answer.status == status
    assert answer.body.get("vin_check") == check
    assert answer.problem == (None if check else "vin_invalid")


def test_a_short_vin_alone_cannot_be_put_on_a_new_vehicle(person: Person, vehicle: str):
    answer = person.patch(f"/mecanicas/vehicles/{vehicle}", {"vin": "CCE145"})

    assert (answer.status, answer.problem, answer.body["rule"]) == (422, "rule_violated", "vin")


def test_a_vin_is_in_a_company_once_and_a_plate_once_among_the_active(person: Person, stranger: Person, vehicle: str):
    same_vin = person.post("/mecanicas/vehicles", truck(person, vin=VIN))
    same_plate = person.post("/mecanicas/vehicles", truck(person, plate="lc12345"))
    elsewhere = stranger.post("/mecanicas/vehicles", truck(stranger, vin=VIN, plate="LC12345"))
    person.delete(f"/mecanicas/vehicles/{vehicle}")
    after_archiving = person.post("/mecanicas/vehicles", truck(person, plate="LC12345"))

    assert (same_vin.status, same_vin.problem, same_vin.body["pointer"]) == (409, "duplicate", "/vin")
    assert (same_plate.status, same_plate.problem, same_plate.body["pointer"]) == (409, "duplicate", "/plate")
    assert (elsewhere.status, after_archiving.status) == (201, 201)


def test_another_company_neither_sees_nor_reads_the_meters(vehicle: str, stranger: Person):
    seen = stranger.get(f"/mecanicas/vehicles/{vehicle}")
    taken = stranger.post(f"/mecanicas/vehicles/{vehicle}/readings", {"km": "100"})

    assert (seen.status, seen.problem) == (taken.status, taken.problem) == (404, "not_found")
    assert stranger.items("/mecanicas/readings") == []


def test_a_meter_does_not_run_backwards(person: Person, vehicle: str):
    path = f"/mecanicas/vehicles/{vehicle}/readings"
    person.post(path, {"km": "104500.0", "hours": "2522.5"})

    lower = person.post(path, {"km": "104499.9"})
    fewer_hours = person.post(path, {"km": "104600", "hours": "2522.4"})
    same = person.post(path, {"km": "104500"})

    assert (lower.status, lower.problem, lower.body["last"]) == (409, "reading_below_last", "104500.0")
    assert (fewer_hours.problem, fewer_hours.body["pointer"]) == ("reading_below_last", "/hours")
    assert same.status == 201
    assert len(person.items("/mecanicas/readings")) == 2


def test_a_replaced_meter_starts_again_with_a_reason(person: Person, vehicle: str):
    path = f"/mecanicas/vehicles/{vehicle}/readings"
    person.post(path, {"km": "104500"})

    silent = person.post(path, {"km": "10", "meter_replaced": True})
    explained = person.post(path, {"km": "10", "meter_replaced": True, "reason": "Tablero nuevo"})
    following = person.post(path, {"km": "60"})
    below = person.post(path, {"km": "59"})

    assert (silent.status, silent.problem) == (422, "reason_missing")
    assert (explained.status, following.status) == (201, 201)
    assert below.problem == "reading_below_last"


def test_a_late_note_must_fit_between_its_neighbours(person: Person, vehicle: str):
    path = f"/mecanicas/vehicles/{vehicle}/readings"
    person.post(path, {"km": "1000", "taken_at": "2026-03-01T12:00:00Z"})
    person.post(path, {"km": "2000", "taken_at": "2026-03-11T12:00:00Z"})

    above = person.post(path, {"km": "2001", "taken_at": "2026-03-05T12:00:00Z"})
    below = person.post(path, {"km": "999", "taken_at": "2026-03-05T12:00:00Z"})
    between = person.post(path, {"km": "1400", "taken_at": "2026-03-05T12:00:00Z"})

    assert (above.problem, above.body["next"]) == ("reading_above_next", "2000.0")
    assert below.problem == "reading_below_last"
    assert between.status == 201


def test_kilometres_that_grow_too_fast_are_kept_and_told(person: Person, vehicle: str):
    path = f"/mecanicas/vehicles/{vehicle}/readings"
    person.post(path, {"km": "1000", "taken_at": "2026-03-01T12:00:00Z"})

    likely = person.post(path, {"km": "5000", "taken_at": "2026-03-03T12:00:00Z"})
    unlikely = person.post(path, {"km": "9001", "taken_at": "2026-03-05T12:00:00Z"})

    assert (likely.status, likely.body["warnings"]) == (201, [])
    assert (unlikely.status, unlikely.body["warnings"]) == (201, ["jump_suspected"])


@pytest.mark.parametrize(
    ("body", "problem", "pointer"),
    [
        ({}, "meter_missing", "/km"),
        ({"km": "1.25"}, "invalid_meter", "/km"),
        ({"hours": "-1"}, "invalid_meter", "/hours"),
        ({"km": "1", "taken_at": "2999-01-01T00:00:00Z"}, "reading_in_future", "/taken_at"),
        ({"km": "1", "taken_at": "2026-01-01T00:00:00"}, "invalid_input", "/taken_at"),
        ({"miles": "1"}, "invalid_input", "/miles"),
    ],
)
def test_a_reading_that_says_nothing_true_is_refused_at_its_field(
    person: Person, vehicle: str, body: Any, problem: str, pointer: str
):
    answer = person.post(f"/mecanicas/vehicles/{vehicle}/readings", body)

    assert (answer.status, answer.problem, answer.body["pointer"]) == (422, problem, pointer)


def test_of_two_readings_at_once_the_lower_cannot_follow_the_higher(person: Person, vehicle: str):
    path = f"/mecanicas/vehicles/{vehicle}/readings"

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda km: person.post(path, {"km": str(km)}), range(100, 108)))

    kept = sorted((item["taken_at"], float(item["km"])) for item in person.items("/mecanicas/readings"))
    assert {answer.status for answer in answers} <= {201, 409}
    assert [km for _, km in kept] == sorted(km for _, km in kept)
    assert len(kept) == sum(answer.status == 201 for answer in answers) >= 1


def test_nobody_changes_a_reading_in_the_database(erp: Erp, person: Person, vehicle: str):
    person.post(f"/mecanicas/vehicles/{vehicle}/readings", {"km": "100"})

    with (
        psycopg.connect(erp.application.addresses.app) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("UPDATE vehicle_mgmt.readings SET km = 1")


def test_a_vin_is_explained_over_http(person: Person):
    valid = person.get("/mecanicas/vin/1m8gdm9axkp042788")
    doubtful = person.get("/mecanicas/vin/3HSDJAPR8CN123456")
    malformed = person.get("/mecanicas/vin/3AKJHHDR9JSO00001")

    assert (valid.body["check_digit_valid"], valid.body["expected_digit"], valid.body["region"]) == (
        True,
        "X",
        "north_america",
    )
    assert (valid.body["model_year"], valid.body["other_model_year"]) == (2019, 1989)
    assert (doubtful.status, doubtful.body["warnings"], doubtful.body["expected_digit"]) == (200, ["check_digit"], "4")
    assert (malformed.status, malformed.problem, malformed.body["reason"]) == (422, "vin_invalid", "illegal_character")


def test_a_technician_reads_meters_and_does_not_sell_trucks(erp: Erp, person: Person, vehicle: str):
    template = next(t for slug, t in erp.application.roles if (slug, t.name) == ("mecanicas", "technician"))
    technician = erp.sign_in(person.tenant_slug, permissions=template.permissions)

    taken = technician.post(f"/mecanicas/vehicles/{vehicle}/readings", {"km": "100"})
    archived = technician.delete(f"/mecanicas/vehicles/{vehicle}")

    assert taken.status == 201
    assert (archived.status, archived.problem) == (403, "forbidden")


def test_the_demo_can_be_loaded_twice(erp: Erp, person: Person):
    for _ in range(2):
        erp.units.run(erp.actor(person), demo.load_trucks)
        erp.units.run(erp.actor(person), demo.load_parts)

    trucks = person.items("/mecanicas/vehicles")
    assert {(item["fleet_number"], item["vin_check"]) for item in trucks} == {
        (number, "valid") for number, *_ in demo.TRUCKS
    }
    assert len(person.items("/mecanicas/readings")) == len(demo.TRUCKS)
    assert len(person.items("/mecanicas/part_profiles")) == len(demo.PARTS)
