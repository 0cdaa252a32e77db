"""Repeating a request: the same key has one effect and one answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from erp_core.testing.environment import Person

PARTNERS = "/core/partners"
BODY = {"name": "Una sola vez", "kind": "company"}


def test_the_same_key_gives_the_first_answer_again(person: Person) -> None:
    first = person.post(PARTNERS, BODY, headers={"idempotency-key": "k-1"})
    second = person.post(PARTNERS, BODY, headers={"idempotency-key": "k-1"})

    assert (second.status, second.body, second.etag) == (201, first.body, first.etag)
    assert second.response.headers["idempotency-replayed"] == "true"
    assert len(person.items(PARTNERS)) == 1


def test_the_same_key_with_another_body_is_refused(person: Person) -> None:
    person.post(PARTNERS, BODY, headers={"idempotency-key": "k-1"})

    answer = person.post(PARTNERS, {**BODY, "name": "Otra"}, headers={"idempotency-key": "k-1"})

    assert (answer.status, answer.problem) == (422, "idempotency_conflict")
    assert len(person.items(PARTNERS)) == 1


def test_a_refused_request_does_not_use_its_key_up(person: Person) -> None:
    refused = person.post(PARTNERS, {"kind": "company"}, headers={"idempotency-key": "k-1"})

    accepted = person.post(PARTNERS, BODY, headers={"idempotency-key": "k-1"})

    assert (refused.status, accepted.status) == (422, 201)


def test_two_tenants_may_use_the_same_key(person: Person, stranger: Person) -> None:
    mine = person.post(PARTNERS, BODY, headers={"idempotency-key": "k-1"})
    theirs = stranger.post(PARTNERS, BODY, headers={"idempotency-key": "k-1"})

    assert (mine.status, theirs.status) == (201, 201)
    assert mine.body["id"] != theirs.body["id"]


def test_fifty_parallel_requests_with_one_key_make_one_row(person: Person) -> None:
    def send(_: int) -> tuple[int, str | None]:
        answer = person.post(PARTNERS, BODY, headers={"idempotency-key": "race"})
        return answer.status, answer.problem

    with ThreadPoolExecutor(50) as threads:
        outcomes = set(threads.map(send, range(50)))

    assert outcomes <= {(201, None), (409, "idempotency_in_flight")}
    assert (201, None) in outcomes
    assert len(person.items(PARTNERS)) == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\tinside"])
def test_a_key_that_cannot_be_kept_is_refused(person: Person, key: str) -> None:
    answer = person.post(PARTNERS, BODY, headers={"idempotency-key": key})

    assert (answer.status, answer.problem) == (400, "idempotency_key_invalid")
