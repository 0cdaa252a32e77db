"""An Idempotency-Key never gives one caller another's answer, nor another request's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from erp_core.testing.environment import Person, Reply

from .doors import Door, every_door, name_of
from .ground import Company, new_body

PARTNERS = "/core/partners"
CREATES = [door for door in every_door() if door.operation == "create"]


def create(person: Person, key: str, name: str = "A", path: str = PARTNERS) -> Reply:
    return person.post(path, {"name": name, "kind": "company"}, headers={"idempotency-key": key})


def test_a_key_belongs_to_one_person(someone: Person, sign_in: Callable[..., Person]) -> None:
    other, key = sign_in(someone.tenant_slug), uuid4().hex

    first, second, others = create(someone, key), create(someone, key), create(other, key)

    assert (first.status, second.status, others.status) == (201, 201, 201)
    assert first.body["id"] == second.body["id"] != others.body["id"]
    assert second.response.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in others.response.headers


def test_a_key_belongs_to_one_company(attacker: Company, owner: Company) -> None:
    key = uuid4().hex

    theirs, own = create(owner.person, key), create(attacker.person, key)

    assert (theirs.status, own.status) == (201, 201)
    assert theirs.body["id"] != own.body["id"]


def test_a_key_on_another_address_or_with_another_body_is_refused(someone: Person) -> None:
    key, place = uuid4().hex, {"code": "A", "name": "A", "kind": "internal"}
    made = create(someone, key)

    others = [
        create(someone, key, "B"),
        someone.post("/core/locations", place, headers={"idempotency-key": key}),
        someone.post("/core/roles", {"name": "a", "label": "A", "permissions": []}, headers={"idempotency-key": key}),
        someone.post(f"{PARTNERS}/{made.body['id']}/restore", headers={"idempotency-key": key}),
        someone.call(
            "POST", f"{PARTNERS}/import", content=b"name,kind\nA,company\n",
            headers={"idempotency-key": key, "content-type": "text/csv"},
        ),
    ]  # fmt: skip

    assert [(other.status, other.problem) for other in others] == [(422, "idempotency_conflict")] * len(others)
    assert someone.get(f"{PARTNERS}?total=true").body["total"] == 1


def test_another_query_is_another_request(someone: Person) -> None:
    key, file = uuid4().hex, b"name,kind\nA,company\n"
    headers = {"idempotency-key": key, "content-type": "text/csv"}
    dry = someone.call("POST", f"{PARTNERS}/import?dry_run=true", content=file, headers=headers)

    real = someone.call("POST", f"{PARTNERS}/import?dry_run=false", content=file, headers=headers)

    assert dry.status == 202
    assert real.problem == "idempotency_conflict"


@pytest.mark.parametrize("door", CREATES, ids=name_of)
@pytest.mark.parametrize("mode", ["one", "all", "each"])
def test_a_repeated_creation_creates_once(door: Door, mode: str, attacker: Company) -> None:
    assert door.resource is not None
    if len(door.resource.model.__table__.indexes) and only_one(door):
        pytest.skip("a company has at most one of these, so that nothing could be created twice")
    body: dict[str, Any] = new_body(attacker, door.resource)
    headers = {"idempotency-key": uuid4().hex}
    if mode == "one":
        answers = [attacker.person.post(door.path, body, headers=headers) for _ in range(2)]
    else:
        bulk = {"mode": mode, "items": [{"action": "create", "data": body}]}
        answers = [attacker.person.post(f"{door.path}/bulk", bulk, headers=headers) for _ in range(2)]

    assert answers[0].status in {200, 201, 207}, answers[0].response.text
    assert '"problem"' not in answers[0].response.text
    assert answers[0].status == answers[1].status
    assert answers[0].body == answers[1].body
    assert answers[1].response.headers.get("idempotency-replayed") == "true"


def only_one(door: Door) -> bool:
    assert door.resource is not None
    indexes = getattr(door.resource.model.__table__, "indexes", set())
    return any(index.unique and [column.name for column in index.columns] == ["tenant_id"] for index in indexes)


def test_a_refused_request_leaves_its_key_free(someone: Person) -> None:
    key = uuid4().hex

    refused = someone.post(PARTNERS, {"name": "A", "kind": "robot"}, headers={"idempotency-key": key})
    made = create(someone, key)

    assert (refused.status, made.status) == (422, 201)


def test_a_key_does_not_outlive_the_permission(someone: Person, sign_in: Callable[..., Person]) -> None:
    key = uuid4().hex
    creator = sign_in(someone.tenant_slug, permissions=["core.partners.create"])
    create(creator, key)

    elsewhere = creator.post("/core/products", {"name": "A", "kind": "company"}, headers={"idempotency-key": key})

    assert elsewhere.problem == "forbidden"


def test_twenty_at_once_have_one_effect(someone: Person) -> None:
    key, answers = uuid4().hex, []
    threads = [threading.Thread(target=lambda: answers.append(create(someone, key))) for _ in range(20)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.body["id"] for answer in answers if answer.status == 201}) == 1
    assert {answer.problem for answer in answers if answer.status == 409} <= {"idempotency_in_flight"}
    assert someone.get(f"{PARTNERS}?total=true").body["total"] == 1
