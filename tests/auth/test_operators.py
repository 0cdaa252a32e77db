"""What an operator does on the command line."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from erp_core.auth import routes
from erp_core.auth.errors import EmailInUse, SessionEnded, WeakPassword, WrongCredentials
from erp_core.auth.models import Membership, Revocation, Role, RoleAssignment
from erp_core.auth.rules import fold_email
from erp_core.auth.schemas import Refresh, TokenPair
from erp_core.kernel.errors import InvalidEmail, Problem
from erp_core.kernel.plugins.declarations import RoleTemplate
from erp_core.kernel.plugins.manifest import Label
from erp_core.tenants import services as operator
from erp_core.tenants.errors import InvalidTenant, TenantExists, UnknownRole, UnknownTenant, UnknownUser

from .conftest import CLERK, PASSWORD, World

SELLER = ("vidrio", RoleTemplate("seller", Label("Vendedor", "Seller"), ("vidrio.quotes.*",)))


def refusal(world: World, work: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        world.operate(work)
    return caught.value


def roles_in(world: World, tenant: Any) -> dict[str, tuple[str, list[str]]]:
    def read(session: Any) -> dict[str, tuple[str, list[str]]]:
        operator.act_in(session, tenant.id)
        return {role.name: (role.label, role.permissions) for role in session.scalars(select(Role))}

    return world.operate(read)


def test_a_tenant_starts_with_an_administrator_and_the_offered_roles(world: World) -> None:
    tenant = world.tenant(CLERK, SELLER)

    assert roles_in(world, tenant) == {
        "admin": ("Administrador", ["*"]),
        "core.clerk": ("Auxiliar", ["core.users.read", "vidrio.quotes.*"]),
        "vidrio.seller": ("Vendedor", ["vidrio.quotes.*"]),
    }


def test_an_english_tenant_has_english_labels(world: World) -> None:
    slug = f"t{uuid4().hex[:8]}"

    tenant = world.operate(lambda s: operator.create_tenant(s, slug, "Co", language="en", role_templates=[SELLER]))

    assert {label for label, _ in roles_in(world, tenant).values()} == {"Administrator", "Seller"}


def test_roles_of_a_package_that_came_later_can_be_offered_again(world: World) -> None:
    tenant = world.tenant(CLERK)

    first = world.operate(lambda s: operator.offer_roles(s, tenant, [CLERK, SELLER]))
    second = world.operate(lambda s: operator.offer_roles(s, tenant, [CLERK, SELLER]))

    assert (first, second) == (["vidrio.seller"], [])


def test_a_taken_slug_is_refused(world: World) -> None:
    tenant = world.tenant()

    assert isinstance(refusal(world, lambda s: operator.create_tenant(s, tenant.slug, "Otra")), TenantExists)


@pytest.mark.parametrize(
    "facts",
    [
        {"slug": "Con Espacios"},
        {"slug": "a"},
        {"slug": "termina-"},
        {"name": " "},
        {"language": "fr"},
        {"time_zone": "Mexico"},
        {"currency": "mxn"},
        {"country": "MEX"},
    ],
)
def test_unusable_facts_of_a_tenant_are_refused(world: World, facts: dict[str, str]) -> None:
    given = {"slug": "buena-empresa", "name": "Buena"} | facts

    assert isinstance(refusal(world, lambda s: operator.create_tenant(s, **given)), InvalidTenant)


def test_suspending_twice_changes_and_announces_nothing_more(world: World) -> None:
    tenant = world.tenant()

    world.operate(lambda s: operator.suspend_tenant(s, tenant.slug))
    again = world.operate(lambda s: operator.suspend_tenant(s, tenant.slug))

    news = select(func.count()).select_from(Revocation).where(Revocation.subject == tenant.id)
    assert (again.state, again.version) == ("suspended", 2)
    assert world.operate(lambda s: s.scalar(news)) == 1


def test_tenants_are_listed_by_slug(world: World) -> None:
    made = {world.tenant().slug for _ in range(3)}

    slugs = [tenant.slug for tenant in world.operate(operator.list_tenants)]

    assert made <= set(slugs)
    assert slugs == sorted(slugs)


def test_a_user_without_a_given_password_gets_one_to_change(world: World) -> None:
    tenant, email = world.tenant(), f"{uuid4().hex}@example.com"

    user, password = world.operate(lambda s: operator.create_user(s, f" {email.upper()} ", "Eva"))
    world.operate(lambda s: operator.grant(s, tenant.slug, email, ["admin"]))

    assert user.email == fold_email(email)
    assert world.sign_in(user, password).must_change_password


def test_a_user_is_not_made_twice_nor_badly(world: World) -> None:
    user = world.user()

    assert isinstance(refusal(world, lambda s: operator.create_user(s, user.email.upper(), "X")), EmailInUse)
    assert isinstance(refusal(world, lambda s: operator.create_user(s, "nobody", "X")), InvalidEmail)
    assert isinstance(refusal(world, lambda s: operator.create_user(s, "n@example.com", "X", "short")), WeakPassword)


def test_setting_a_password_ends_all_sessions(world: World) -> None:
    user = world.user((world.tenant(), "admin"))
    pair = world.sign_in(user)

    world.operate(lambda s: operator.set_password(s, user.email, "otra-clave-segura-9", world.clock()))

    assert isinstance(world.call(routes.refresh, data=Refresh(pair.refresh_token)), SessionEnded)
    assert isinstance(world.sign_in(user, "otra-clave-segura-9"), TokenPair)


def test_a_disabled_user_is_out_and_an_enabled_one_is_in_again(world: World) -> None:
    user = world.user((world.tenant(), "admin"))

    world.operate(lambda s: operator.disable_user(s, user.email, world.clock()))
    out = world.sign_in(user)
    world.operate(lambda s: operator.enable_user(s, user.email))

    assert isinstance(out, WrongCredentials)
    assert isinstance(world.sign_in(user, PASSWORD), TokenPair)


def test_granting_twice_gives_nothing_new(world: World) -> None:
    tenant, user = world.tenant(), world.user()

    first = world.operate(lambda s: operator.grant(s, tenant.slug, user.email, ["admin", "core.clerk", "admin"]))
    second = world.operate(lambda s: operator.grant(s, tenant.slug, user.email, ["admin"]))

    def count(session: Any) -> int | None:
        operator.act_in(session, tenant.id)
        return session.scalar(select(func.count()).select_from(RoleAssignment))

    assert (first, second) == (["admin", "core.clerk"], [])
    assert world.operate(count) == 2


def test_only_the_first_tenant_of_a_person_is_the_primary_one(world: World) -> None:
    first, second = world.tenant(), world.tenant()
    user = world.user((first, "admin"), (second, "admin"))

    places = select(Membership.tenant_id, Membership.is_primary).where(Membership.user_id == user.id)

    assert {tuple(row) for row in world.operate(lambda s: s.execute(places).all())} == {
        (first.id, True),
        (second.id, False),
    }


def test_what_is_unknown_is_named_with_the_remedy(world: World) -> None:
    tenant, user = world.tenant(), world.user()

    no_tenant = refusal(world, lambda s: operator.grant(s, "no-such-tenant", user.email, ["admin"]))
    no_user = refusal(world, lambda s: operator.grant(s, tenant.slug, "nobody@example.com", ["admin"]))
    no_role = refusal(world, lambda s: operator.grant(s, tenant.slug, user.email, ["boss"]))

    assert (type(no_tenant), type(no_user), type(no_role)) == (UnknownTenant, UnknownUser, UnknownRole)
    assert "erp tenants list" in str(no_tenant)
    assert "erp users create" in str(no_user)
    assert "admin, core.clerk" in str(no_role)
