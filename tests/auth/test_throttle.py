"""Guessing passwords gets slower and slower."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

from erp_core.auth import routes
from erp_core.auth.errors import TooManySignIns, WrongCredentials
from erp_core.auth.schemas import ChangePassword, SignIn, TokenPair

from .conftest import NOBODY, PASSWORD, World


def from_network(number: int) -> str:
    return f"10.{uuid4().int % 250}.{uuid4().int % 250}.{number}"


def test_after_five_failures_even_the_right_password_waits(world: World) -> None:
    user = world.user((world.tenant(), "admin"))
    actor = replace(NOBODY, address=from_network(1))

    failures = [world.sign_in(user, "wrong-password", actor=actor) for _ in range(5)]
    blocked = world.sign_in(user, actor=actor)

    assert {type(answer) for answer in failures} == {WrongCredentials}
    assert isinstance(blocked, TooManySignIns)
    assert blocked.status == 429
    assert blocked.facts["retry_after"] == 30


def test_after_the_wait_the_right_password_opens_and_clears_the_count(world: World) -> None:
    user = world.user((world.tenant(), "admin"))
    actor = replace(NOBODY, address=from_network(1))
    for _ in range(5):
        world.sign_in(user, "wrong-password", actor=actor)

    world.clock.advance(seconds=31)
    opened = world.sign_in(user, actor=actor)
    next_failure = world.sign_in(user, "wrong-password", actor=actor)

    assert isinstance(opened, TokenPair)
    assert isinstance(next_failure, WrongCredentials)
    assert isinstance(world.sign_in(user, actor=actor), TokenPair)


def test_each_further_failure_doubles_the_wait(world: World) -> None:
    user = world.user((world.tenant(), "admin"))
    actor = replace(NOBODY, address=from_network(1))
    for _ in range(5):
        world.sign_in(user, "wrong-password", actor=actor)

    waits = []
    for _ in range(3):
        wait = world.sign_in(user, actor=actor).facts["retry_after"]
        waits.append(wait)
        world.clock.advance(seconds=wait)
        world.sign_in(user, "wrong-password", actor=actor)

    assert waits == [30, 60, 120]


def test_an_account_that_does_not_exist_is_blocked_just_the_same(world: World) -> None:
    data = SignIn(f"{uuid4().hex}@example.com", PASSWORD)
    actor = replace(NOBODY, address=from_network(1))

    answers = [type(world.call(routes.sign_in, actor, data=data)) for _ in range(6)]

    assert answers == [WrongCredentials] * 5 + [TooManySignIns]


def test_fifty_failures_block_a_network_but_not_its_neighbours(world: World) -> None:
    user = world.user((world.tenant(), "admin"))
    first = from_network(1)
    same = first.rpartition(".")[0] + ".200"

    for number in range(50):
        data = SignIn(f"{number}-{uuid4().hex}@example.com", PASSWORD)
        world.call(routes.sign_in, replace(NOBODY, address=first), data=data)

    assert isinstance(world.sign_in(user, actor=replace(NOBODY, address=same)), TooManySignIns)
    assert isinstance(world.sign_in(user, actor=replace(NOBODY, address="192.0.2.77")), TokenPair)


def test_guesses_sent_all_at_once_are_counted_one_by_one(world: World) -> None:
    user = world.user((world.tenant(), "admin"))
    actor = replace(NOBODY, address=from_network(1))

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: world.sign_in(user, f"wrong-password-{n}", actor=actor), range(16)))

    checked = sum(isinstance(answer, WrongCredentials) for answer in answers)
    assert checked == 5
    assert sum(isinstance(answer, TooManySignIns) for answer in answers) == 11


def test_the_old_password_cannot_be_guessed_with_a_stolen_access_token(world: World) -> None:
    tenant = world.tenant()
    user = world.user((tenant, "admin"))
    actor = replace(world.actor(user, tenant), address=from_network(1))

    answers = [
        type(world.call(routes.change_password, actor, data=ChangePassword(f"guess-number-{n}", "otra-clave-segura-9")))
        for n in range(6)
    ]

    assert answers == [WrongCredentials] * 5 + [TooManySignIns]
