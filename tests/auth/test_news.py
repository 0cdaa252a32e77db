"""How fast an end, a suspension and a changed permission reach every process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from erp_core.auth import authenticator as module
from erp_core.auth import keys, routes
from erp_core.auth.errors import NotAMember, SessionEnded, TenantSuspended
from erp_core.auth.lookups import News
from erp_core.auth.models import Tenant, User
from erp_core.auth.schemas import ChangePassword, RoleChange
from erp_core.kernel.context import Actor
from erp_core.kernel.errors import Problem, Unauthenticated
from erp_core.tenants import services as operator

from .asking import PROMISE, answer, opened, somebody, until
from .conftest import Database, World, claims_of
from .test_members_and_roles import role_of


def _sign_out(world: World, tenant: Tenant, user: User, actor: Actor) -> None:
    world.call(routes.sign_out, actor)


def _sign_out_everywhere(world: World, tenant: Tenant, user: User, actor: Actor) -> None:
    world.call(routes.sign_out_everywhere, actor)


def _disable_user(world: World, tenant: Tenant, user: User, actor: Actor) -> None:
    world.operate(lambda s: operator.disable_user(s, user.email, world.clock()))


def _suspend_tenant(world: World, tenant: Tenant, user: User, actor: Actor) -> None:
    world.operate(lambda s: operator.suspend_tenant(s, tenant.slug))


def _disable_member(world: World, tenant: Tenant, user: User, actor: Actor) -> None:
    chief = world.user((tenant, "admin"))
    world.call(routes.disable_member, world.actor(chief, tenant), user_id=user.id)


def _compromised_key(world: World, tenant: Tenant, user: User, actor: Actor) -> None:
    world.operate(lambda s: keys.rotate_signing_key(s, compromised=True))


@pytest.mark.parametrize(
    ("deed", "refusal"),
    [
        (_sign_out, SessionEnded),
        (_sign_out_everywhere, SessionEnded),
        (_disable_user, SessionEnded),
        (_suspend_tenant, TenantSuspended),
        (_disable_member, NotAMember),
        (_compromised_key, Unauthenticated),
    ],
)
def test_an_end_takes_effect_within_a_second(
    world: World, database: Database, deed: Callable[..., None], refusal: type[Problem]
) -> None:
    tenant, user, token, actor = somebody(world)

    async def scenario() -> tuple[Any, float]:
        async with opened(database) as (authenticator, _):
            before = await answer(authenticator, token)
            await asyncio.to_thread(deed, world, tenant, user, actor)

            async def refused() -> bool:
                return await answer(authenticator, token) is refusal

            return before, await until(refused, PROMISE)

    before, seconds = asyncio.run(scenario())
    assert isinstance(before, Actor)
    assert seconds <= PROMISE


def test_changed_permissions_take_effect_within_a_second(world: World, database: Database) -> None:
    tenant, _, token, _ = somebody(world)
    chief = world.actor(world.user((tenant, "admin")), tenant)
    role = role_of(world, tenant, "core.clerk")

    async def scenario() -> float:
        async with opened(database) as (authenticator, _):
            assert isinstance(await answer(authenticator, token), Actor)
            change = RoleChange(permissions=["core.roles.assign"])
            await asyncio.to_thread(world.call, routes.update_role, chief, role_id=role.id, data=change)

            async def changed() -> bool:
                actor = await answer(authenticator, token)
                return isinstance(actor, Actor) and actor.permissions == {"core.roles.assign"}

            return await until(changed, PROMISE)

    assert asyncio.run(scenario()) <= PROMISE


def test_one_end_leaves_everybody_else_alone(world: World, database: Database) -> None:
    tenant, user, token, actor = somebody(world)
    other, _ = world.signed_in(user, tenant)
    colleague, _ = world.signed_in(world.user((tenant, "core.clerk")), tenant)

    async def scenario() -> list[Any]:
        async with opened(database) as (authenticator, _):
            for one in (token, other.access_token, colleague.access_token):
                await answer(authenticator, one)
            await asyncio.to_thread(world.call, routes.sign_out, actor)

            async def refused() -> bool:
                return await answer(authenticator, token) is SessionEnded

            await until(refused, PROMISE)
            return [await answer(authenticator, one) for one in (other.access_token, colleague.access_token)]

    assert all(isinstance(one, Actor) for one in asyncio.run(scenario()))


def test_an_initial_password_gives_no_permissions_until_it_is_changed(world: World, database: Database) -> None:
    tenant, user, _, _ = somebody(world)
    initial = world.operate(lambda s: operator.set_password(s, user.email, None, world.clock()))
    pair = world.sign_in(user, initial)
    session = UUID(claims_of(pair.access_token)["sid"])
    actor = replace(world.actor(user, tenant), session_id=session)

    async def scenario() -> tuple[Any, float]:
        async with opened(database) as (authenticator, _):
            before = await answer(authenticator, pair.access_token)
            data = ChangePassword(initial, "otra-clave-segura-9")
            await asyncio.to_thread(world.call, routes.change_password, actor, data=data)

            async def allowed() -> bool:
                now = await answer(authenticator, pair.access_token)
                return isinstance(now, Actor) and "core.users.read" in now.permissions

            return before, await until(allowed, PROMISE)

    before, _ = asyncio.run(scenario())
    assert before.permissions == frozenset()


def test_news_that_come_while_a_token_is_looked_up_keep_it_from_being_remembered(
    world: World, database: Database
) -> None:
    _, _, token, actor = somebody(world)

    async def scenario() -> Any:
        async with opened(database) as (authenticator, pool):
            await authenticator.stop()
            run = pool.run

            async def slow(tenant: UUID | None, *arguments: Any, **more: Any) -> Any:
                rows = await run(tenant, *arguments, **more)
                if tenant is not None:
                    pool.run = run  # type: ignore[method-assign]
                    await asyncio.to_thread(world.call, routes.sign_out, actor)
                    authenticator._take(await module.load_news(pool), time.monotonic())
                return rows

            pool.run = slow  # type: ignore[method-assign]
            await answer(authenticator, token)
            return await answer(authenticator, token)

    assert asyncio.run(scenario()) is SessionEnded


def test_a_watcher_without_news_makes_every_token_be_looked_up_again(world: World, database: Database) -> None:
    _, _, token, actor = somebody(world)

    async def scenario() -> tuple[Any, float]:
        async with opened(database) as (authenticator, _):
            before = await answer(authenticator, token)
            await authenticator._stop_watching()
            authenticator._news_at = time.monotonic() - module.BLIND_AFTER
            await asyncio.to_thread(world.call, routes.sign_out, actor)

            async def refused() -> bool:
                return await answer(authenticator, token) is SessionEnded

            return before, await until(refused, PROMISE + 0.2)

    before, _ = asyncio.run(scenario())
    assert isinstance(before, Actor)


def test_after_a_long_time_without_news_everything_is_forgotten(world: World, database: Database) -> None:
    _, _, token, _ = somebody(world)

    async def scenario() -> tuple[int, int]:
        async with opened(database) as (authenticator, _):
            await authenticator._stop_watching()
            authenticator._take([], time.monotonic())
            await answer(authenticator, token)
            before = len(authenticator._entries)
            authenticator._take([], authenticator._news_at + module.FORGET_AFTER + 1)
            return before, len(authenticator._entries)

    assert asyncio.run(scenario()) == (1, 0)


def test_the_watcher_comes_back_after_the_database_does(world: World, database: Database) -> None:
    _, _, token, actor = somebody(world)

    async def scenario() -> float:
        async with opened(database) as (authenticator, _):
            await answer(authenticator, token)
            with psycopg.connect(database.url(), autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'erp'")
            await asyncio.to_thread(world.call, routes.sign_out, actor)

            async def refused() -> bool:
                return await answer(authenticator, token) is SessionEnded

            return await until(refused, 5)

    assert asyncio.run(scenario()) < 5


@pytest.mark.parametrize("moment", ["before", "after"])
def test_news_of_keys_at_the_moment_they_are_read_refuse_nobody(world: World, database: Database, moment: str) -> None:
    _, _, token, _ = somebody(world)
    compromised = News(uuid4(), "keys", uuid4(), None)

    async def scenario() -> Any:
        async with opened(database) as (authenticator, pool):
            await authenticator._stop_watching()
            authenticator._take([], time.monotonic())
            run = pool.run

            async def interrupted(*arguments: Any, **more: Any) -> Any:
                pool.run = run  # type: ignore[method-assign]
                rows = await run(*arguments, **more)
                news = ([compromised], time.monotonic())
                if moment == "before":
                    authenticator._take(*news)
                else:
                    # Runs once the keys are stored, and before whoever asked for them goes on.
                    asyncio.current_task().add_done_callback(lambda _: authenticator._take(*news))  # type: ignore[union-attr]
                return rows

            pool.run = interrupted  # type: ignore[method-assign]
            return await answer(authenticator, token)

    assert isinstance(asyncio.run(scenario()), Actor)
