"""The keys that sign access tokens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from erp_core.auth import keys
from erp_core.auth.models import SigningKey

from .conftest import NOBODY, World


def test_a_signing_key_is_made_once_however_many_ask(world: World) -> None:
    def fresh(_: int) -> str:
        return world.operate(lambda s: keys.ensure_signing_key(s).kid)

    world.operate(lambda s: keys.rotate_signing_key(s, compromised=True))
    with ThreadPoolExecutor(6) as threads:
        kids = set(threads.map(fresh, range(12)))

    assert len(kids) == 1


def test_the_first_signing_key_is_made_once_by_many_at_the_same_moment(world: World) -> None:
    def fresh(_: int) -> str:
        return world.operate(lambda s: keys.ensure_signing_key(s).kid)

    world.operate(lambda s: s.query(SigningKey).delete())
    with ThreadPoolExecutor(6) as threads:
        kids = set(threads.map(fresh, range(6)))

    current = select(func.count()).select_from(SigningKey).where(SigningKey.retired_at.is_(None))
    assert len(kids) == 1
    assert world.operate(lambda s: s.scalar(current)) == 1


def test_the_key_set_shows_the_current_and_the_lately_retired_key_and_nothing_private(world: World) -> None:
    old = world.operate(lambda s: keys.ensure_signing_key(s).kid)
    new = world.operate(lambda s: keys.rotate_signing_key(s).kid)

    found = world.operate(keys.jwks)["keys"]

    assert [jwk["kid"] for jwk in found][:2] == [new, old]
    assert all(set(jwk) == {"kty", "crv", "x", "kid", "alg", "use"} for jwk in found)


def test_the_key_set_is_readable_in_a_read_only_transaction_before_any_key_exists(world: World) -> None:
    world.operate(lambda s: s.query(SigningKey).delete())

    found = world.units.run(NOBODY, lambda ctx: keys.jwks(ctx.session), read_only=True)

    assert found == {"keys": []}
