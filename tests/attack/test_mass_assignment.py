"""Columns that a body does not name cannot be set by any body."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.sql import kind_of, table_of

from .doors import Door, every_door, name_of
from .ground import Company, differences, digest, new_body

PLATFORM = (
    "id", "tenant_id", "version", "created_at", "created_by", "updated_at", "updated_by", "archived_at",
)  # fmt: skip
VALUES: dict[str, Any] = {
    "uuid": str(uuid4()),
    "integer": 7,
    "boolean": True,
    "moment": "2020-01-01T00:00:00Z",
    "date": "2020-01-01",
    "decimal": "1",
    "list": ["a"],
    "json": {"a": 1},
}
BODIES = [door for door in every_door() if door.operation in {"create", "update", "bulk"} and door.resource is not None]


def hidden_columns(resource: Resource, door: Door) -> dict[str, Any]:
    """Give every column that the body has no field for, with a value that would fit."""
    table = table_of(resource)
    fields = set(door.body.__struct_fields__) if door.operation != "bulk" else set(resource.create.__struct_fields__)
    names = {*PLATFORM, *table.c.keys()} - fields
    return {name: VALUES.get(kind_of(table, name), "a") if name in table.c else 1 for name in sorted(names)}


@pytest.mark.parametrize("door", BODIES, ids=name_of)
def test_a_column_without_a_field_cannot_be_set(door: Door, attacker: Company) -> None:
    resource = door.resource
    assert resource is not None
    good = good_body(attacker, door)
    before = digest(attacker.erp, attacker.person.tenant_id)
    address = door.address(object_id=attacker.row(resource)["id"])
    hidden = hidden_columns(resource, door)
    taken = []

    for name, value in hidden.items():
        answer = attacker.person.call(door.method, address, json=body_with(door, good, name, value))
        pointer = f"/items/0/data/{name}" if door.operation == "bulk" else f"/{name}"
        if (answer.status, answer.body["code"], answer.body.get("pointer")) != (422, "invalid_input", pointer):
            taken.append((name, answer.response.text))

    assert set(PLATFORM) <= set(hidden)
    assert taken == []
    assert differences(before, digest(attacker.erp, attacker.person.tenant_id)) == []


def good_body(company: Company, door: Door) -> dict[str, Any]:
    """Give fields that would be taken."""
    assert door.resource is not None
    if door.operation != "update":
        return new_body(company, door.resource)
    row = company.row(door.resource)
    sent = next(field for field in door.body.__struct_fields__ if row.get(field) is not None)
    return {sent: row[sent]}


def body_with(door: Door, good: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Give a body that would be taken but for one field too many."""
    body = {**good, name: value}
    return {"items": [{"action": "create", "data": body}]} if door.operation == "bulk" else body
