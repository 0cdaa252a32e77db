"""From a bearer token to an actor."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from erp_core.auth import keys, routes
from erp_core.auth.authenticator import Authenticator
from erp_core.auth.errors import NotAMember, SessionEnded, TenantSuspended, TokenExpired
from erp_core.auth.models import SigningKey
from erp_core.auth.schemas import SwitchTenant
from erp_core.auth.tokens import issue_access_token
from erp_core.kernel.context import Actor
from erp_core.kernel.database.grants import grant_component
from erp_core.kernel.errors import DatabaseAway, OperatorError, Unauthenticated
from erp_core.kernel.plugins.manifest import Label, Manifest
from erp_core.kernel.queries.pool import Pool
from erp_core.kernel.settings import Settings
from erp_core.tenants import services as operator

from .asking import PROMISE, answer, opened, shared, somebody, until
from .conftest import DECLARED, Database, World


def test_a_token_becomes_an_actor_with_expanded_permissions(world: World, database: Database) -> None:
    tenant, user, token, signed = somebody(world)

    async def scenario() -> tuple[Actor, Actor]:
        async with opened(database) as (authenticator, _):
            first = await authenticator(f"Bearer {token}", "r1", "203.0.113.9", "", "browser")
            return first, await authenticator(f"Bearer {token}", "r2", "203.0.113.8", "en")

    first, second = asyncio.run(scenario())

    assert (first.tenant_id, first.user_id, first.session_id) == (tenant.id, user.id, signed.session_id)
    assert first.permissions == {"core.users.read", "vidrio.quotes.read", "vidrio.quotes.send"}
    assert (first.request_id, first.address, first.language, first.user_agent) == (
        "r1",
        "203.0.113.9",
        "es_MX",
        "browser",
    )
    assert first.time_zone == "America/Mexico_City"
    assert (second.request_id, second.address, second.language) == ("r2", "203.0.113.8", "en")


def test_an_administrator_holds_everything_that_is_declared(world: World, database: Database) -> None:
    _, _, token, _ = somebody(world, "admin")

    async def scenario() -> Any:
        async with opened(database) as (authenticator, _):
            return await answer(authenticator, token)

    assert asyncio.run(scenario()).permissions == DECLARED


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "Bearer " + "x" * 5000]
)
def test_a_header_without_a_token_is_refused(database: Database, header: str | None) -> None:
    async def scenario() -> None:
        async with opened(database) as (authenticator, _):
            with pytest.raises(Unauthenticated):
                await authenticator(header, "r", "a", "")

    asyncio.run(scenario())


def test_expired_and_foreign_tokens_are_refused(world: World, database: Database) -> None:
    tenant, user, token, actor = somebody(world)
    assert actor.session_id is not None
    key = world.operate(keys.ensure_signing_key)
    who = {"user_id": user.id, "tenant_id": tenant.id, "session_id": actor.session_id}
    old = issue_access_token(key.private_pem, key.kid, now=datetime.now(UTC) - timedelta(minutes=16), **who)
    foreign = issue_access_token(key.private_pem, "foreign", now=datetime.now(UTC), **who)

    async def scenario() -> list[Any]:
        async with opened(database) as (authenticator, _):
            return [await answer(authenticator, one) for one in (old, foreign, token)]

    answers = asyncio.run(scenario())
    assert answers[:2] == [TokenExpired, Unauthenticated]
    assert isinstance(answers[2], Actor)


def test_a_remembered_token_is_refused_once_it_expires(world: World, database: Database) -> None:
    tenant, user, _, _ = somebody(world)
    # Three seconds of life are left after the five that clocks may differ.
    brief = shared(user, tenant, exp=int(time.time()) - 3)

    async def scenario() -> tuple[Any, float]:
        async with opened(database) as (authenticator, _):
            first = await answer(authenticator, brief)

            async def refused() -> bool:
                return await answer(authenticator, brief) is TokenExpired

            return first, await until(refused, 6)

    first, _ = asyncio.run(scenario())
    assert isinstance(first, Actor)


def test_a_switched_token_works_in_the_other_tenant_with_the_rights_of_there(world: World, database: Database) -> None:
    first, second = world.tenant(), world.tenant()
    user = world.user((first, "admin"), (second, "core.clerk"))
    _, actor = world.signed_in(user, first)
    switched = world.call(routes.switch_tenant, actor, data=SwitchTenant(second.slug))

    async def scenario() -> Any:
        async with opened(database) as (authenticator, _):
            return await answer(authenticator, switched.access_token)

    found = asyncio.run(scenario())
    assert found.tenant_id == second.id
    assert found.permissions < DECLARED


def test_a_shared_token_is_taken_and_dies_with_sign_out_everywhere(world: World, database: Database) -> None:
    tenant, user, _, actor = somebody(world)
    token = shared(user, tenant, iat=int(time.time()) - 60)

    async def scenario() -> tuple[Any, float]:
        async with opened(database) as (authenticator, _):
            before = await answer(authenticator, token)
            await asyncio.to_thread(world.call, routes.sign_out_everywhere, actor)

            async def refused() -> bool:
                return await answer(authenticator, token) is SessionEnded

            return before, await until(refused, PROMISE)

    before, _ = asyncio.run(scenario())
    assert (before.user_id, before.session_id) == (user.id, None)


def test_a_shared_token_is_refused_where_no_secret_is_set(world: World, database: Database) -> None:
    tenant, user, _, _ = somebody(world)

    async def scenario() -> Any:
        pool = Pool(database.url("erp_app"), size=1)
        await pool.open()
        authenticator = Authenticator(DECLARED)
        await authenticator.start(pool, Settings())
        try:
            return await answer(authenticator, shared(user, tenant))
        finally:
            await authenticator.stop()
            await pool.close()

    assert asyncio.run(scenario()) is Unauthenticated


def test_a_shared_token_for_a_tenant_that_the_user_is_not_in_is_refused(world: World, database: Database) -> None:
    _, user, _, _ = somebody(world)
    foreign = world.tenant()

    async def scenario() -> list[Any]:
        async with opened(database) as (authenticator, _):
            tokens = (
                shared(user, foreign),
                shared(user, foreign, tid=str(uuid4())),
                shared(user, foreign, sub=str(uuid4())),
            )
            return [await answer(authenticator, token) for token in tokens]

    assert asyncio.run(scenario()) == [NotAMember, NotAMember, SessionEnded]


def test_somebody_elses_session_in_a_shared_token_is_refused(world: World, database: Database) -> None:
    tenant, user, _, _ = somebody(world)
    _, _, _, stranger = somebody(world)

    async def scenario() -> Any:
        async with opened(database) as (authenticator, _):
            return await answer(authenticator, shared(user, tenant, sid=str(stranger.session_id)))

    assert asyncio.run(scenario()) is SessionEnded


def test_a_short_shared_secret_stops_the_start(database: Database) -> None:
    async def scenario() -> None:
        await Authenticator(DECLARED).start(Pool(database.url("erp_app"), size=1), Settings(jwt_secret="secret"))

    with pytest.raises(OperatorError, match="JWT_SECRET"):
        asyncio.run(scenario())


def test_a_new_signing_key_is_found_and_the_retired_one_still_verifies(world: World, database: Database) -> None:
    tenant, user, token, _ = somebody(world)

    async def scenario() -> list[Any]:
        async with opened(database) as (authenticator, _):
            await answer(authenticator, token)
            await asyncio.to_thread(world.operate, keys.rotate_signing_key)
            pair, _ = await asyncio.to_thread(world.signed_in, user, tenant)

            # At most the pause between two readings of the keys, and never a refusal meanwhile.
            assert isinstance(await answer(authenticator, pair.access_token), Actor)
            authenticator._drop_all()
            return [await answer(authenticator, token), await answer(authenticator, pair.access_token)]

    assert all(isinstance(one, Actor) for one in asyncio.run(scenario()))


def test_made_up_key_ids_do_not_become_queries(world: World, database: Database) -> None:
    key = world.operate(keys.ensure_signing_key)
    who = {"user_id": uuid4(), "tenant_id": uuid4(), "session_id": uuid4(), "now": datetime.now(UTC)}

    async def scenario() -> int:
        async with opened(database) as (authenticator, pool):
            asked = 0
            run = pool.run

            async def counting(*arguments: Any, **more: Any) -> Any:
                nonlocal asked
                asked += 1
                return await run(*arguments, **more)

            await authenticator.stop()
            pool.run = counting  # type: ignore[method-assign]
            tokens = [issue_access_token(key.private_pem, f"made-up-{number}", **who) for number in range(200)]
            answers = await asyncio.gather(*(answer(authenticator, token) for token in tokens))
            assert set(answers) == {Unauthenticated}
            return asked

    assert asyncio.run(scenario()) <= 2


def test_no_more_tokens_are_remembered_than_the_capacity(world: World, database: Database) -> None:
    tenant, user, _, _ = somebody(world)

    async def scenario() -> tuple[int, int]:
        async with opened(database, capacity=10) as (authenticator, _):
            for number in range(25):
                await answer(authenticator, shared(user, tenant, jti=str(number)))
            return len(authenticator._entries), len(authenticator._tokens[user.id])

    remembered, indexed = asyncio.run(scenario())
    assert remembered == indexed <= 10


def test_without_the_database_a_new_token_answers_that_it_is_away(world: World, database: Database) -> None:
    _, _, token, _ = somebody(world)

    async def scenario() -> Any:
        async with opened(database) as (authenticator, pool):
            await pool.close()
            return await answer(authenticator, token)

    assert asyncio.run(scenario()) is DatabaseAway


def test_a_verticals_process_checks_tokens_with_its_own_narrow_role(world: World, database: Database) -> None:
    tenant, user, token, _ = somebody(world)
    label = Label("Vidrio", "Glass")
    vidrio = Manifest("vidrio", "erp_vidrio", label, "0.1.0", ">=0.1", 3031, 3030, ("vidrio",), 4, uses=("auth",))
    with psycopg.connect(database.url("erp_migrator")) as connection:
        connection.execute("SET ROLE erp_owner")
        grant_component(connection, vidrio)

    async def scenario() -> tuple[Any, float]:
        async with opened(database, "erp_app_vidrio") as (authenticator, _):
            before = await answer(authenticator, token)
            await asyncio.to_thread(world.operate, lambda s: operator.suspend_tenant(s, tenant.slug))

            async def refused() -> bool:
                return await answer(authenticator, token) is TenantSuspended

            return before, await until(refused, PROMISE)

    before, _ = asyncio.run(scenario())
    assert before.user_id == user.id
    assert "vidrio.quotes.read" in before.permissions


def test_keys_are_kept_apart_from_their_private_halves(world: World) -> None:
    key = world.operate(keys.ensure_signing_key)

    assert "PRIVATE" in key.private_pem
    assert "d" not in world.operate(lambda s: s.get(SigningKey, key.kid).public_jwk)
