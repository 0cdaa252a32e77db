"""What a workshop knows of a part, through the API."""

from __future__ import annotations

from typing import Any

import pytest
from erp_mecanicas.parts_mgmt.rules import part_key
from hypothesis import given
from hypothesis import strategies as st

from erp_core.testing.environment import Person


@given(
    st.lists(st.sampled_from("AB01"), min_size=1).map("".join), st.lists(st.sampled_from([" ", "-", ""]), min_size=1)
)
def test_spaces_and_hyphens_anywhere_do_not_change_the_key_of_a_number(number: str, noise: list[str]):
    spaced = "".join(character + noise[place % len(noise)] for place, character in enumerate(number))

    assert part_key(spaced.lower()) == part_key(number) == number


def product(person: Person, sku: str) -> str:
    unit = person.post("/core/units", {"code": f"U{sku}", "name": "Pieza", "name_en": "Piece", "dimension": "count"})
    answer = person.post("/core/products", {"sku": sku, "name": f"Refacción {sku}", "unit_id": unit.body["id"]})
    assert answer.status == 201, answer.response.text
    return str(answer.body["id"])


def profile(person: Person, **facts: Any) -> dict[str, Any]:
    return {"product_id": product(person, "INY1"), "oem_number": "RA 472-070-08-87", **facts}


@pytest.mark.parametrize("written", ["RA4720700887", "ra-472 070", "RA 472-070-08-87"])
def test_a_part_is_found_however_its_number_is_written(person: Person, stranger: Person, written: str):
    answer = person.post("/mecanicas/part_profiles", profile(person, core_required=True, deposit_amount="4000.00"))

    found = person.get("/mecanicas/part-search", params={"number": written}).body
    foreign = stranger.get("/mecanicas/part-search", params={"number": written}).body

    assert (answer.status, answer.body["number_key"]) == (201, "RA4720700887")
    assert [part["id"] for part in found] == [answer.body["id"]]
    assert foreign == []


def test_a_number_of_nothing_but_hyphens_is_refused(person: Person):
    stored = person.post("/mecanicas/part_profiles", profile(person, oem_number="- -"))
    searched = person.get("/mecanicas/part-search", params={"number": "--"})

    assert (stored.status, stored.problem, stored.body["pointer"]) == (422, "part_number_empty", "/oem_number")
    assert (searched.status, searched.problem) == (422, "part_number_empty")


def test_a_product_has_one_profile(person: Person):
    body = profile(person)
    person.post("/mecanicas/part_profiles", body)

    again = person.post("/mecanicas/part_profiles", body)

    assert (again.status, again.problem, again.body["pointer"]) == (409, "duplicate", "/product_id")


def test_a_deposit_needs_a_core_that_comes_back(person: Person):
    body = profile(person, deposit_amount="4000.00")
    refused = person.post("/mecanicas/part_profiles", body)
    accepted = person.post("/mecanicas/part_profiles", {**body, "core_required": True})

    changed = person.patch(f"/mecanicas/part_profiles/{accepted.body['id']}", {"core_required": False})

    assert (refused.status, refused.problem) == (422, "deposit_without_core")
    assert accepted.status == 201
    assert (changed.status, changed.problem, changed.body["rule"]) == (422, "rule_violated", "deposit_needs_core")
