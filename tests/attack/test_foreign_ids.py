"""A foreign company's ids: everywhere they answer exactly as ids that nobody has, and nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec import inspect

from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.sql import kind_of, table_of
from erp_core.testing.environment import Erp, Person, Reply

from .doors import Door, every_door, name_of, writable_references
from .ground import (
    Company,
    action_body,
    differences,
    digest,
    example,
    new_body,
    replaced,
    said,
    unknown_id,
    uuid_fields,
)

BY_ID = [door for door in every_door() if any(name.endswith("_id") for name in door.parameters)]
ACTIONS = [door for door in every_door() if door.route is not None]
REFERENCES = writable_references()


@pytest.fixture(autouse=True)
def the_owner_keeps_everything(erp: Erp, owner: Company) -> Iterator[None]:
    """Whatever the attacker does, the owner's rows stay as they were."""
    before = digest(erp, owner.person.tenant_id)
    yield
    assert differences(before, digest(erp, owner.person.tenant_id)) == []


@contextmanager
def room_for_another(company: Company, resource: Resource) -> Iterator[None]:
    """Put away the one object of a kind of which a company has at most one, as long as another is tried."""
    table = table_of(resource)
    only = any(index.unique and [column.name for column in index.columns] == ["tenant_id"] for index in table.indexes)
    one = f"{resource.path}/{company.row(resource)['id']}"
    if only:
        assert company.person.delete(one).status == 200
    yield
    if only:
        assert company.person.post(f"{one}/restore").status == 200


def send(person: Person, door: Door, body: Any, query: dict[str, Any], **values: object) -> Reply:
    options = {"json": body} if body is not None else {}
    return person.call(door.method, door.address(**values), params=query, **options)


def change_of(company: Company, door: Door) -> dict[str, Any] | None:
    """Give a body that the door would take for one of the company's own objects."""
    if door.operation != "update" or door.resource is None:
        return action_body(company, door) if door.body is not None else None
    row = company.row(door.resource)
    names = [name for name in door.body.__struct_fields__ if row.get(name) is not None]
    return {names[0]: row[names[0]]}


@pytest.mark.parametrize("door", BY_ID, ids=name_of)
def test_a_foreign_id_in_the_path_answers_as_an_unknown_one(door: Door, owner: Company, attacker: Company) -> None:
    body = change_of(attacker, door)
    query = example(attacker, inspect.type_info(door.query)) if door.query is not None else {}
    for name in door.parameters:
        own = {other: attacker.id_for(other) for other in door.parameters if other != "object_id"}
        theirs = owner.row(door.resource)["id"] if door.resource is not None else owner.id_for(name)

        nobodys = unknown_id()

        foreign = send(attacker.person, door, body, query, **{**own, name: theirs})
        unknown = send(attacker.person, door, body, query, **{**own, name: nobodys})

        assert foreign.status == 404
        assert (foreign.status, said(foreign, theirs)) == (unknown.status, said(unknown, nobodys))


@pytest.mark.parametrize("door", [door for door in ACTIONS if door.body is not None], ids=name_of)
def test_a_foreign_id_in_the_body_of_an_action_answers_as_an_unknown_one(
    door: Door, owner: Company, attacker: Company
) -> None:
    body = action_body(attacker, door)
    own = {name: attacker.id_for(name) for name in door.parameters}
    for path in uuid_fields(inspect.type_info(door.body)):
        name = next(part for part in reversed(path) if isinstance(part, str))

        theirs, nobodys = owner.id_for(name), unknown_id()

        foreign = send(attacker.person, door, replaced(body, path, theirs), {}, **own)
        unknown = send(attacker.person, door, replaced(body, path, nobodys), {}, **own)

        assert 400 <= foreign.status < 500
        assert (foreign.status, said(foreign, theirs)) == (unknown.status, said(unknown, nobodys))


@pytest.mark.parametrize("door", [door for door in ACTIONS if door.query is not None], ids=name_of)
def test_a_foreign_id_in_the_query_of_an_action_answers_as_an_unknown_one(
    door: Door, owner: Company, attacker: Company
) -> None:
    own = {name: attacker.id_for(name) for name in door.parameters}
    for (name,) in uuid_fields(inspect.type_info(door.query)):
        theirs = owner.ids["user"][0] if name == "cursor" else owner.id_for(name)
        nobodys = unknown_id()

        foreign, unknown = (attacker.person.get(door.address(**own), params={name: one}) for one in (theirs, nobodys))

        # A cursor is a place in an order, so that two of them may well lie on different sides of own rows.
        if name != "cursor":
            assert (foreign.status, said(foreign, theirs)) == (unknown.status, said(unknown, nobodys))
        assert foreign.status < 500
        assert '"id":"' + theirs not in foreign.response.text


@pytest.mark.parametrize(("resource", "column"), REFERENCES, ids=name_of)
def test_a_new_object_cannot_point_at_a_foreign_one(
    resource: Resource, column: str, owner: Company, attacker: Company
) -> None:
    target = attacker.erp.application.resources[resource.references[column]]
    theirs = owner.row(target)["id"]

    with room_for_another(attacker, resource):
        foreign = attacker.person.post(resource.path, {**new_body(attacker, resource), column: theirs})
        unknown = attacker.person.post(resource.path, {**new_body(attacker, resource), column: unknown_id()})

    assert (foreign.status, foreign.problem, foreign.body.get("pointer")) == (422, "unknown_reference", f"/{column}")
    assert (foreign.status, said(foreign)) == (unknown.status, said(unknown))


@pytest.mark.parametrize(("resource", "column"), REFERENCES, ids=name_of)
def test_an_object_cannot_be_turned_to_a_foreign_one(
    resource: Resource, column: str, owner: Company, attacker: Company
) -> None:
    if column in resource.fixed or "update" not in resource.operations:
        pytest.skip("this reference never changes; that it is refused is shown with the other bodies")
    target = attacker.erp.application.resources[resource.references[column]]
    one = f"{resource.path}/{attacker.row(resource)['id']}"

    foreign = attacker.person.patch(one, {column: owner.row(target)["id"]})
    unknown = attacker.person.patch(one, {column: unknown_id()})

    assert (foreign.status, foreign.problem, foreign.body.get("pointer")) == (422, "unknown_reference", f"/{column}")
    assert (foreign.status, said(foreign)) == (unknown.status, said(unknown))


@pytest.mark.parametrize("mode", ["all", "each"])
@pytest.mark.parametrize("door", [d for d in every_door() if d.operation == "bulk"], ids=name_of)
def test_a_foreign_id_in_a_bulk_answers_as_an_unknown_one(
    door: Door, mode: str, owner: Company, attacker: Company
) -> None:
    resource = door.resource
    assert resource is not None
    for item in bulk_items(resource, attacker):
        answers = []
        for theirs in (owner, None):
            bulk = {"mode": mode, "items": [pointed(item, resource, theirs)]}
            with room_for_another(attacker, resource):
                answer = attacker.person.post(door.path, bulk)
            answers.append((answer.status, said(answer)))

        assert answers[0] == answers[1]
        assert answers[0][0] in {404, 422} or '"problem"' in answers[0][1]


def bulk_items(resource: Resource, attacker: Company) -> Iterator[dict[str, Any]]:
    """Give an item for each way in which a bulk can name an id; the id itself is put in later."""
    if "update" in resource.operations:
        row = attacker.row(resource)
        name = next(n for n in resource.create.__struct_fields__ if n not in resource.fixed and row.get(n) is not None)
        yield {"action": "update", "id": None, "data": {name: row[name]}}
    if "archive" in resource.operations:
        yield {"action": "archive", "id": None}
    for column in resource.references:
        if column in resource.create.__struct_fields__:
            yield {"action": "create", "data": {**new_body(attacker, resource), column: None}, "at": column}


def pointed(item: dict[str, Any], resource: Resource, company: Company | None) -> dict[str, Any]:
    """Put a foreign id (or one that nobody has) where the item wants one."""
    column = item.get("at")
    if column is None:
        return {**item, "id": unknown_id() if company is None else company.row(resource)["id"]}
    target = company.erp.application.resources[resource.references[column]] if company is not None else resource
    data = {**item["data"], column: unknown_id() if company is None else company.row(target)["id"]}
    return {"action": "create", "data": data}


@pytest.mark.parametrize("door", [d for d in every_door() if d.operation == "list"], ids=name_of)
def test_a_list_filtered_by_foreign_ids_is_empty(door: Door, owner: Company, attacker: Company) -> None:
    resource = door.resource
    assert resource is not None
    row = owner.row(resource)
    for name in (name for name in resource.filters if kind_of(table_of(resource), name) == "uuid"):
        theirs = row.get(name) or unknown_id()
        for operator in ("", "[in]"):
            found = attacker.person.items(
                door.path, params={f"filter[{name}]{operator}": theirs, "archived": "include"}
            )
            assert found == [], name


@pytest.mark.parametrize("door", [d for d in every_door() if d.operation == "list"], ids=name_of)
def test_a_foreign_cursor_gives_own_rows_alone(door: Door, owner: Company, attacker: Company) -> None:
    resource = door.resource
    assert resource is not None
    cursor = owner.cursors[resource.name]
    theirs = {row["id"] for row in owner.rows[resource.name]}

    found = attacker.person.items(door.path, params={"archived": "include"} | ({"cursor": cursor} if cursor else {}))

    assert {row["id"] for row in found} & theirs == set()


@pytest.mark.parametrize("door", [d for d in every_door() if d.operation in {"list", "read", "export"}], ids=name_of)
def test_what_is_included_and_exported_is_own_alone(door: Door, owner: Company, attacker: Company) -> None:
    resource = door.resource
    assert resource is not None
    theirs = {row["id"] for r in (resource, *targets(attacker.erp, resource)) for row in [owner.row(r)]}
    address = door.address(object_id=attacker.row(resource)["id"])
    include = ",".join(column.removesuffix("_id") for column in resource.references)
    params = {"include": include} if include and door.operation != "export" else {}

    answer = attacker.person.get(address, params=params)

    assert answer.status == 200, answer.response.text
    assert not [one for one in theirs if one in answer.response.text]


def targets(erp: Erp, resource: Resource) -> list[Resource]:
    return [erp.application.resources[name] for name in resource.references.values()]
