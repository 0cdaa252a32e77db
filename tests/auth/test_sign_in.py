"""Signing in, staying signed in and signing out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import jwt
import msgspec
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from erp_core.auth import routes
from erp_core.auth.errors import (
    NotAMember,
    RefreshReused,
    SessionEnded,
    TenantSuspended,
    WeakPassword,
    WrongCredentials,
)
from erp_core.auth.models import RefreshToken, SignInSession, User
from erp_core.auth.passwords import needs_rehash
from erp_core.auth.schemas import AccessToken, ChangePassword, Refresh, SignIn, SwitchTenant, TokenPair
from erp_core.auth.services import delete_expired
from erp_core.kernel.errors import NotFound
from erp_core.tenants import services as operator

from .conftest import NOBODY, PASSWORD, World, claims_of


def test_the_right_password_opens_a_session_in_the_primary_tenant(world: World) -> None:
    first, second = world.tenant(), world.tenant()
    user = world.user((first, "admin"), (second, "core.clerk"))

    pair = world.sign_in(user)

    claims = claims_of(pair.access_token)
    assert (claims["sub"], claims["tid"], claims["aud"]) == (str(user.id), str(first.id), "erp")
    assert pair.expires_in == 900
    assert [brief.slug for brief in pair.tenants] == [first.slug, second.slug]
    assert jwt.get_unverified_header(pair.access_token)["alg"] == "EdDSA"


def test_the_email_may_be_written_in_capitals(world: World) -> None:
    user = world.user((world.tenant(), "admin"))

    answer = world.call(routes.sign_in, data=SignIn(f" {user.email.upper()} ", PASSWORD))

    assert isinstance(answer, TokenPair)


def test_unknown_wrong_and_disabled_answer_the_same(world: World) -> None:
    user, disabled = world.user((world.tenant(), "admin")), world.user((world.tenant(), "admin"))
    world.operate(lambda s: operator.disable_user(s, disabled.email, world.clock()))

    answers = [
        world.call(routes.sign_in, data=SignIn("nobody@example.com", PASSWORD)),
        world.sign_in(user, "another-password"),
        world.sign_in(disabled),
    ]

    assert [(type(answer), str(answer), answer.facts, answer.pointer) for answer in answers] == [
        (WrongCredentials, WrongCredentials.message, {}, None)
    ] * 3


def test_a_named_tenant_is_signed_into(world: World) -> None:
    first, second = world.tenant(), world.tenant()
    user = world.user((first, "admin"), (second, "admin"))

    assert world.sign_in(user, tenant=second.slug).tenant.id == second.id


def test_a_foreign_tenant_answers_like_an_unknown_one(world: World) -> None:
    user, foreign = world.user((world.tenant(), "admin")), world.tenant()

    answers = [world.sign_in(user, tenant=foreign.slug), world.sign_in(user, tenant="no-such-tenant")]

    assert [(type(answer), str(answer)) for answer in answers] == [(NotAMember, NotAMember.message)] * 2


def test_a_suspended_tenant_cannot_be_signed_into_and_a_resumed_one_can(world: World) -> None:
    tenant = world.tenant()
    user = world.user((tenant, "admin"))

    world.operate(lambda s: operator.suspend_tenant(s, tenant.slug))
    refused = world.sign_in(user)
    world.operate(lambda s: operator.resume_tenant(s, tenant.slug))

    assert isinstance(refused, TenantSuspended)
    assert isinstance(world.sign_in(user), TokenPair)


def test_with_the_primary_tenant_suspended_the_other_one_opens(world: World) -> None:
    first, second = world.tenant(), world.tenant()
    user = world.user((first, "admin"), (second, "admin"))
    world.operate(lambda s: operator.suspend_tenant(s, first.slug))

    pair = world.sign_in(user)

    assert pair.tenant.id == second.id
    assert [brief.id for brief in pair.tenants] == [second.id]


@pytest.mark.parametrize("field", ["state", "is_primary", "must_change_password", "permissions", "user_id"])
def test_an_unknown_field_is_refused(field: str) -> None:
    body = msgspec.json.encode({"email": "ana@example.com", "password": PASSWORD, field: True})

    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.json.decode(body, type=SignIn)


def test_secrets_do_not_show_when_a_value_is_printed(world: World) -> None:
    pair = world.sign_in(world.user((world.tenant(), "admin")))

    printed = repr((SignIn("a@b.mx", PASSWORD), Refresh("secret-token"), ChangePassword(PASSWORD, PASSWORD), pair))

    assert PASSWORD not in printed
    assert "secret-token" not in printed
    assert pair.refresh_token not in printed
    assert pair.access_token not in printed


def test_a_hash_of_old_parameters_is_renewed_at_sign_in(world: World) -> None:
    user = world.user((world.tenant(), "admin"))
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    world.operate(lambda s: setattr(s.get(User, user.id), "password_hash", weak))

    assert isinstance(world.sign_in(user), TokenPair)

    stored = world.operate(lambda s: s.get(User, user.id).password_hash)
    assert not needs_rehash(stored)
    assert isinstance(world.sign_in(user), TokenPair)


def test_a_refresh_token_is_stored_as_its_hash_only(world: World) -> None:
    pair = world.sign_in(world.user((world.tenant(), "admin")))

    stored = world.operate(lambda s: list(s.scalars(select(RefreshToken.sha256))))

    assert all(len(digest) == 32 for digest in stored)
    assert pair.refresh_token.encode() not in stored


def test_refreshing_gives_other_tokens_of_the_same_session(world: World) -> None:
    pair = world.sign_in(world.user((world.tenant(), "admin")))

    again = world.call(routes.refresh, data=Refresh(pair.refresh_token))

    assert again.refresh_token != pair.refresh_token
    assert claims_of(again.access_token)["sid"] == claims_of(pair.access_token)["sid"]


def test_a_refresh_token_that_comes_twice_ends_the_whole_family(world: World) -> None:
    pair = world.sign_in(world.user((world.tenant(), "admin")))
    second = world.call(routes.refresh, data=Refresh(pair.refresh_token))
    third = world.call(routes.refresh, data=Refresh(second.refresh_token))

    stolen = world.call(routes.refresh, data=Refresh(pair.refresh_token))
    owner = world.call(routes.refresh, data=Refresh(third.refresh_token))

    assert isinstance(stolen, RefreshReused)
    assert stolen.status == 401
    assert isinstance(owner, SessionEnded)


def test_of_many_that_refresh_at_once_one_wins_and_the_family_ends(world: World) -> None:
    pair = world.sign_in(world.user((world.tenant(), "admin")))

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: world.call(routes.refresh, data=Refresh(pair.refresh_token)), range(6)))

    winners = [answer for answer in answers if isinstance(answer, TokenPair)]
    assert len(winners) == 1
    assert sum(isinstance(answer, RefreshReused) for answer in answers) == 5
    assert isinstance(world.call(routes.refresh, data=Refresh(winners[0].refresh_token)), SessionEnded)


def test_a_refresh_token_dies_after_thirty_days_without_use(world: World) -> None:
    pair = world.sign_in(world.user((world.tenant(), "admin")))

    world.clock.advance(days=29)
    used = world.call(routes.refresh, data=Refresh(pair.refresh_token))
    world.clock.advance(days=31)

    assert isinstance(used, TokenPair)
    assert isinstance(world.call(routes.refresh, data=Refresh(used.refresh_token)), SessionEnded)


def test_an_unknown_refresh_token_is_refused(world: World) -> None:
    assert isinstance(world.call(routes.refresh, data=Refresh("made-up")), SessionEnded)


def test_a_disabled_user_cannot_refresh(world: World) -> None:
    user = world.user((world.tenant(), "admin"))
    pair = world.sign_in(user)
    world.operate(lambda s: operator.disable_user(s, user.email, world.clock()))

    assert isinstance(world.call(routes.refresh, data=Refresh(pair.refresh_token)), SessionEnded)


def test_somebody_in_two_tenants_switches_without_a_password(world: World) -> None:
    first, second = world.tenant(), world.tenant()
    user = world.user((first, "admin"), (second, "core.clerk"))
    pair, actor = world.signed_in(user, first)

    switched = world.call(routes.switch_tenant, actor, data=SwitchTenant(second.slug))

    assert isinstance(switched, AccessToken)
    assert claims_of(switched.access_token)["tid"] == str(second.id)
    refreshed = world.call(routes.refresh, data=Refresh(pair.refresh_token))
    assert refreshed.tenant.id == second.id


def test_refreshing_may_name_another_tenant(world: World) -> None:
    first, second = world.tenant(), world.tenant()
    user = world.user((first, "admin"), (second, "admin"))
    pair, _ = world.signed_in(user, first)

    assert world.call(routes.refresh, data=Refresh(pair.refresh_token, second.slug)).tenant.id == second.id


def test_switching_needs_an_active_membership_in_an_active_tenant(world: World) -> None:
    home, closed, suspended, foreign = (world.tenant() for _ in range(4))
    user = world.user((home, "admin"), (closed, "core.clerk"), (suspended, "admin"))
    chief = world.user((closed, "admin"))
    world.call(routes.disable_member, world.actor(chief, closed), user_id=user.id)
    world.operate(lambda s: operator.suspend_tenant(s, suspended.slug))
    _, actor = world.signed_in(user, home)

    answers = [world.call(routes.switch_tenant, actor, data=SwitchTenant(t.slug)) for t in (closed, foreign, suspended)]

    assert [type(answer) for answer in answers] == [NotAMember, NotAMember, TenantSuspended]


def test_a_failed_refresh_into_a_suspended_tenant_does_not_use_the_token_up(world: World) -> None:
    tenant = world.tenant()
    pair = world.sign_in(world.user((tenant, "admin")))
    world.operate(lambda s: operator.suspend_tenant(s, tenant.slug))

    refused = world.call(routes.refresh, data=Refresh(pair.refresh_token))
    world.operate(lambda s: operator.resume_tenant(s, tenant.slug))

    assert isinstance(refused, TenantSuspended)
    assert isinstance(world.call(routes.refresh, data=Refresh(pair.refresh_token)), TokenPair)


def test_sessions_are_listed_with_their_device_and_the_current_one_is_marked(world: World) -> None:
    tenant = world.tenant()
    user = world.user((tenant, "admin"))
    world.sign_in(user, actor=replace(NOBODY, address="198.51.100.7", user_agent="phone"))
    _, actor = world.signed_in(user, tenant)

    items = world.call(routes.list_sessions, actor).items

    assert [(item.address, item.user_agent, item.current) for item in items] == [
        ("203.0.113.9", "tests", True),
        ("198.51.100.7", "phone", False),
    ]


def test_signing_out_ends_this_session_only(world: World) -> None:
    tenant = world.tenant()
    user = world.user((tenant, "admin"))
    other = world.sign_in(user)
    pair, actor = world.signed_in(user, tenant)

    world.call(routes.sign_out, actor)

    assert isinstance(world.call(routes.refresh, data=Refresh(pair.refresh_token)), SessionEnded)
    assert isinstance(world.call(routes.refresh, data=Refresh(other.refresh_token)), TokenPair)


def test_signing_out_everywhere_ends_every_session(world: World) -> None:
    tenant = world.tenant()
    user = world.user((tenant, "admin"))
    other = world.sign_in(user)
    pair, actor = world.signed_in(user, tenant)

    world.call(routes.sign_out_everywhere, actor)

    answers = [world.call(routes.refresh, data=Refresh(p.refresh_token)) for p in (other, pair)]
    assert [type(answer) for answer in answers] == [SessionEnded] * 2


def test_one_session_of_several_can_be_ended_but_nobody_elses(world: World) -> None:
    tenant = world.tenant()
    user, stranger = world.user((tenant, "admin")), world.user((tenant, "admin"))
    pair, actor = world.signed_in(user, tenant)
    _, foreign = world.signed_in(stranger, tenant)
    assert actor.session_id is not None

    refused = world.call(routes.end_session, foreign, session_id=actor.session_id)
    still_alive = world.call(routes.refresh, data=Refresh(pair.refresh_token))
    world.call(routes.end_session, actor, session_id=actor.session_id)

    assert isinstance(refused, NotFound)
    assert isinstance(still_alive, TokenPair)
    assert isinstance(world.call(routes.refresh, data=Refresh(still_alive.refresh_token)), SessionEnded)


def test_changing_the_password_ends_the_other_sessions_and_keeps_this_one(world: World) -> None:
    tenant = world.tenant()
    user = world.user((tenant, "admin"))
    other = world.sign_in(user)
    pair, actor = world.signed_in(user, tenant)

    world.call(routes.change_password, actor, data=ChangePassword(PASSWORD, "otra-clave-segura-9"))

    assert isinstance(world.call(routes.refresh, data=Refresh(other.refresh_token)), SessionEnded)
    assert isinstance(world.call(routes.refresh, data=Refresh(pair.refresh_token)), TokenPair)
    assert isinstance(world.sign_in(user), WrongCredentials)
    assert isinstance(world.sign_in(user, "otra-clave-segura-9"), TokenPair)


def test_changing_the_password_needs_the_old_one_and_a_strong_new_one(world: World) -> None:
    tenant = world.tenant()
    user = world.user((tenant, "admin"))
    _, actor = world.signed_in(user, tenant)

    wrong = world.call(routes.change_password, actor, data=ChangePassword("no-es-esta-clave", "otra-clave-segura-9"))
    weak = world.call(routes.change_password, actor, data=ChangePassword(PASSWORD, "password123"))

    assert isinstance(wrong, WrongCredentials)
    assert isinstance(weak, WeakPassword)
    assert isinstance(world.sign_in(user), TokenPair)


def test_an_initial_password_must_be_changed_and_then_no_longer(world: World) -> None:
    tenant = world.tenant()
    user = world.user((tenant, "admin"))
    initial = world.operate(lambda s: operator.set_password(s, user.email, None, world.clock()))
    pair = world.sign_in(user, initial)
    actor = world.actor(user, tenant)

    world.call(routes.change_password, actor, data=ChangePassword(initial, "otra-clave-segura-9"))

    assert pair.must_change_password
    assert not world.sign_in(user, "otra-clave-segura-9").must_change_password


def test_the_caller_learns_who_where_and_what(world: World) -> None:
    first, second = world.tenant(), world.tenant()
    user = world.user((first, "core.clerk"), (second, "admin"))

    me = world.call(routes.describe_caller, world.actor(user, first, frozenset({"core.users.read"})))

    assert (me.user.email, me.tenant.slug) == (user.email, first.slug)
    assert [role.name for role in me.roles] == ["core.clerk"]
    assert me.permissions == ["core.users.read"]
    assert [brief.id for brief in me.tenants] == [first.id, second.id]


def test_what_can_no_longer_matter_is_deleted(world: World) -> None:
    user = world.user((world.tenant(), "admin"))
    pair = world.sign_in(user)
    sid = claims_of(pair.access_token)["sid"]
    world.clock.advance(days=61)

    world.operate(lambda s: delete_expired(s, world.clock()))

    assert world.operate(lambda s: s.get(SignInSession, sid)) is None
