"""Administering a company's people and what they may do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import select, text

from erp_core.auth import routes
from erp_core.auth.errors import (
    AdministratorRoleFixed,
    BeyondOwnPermissions,
    EmailInUse,
    InvalidPermission,
    LastAdministrator,
)
from erp_core.auth.models import Role, Tenant, User
from erp_core.auth.schemas import AssignRole, CreatedMember, NewMember, NewRole, PageQuery, RoleChange, RoleView
from erp_core.kernel.context import Actor
from erp_core.kernel.errors import Duplicate, NotFound, StaleVersion, UnknownReference
from erp_core.tenants.services import act_in

from .conftest import World


def role_of(world: World, tenant: Tenant, name: str) -> Role:
    def find(session: Any) -> Role:
        act_in(session, tenant.id)
        found: Role = session.scalar(select(Role).where(Role.tenant_id == tenant.id, Role.name == name))
        return found

    return world.operate(find)


def someone(world: World, role: str = "admin") -> tuple[Tenant, User, Actor]:
    tenant = world.tenant()
    user = world.user((tenant, role))
    return tenant, user, world.actor(user, tenant)


def test_an_administrator_creates_a_person_who_then_signs_in(world: World) -> None:
    tenant, _, admin = someone(world)
    clerk = role_of(world, tenant, "core.clerk")
    email = f"{tenant.slug}@example.com"

    made = world.call(routes.create_member, admin, data=NewMember(email, "Beto", [clerk.id]))

    assert isinstance(made, CreatedMember)
    assert [role.name for role in made.member.roles] == ["core.clerk"]
    user = world.operate(lambda s: s.get(User, made.member.user_id))
    pair = world.sign_in(user, made.initial_password)
    assert pair.must_change_password
    assert made.initial_password not in repr(made)


def test_an_email_that_has_an_account_is_left_to_the_operator(world: World) -> None:
    tenant, _, admin = someone(world)
    _, foreign, _ = someone(world)
    clerk = role_of(world, tenant, "core.clerk")

    answer = world.call(routes.create_member, admin, data=NewMember(foreign.email.upper(), "Beto", [clerk.id]))

    assert isinstance(answer, EmailInUse)
    assert answer.pointer == "/email"


def test_another_tenants_role_is_no_role_here(world: World) -> None:
    _, user, admin = someone(world)
    foreign = role_of(world, world.tenant(), "core.clerk")

    answers = [
        world.call(routes.create_member, admin, data=NewMember("beto@example.com", "Beto", [foreign.id])),
        world.call(routes.assign_role, admin, user_id=user.id, data=AssignRole(foreign.id)),
        world.call(routes.update_role, admin, role_id=foreign.id, data=RoleChange(label="Mía")),
    ]

    assert [type(answer) for answer in answers] == [UnknownReference, NotFound, NotFound]


def test_roles_of_another_tenant_cannot_be_seen_at_all(world: World) -> None:
    tenant, _, admin = someone(world)
    world.tenant()

    page = world.call(routes.list_roles, admin, query=PageQuery())
    unset = world.operate(lambda s: s.execute(text("SELECT count(*) FROM auth.roles")).scalar())

    assert [role.name for role in page.items] == ["admin", "core.clerk"]
    assert {role_of(world, tenant, role.name).tenant_id for role in page.items} == {tenant.id}
    assert unset == 0


def test_people_of_another_tenant_cannot_be_seen_or_touched(world: World) -> None:
    _, user, admin = someone(world)
    _, foreign, _ = someone(world)

    page = world.call(routes.list_members, admin, query=PageQuery())
    answer = world.call(routes.disable_member, admin, user_id=foreign.id)

    assert [item.user_id for item in page.items] == [user.id]
    assert isinstance(answer, NotFound)


def test_lists_come_in_pages(world: World) -> None:
    tenant, _, admin = someone(world)
    for _ in range(4):
        world.user((tenant, "core.clerk"))

    seen: list[UUID] = []
    cursor = None
    for expected in (2, 2, 1):
        page = world.call(routes.list_members, admin, query=PageQuery(2, cursor))
        assert len(page.items) == expected
        seen += [item.user_id for item in page.items]
        cursor = page.next_cursor

    assert cursor is None
    assert len(set(seen)) == 5


def test_nobody_gives_what_they_do_not_hold(world: World) -> None:
    tenant, clerk, actor = someone(world, "core.clerk")
    admin = role_of(world, tenant, "admin")
    grants = ["core.users.read", "vidrio.quotes.send", "vidrio.quotes.*", "vidrio.*", "mecanicas.*", "*"]

    answers = [
        world.call(routes.create_role, actor, data=NewRole(f"r{n}", "Rol", [grant])) for n, grant in enumerate(grants)
    ]
    assigned = world.call(routes.assign_role, actor, user_id=clerk.id, data=AssignRole(admin.id))
    created = world.call(routes.create_member, actor, data=NewMember("x@example.com", "X", [admin.id]))

    assert [type(answer) for answer in answers] == [RoleView] * 3 + [BeyondOwnPermissions] * 3
    assert isinstance(assigned, BeyondOwnPermissions)
    assert isinstance(created, BeyondOwnPermissions)


def test_nobody_weakens_or_shuts_out_who_holds_more(world: World) -> None:
    tenant, _, actor = someone(world, "core.clerk")
    chief = world.user((tenant, "admin"))
    world.user((tenant, "admin"))
    admin = role_of(world, tenant, "admin")

    answers = [
        world.call(routes.unassign_role, actor, user_id=chief.id, role_id=admin.id),
        world.call(routes.disable_member, actor, user_id=chief.id),
        world.call(routes.update_role, actor, role_id=admin.id, data=RoleChange(label="Nada")),
    ]

    assert [type(answer) for answer in answers] == [BeyondOwnPermissions] * 3


def test_the_last_administrator_stays(world: World) -> None:
    tenant, user, actor = someone(world)
    admin = role_of(world, tenant, "admin")

    alone = [
        world.call(routes.unassign_role, actor, user_id=user.id, role_id=admin.id),
        world.call(routes.disable_member, actor, user_id=user.id),
    ]
    world.user((tenant, "admin"))
    accompanied = world.call(routes.unassign_role, actor, user_id=user.id, role_id=admin.id)

    assert [type(answer) for answer in alone] == [LastAdministrator] * 2
    assert accompanied is None


def test_the_administrators_role_keeps_its_permissions(world: World) -> None:
    tenant, _, actor = someone(world)
    admin = role_of(world, tenant, "admin")

    answer = world.call(routes.update_role, actor, role_id=admin.id, data=RoleChange(permissions=[]))

    assert isinstance(answer, AdministratorRoleFixed)


def test_a_role_is_created_changed_given_and_taken(world: World) -> None:
    tenant, _, actor = someone(world)
    person = world.user((tenant, "core.clerk"))

    role = world.call(routes.create_role, actor, data=NewRole("seller", "Vendedor", ["vidrio.quotes.*"]))
    changed = world.call(
        routes.update_role, actor, role_id=role.id, data=RoleChange(permissions=["vidrio.quotes.read"], version=1)
    )
    world.call(routes.assign_role, actor, user_id=person.id, data=AssignRole(role.id))
    world.call(routes.assign_role, actor, user_id=person.id, data=AssignRole(role.id))
    given = {item.user_id: item for item in world.call(routes.list_members, actor, query=PageQuery()).items}
    world.call(routes.unassign_role, actor, user_id=person.id, role_id=role.id)
    again = world.call(routes.unassign_role, actor, user_id=person.id, role_id=role.id)

    assert (changed.permissions, changed.version) == (["vidrio.quotes.read"], 2)
    assert [held.name for held in given[person.id].roles] == ["core.clerk", "seller"]
    assert isinstance(again, NotFound)


def test_a_role_that_somebody_else_changed_is_not_overwritten(world: World) -> None:
    _, _, actor = someone(world)
    role = world.call(routes.create_role, actor, data=NewRole("seller", "Vendedor", []))
    world.call(routes.update_role, actor, role_id=role.id, data=RoleChange(label="Ventas"))

    answer = world.call(routes.update_role, actor, role_id=role.id, data=RoleChange(label="Otro", version=1))

    assert isinstance(answer, StaleVersion)


def test_role_names_are_unique_in_a_tenant_only(world: World) -> None:
    _, _, here = someone(world)
    _, _, there = someone(world)
    data = NewRole("seller", "Vendedor", [])

    answers = [type(world.call(routes.create_role, actor, data=data)) for actor in (here, here, there)]

    assert answers == [RoleView, Duplicate, RoleView]


def test_a_malformed_permission_is_refused(world: World) -> None:
    _, _, actor = someone(world)

    answer = world.call(routes.create_role, actor, data=NewRole("seller", "Vendedor", ["vidrio.*.read"]))

    assert isinstance(answer, InvalidPermission)


def test_a_member_who_was_shut_out_comes_back_with_the_same_roles(world: World) -> None:
    tenant, _, actor = someone(world)
    person = world.user((tenant, "core.clerk"))

    out = world.call(routes.disable_member, actor, user_id=person.id)
    back = world.call(routes.enable_member, actor, user_id=person.id)

    assert (out.state, back.state) == ("disabled", "active")
    assert [role.name for role in back.roles] == ["core.clerk"]


def test_changes_of_roles_and_people_are_audited(world: World) -> None:
    tenant, _, actor = someone(world)
    person = world.user((tenant, "core.clerk"))
    role = world.call(routes.create_role, actor, data=NewRole("seller", "Vendedor", []))
    world.call(routes.assign_role, actor, user_id=person.id, data=AssignRole(role.id))
    world.call(routes.disable_member, actor, user_id=person.id)

    def entries(session: Any) -> list[tuple[str, str]]:
        act_in(session, tenant.id)
        found = session.execute(text("SELECT resource, action FROM core.audit_entries ORDER BY id")).all()
        return [tuple(row) for row in found]

    assert world.operate(entries) == [
        ("core.roles", "create"),
        ("core.users", "assign_role"),
        ("core.users", "update"),
    ]


@pytest.mark.parametrize("kind", [NewMember, NewRole, RoleChange, AssignRole, PageQuery])
def test_unknown_fields_are_refused_everywhere(kind: type[msgspec.Struct]) -> None:
    with pytest.raises(msgspec.ValidationError, match="tenant_id"):
        msgspec.convert({"tenant_id": "x"}, type=kind)
