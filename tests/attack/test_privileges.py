"""Nobody gets more than they were given, and without a permission every address stays shut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from erp_core.kernel.http.routing import PUBLIC, SIGNED_IN
from erp_core.testing.environment import Erp, Person

from .doors import PLATFORM, Door, every_door, name_of
from .ground import Company, differences, digest

ROLES_ALONE = ("core.roles.read", "core.roles.create", "core.roles.update", "core.roles.assign")
MORE = [
    "*", "core.*", "core.partners.*", "core.partners.read", "core.users.*", "core.roles.*", "vidrio.*",
    "clinicas.patients.read", "core.jobs.read", "core.roles.delete",
]  # fmt: skip
TRICKS = [
    "**", "*.*", "core.*.read", "core.partners*", ".*", "core..*", "CORE.PARTNERS.READ", "core.partners.read ",
    " *", "core.partners.read\n", "core.partners.%", "core.roles.read,core.partners.read", "", "core", "core.roles.*.*",
    "core.roles.rea?", "c\u043ere.partners.read",
]  # fmt: skip
SHUT = [door for door in every_door() if door.permission not in {PUBLIC, SIGNED_IN}]


def address(door: Door) -> str:
    return door.address(**{name: uuid4() for name in door.parameters})


def test_the_doors_are_those_that_are_served(erp: Erp) -> None:
    served = set()
    for route in erp.http.app.routes:
        for method in route.methods - {"OPTIONS", "HEAD"}:
            served.add((method, "/".join(plain(part) for part in route.path_components)))

    known = {(door.method, "/".join(plain(part) for part in door.path.strip("/").split("/"))) for door in every_door()}

    assert served - known == set()
    assert known - served == set()
    assert len(known) == len(every_door()) > len(PLATFORM)


def plain(part: Any) -> str:
    return part if isinstance(part, str) and not part.startswith("{") else "{}"


@pytest.mark.parametrize("door", [door for door in every_door() if door.permission != PUBLIC], ids=name_of)
def test_without_a_token_a_door_is_shut(door: Door, attacker: Company) -> None:
    answer = attacker.person.http.request(door.method, address(door), content=b"{}")

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("door", SHUT, ids=name_of)
def test_without_its_permission_a_door_is_shut(door: Door, powerless: Person) -> None:
    answer = powerless.call(door.method, address(door), content=b"{}")

    assert (answer.status, answer.problem, answer.body["permission"]) == (403, "forbidden", door.permission)


@pytest.mark.parametrize("door", SHUT, ids=name_of)
def test_every_permission_but_its_own_does_not_open_a_door(
    door: Door, erp: Erp, owner: Company, almost: Callable[[str], Person]
) -> None:
    answer = almost(door.permission).call(door.method, address(door), content=b"{}")

    assert (answer.status, answer.problem) == (403, "forbidden")


@pytest.fixture(scope="session")
def powerless(erp: Erp, owner: Company) -> Person:
    """Somebody in the owner's company who may do nothing."""
    person = erp.sign_in(owner.person.tenant_slug, permissions=[])
    person.http = owner.person.http
    return person


@pytest.fixture(scope="session")
def almost(erp: Erp, owner: Company) -> Callable[[str], Person]:
    """Give somebody who holds every permission but one; made once for each."""
    made: dict[str, Person] = {}

    def find(missing: str) -> Person:
        if missing not in made:
            held = sorted(erp.application.permissions - {missing})
            made[missing] = erp.sign_in(owner.person.tenant_slug, permissions=held)
            made[missing].http = owner.person.http
        return made[missing]

    return find


@pytest.fixture
def roles_only(someone: Person, sign_in: Callable[..., Person]) -> Person:
    """Somebody who manages roles and nothing else."""
    return sign_in(someone.tenant_slug, permissions=ROLES_ALONE)


def test_who_manages_roles_cannot_grant_more_than_they_hold(roles_only: Person, erp: Erp) -> None:
    own = next(
        r for r in roles_only.items("/core/roles", params={"limit": "200"}) if set(r["permissions"]) == set(ROLES_ALONE)
    )
    before = digest(erp, roles_only.tenant_id)

    created = {name: roles_only.post("/core/roles", new_role([name])).problem for name in MORE}
    changed = {
        name: roles_only.patch(f"/core/roles/{own['id']}", {"permissions": [*ROLES_ALONE, name]}).problem
        for name in MORE
    }

    assert set(created.values()) <= {"beyond_own_permissions", "invalid_permission"}
    assert set(changed.values()) <= {"beyond_own_permissions", "invalid_permission"}
    assert differences(before, digest(erp, roles_only.tenant_id)) == []
    assert set(roles_only.get("/core/auth/me").body["permissions"]) == set(ROLES_ALONE)


def test_who_manages_roles_cannot_take_a_greater_role(roles_only: Person, someone: Person) -> None:
    roles = roles_only.items("/core/roles", params={"limit": "200"})
    greater = [role for role in roles if not set(role["permissions"]) <= set(ROLES_ALONE)]

    answers = {
        role["name"]: roles_only.post(f"/core/users/{roles_only.user_id}/roles", {"role_id": role["id"]}).problem
        for role in greater
    }
    weakened = {
        role["name"]: roles_only.patch(f"/core/roles/{role['id']}", {"permissions": []}).problem for role in greater
    }

    assert greater
    assert set(answers.values()) == {"beyond_own_permissions"}
    assert "beyond_own_permissions" in weakened.values()
    assert None not in weakened.values()
    assert roles_only.get("/core/partners").status == 403


@pytest.mark.parametrize("trick", TRICKS)
def test_odd_permission_names_are_refused_or_grant_nothing(
    trick: str, someone: Person, sign_in: Callable[..., Person]
) -> None:
    created = someone.post("/core/roles", new_role([trick]))

    assert created.problem in {"invalid_permission", "invalid_input", "beyond_own_permissions"}


@pytest.mark.parametrize("trick", TRICKS)
def test_odd_permission_names_in_the_database_grant_nothing(
    trick: str, someone: Person, sign_in: Callable[..., Person]
) -> None:
    holder = sign_in(someone.tenant_slug, permissions=[trick])

    assert holder.get("/core/partners").status == 403
    assert not [name for name in holder.get("/core/auth/me").body["permissions"] if name.startswith("core.partners")]


def test_a_new_member_cannot_be_given_a_role_beyond_the_makers(someone: Person, sign_in: Callable[..., Person]) -> None:
    maker = sign_in(someone.tenant_slug, permissions=["core.users.create", "core.roles.read", "core.roles.assign"])
    admin = next(role for role in maker.items("/core/roles", params={"limit": "200"}) if role["name"] == "admin")
    body = {"email": f"{uuid4().hex}@erp.example", "name": "Cómplice", "role_ids": [admin["id"]]}

    answer = maker.post("/core/users", body)

    assert answer.problem == "beyond_own_permissions"


def test_who_may_only_read_users_cannot_shut_them_out(someone: Person, sign_in: Callable[..., Person]) -> None:
    updater = sign_in(someone.tenant_slug, permissions=["core.users.update"])

    answer = updater.post(f"/core/users/{someone.user_id}/disable")

    assert answer.problem in {"beyond_own_permissions", "last_administrator"}
    assert someone.get("/core/auth/me").status == 200


def test_a_bulk_needs_the_permission_of_each_of_its_actions(someone: Person, sign_in: Callable[..., Person]) -> None:
    creator = sign_in(someone.tenant_slug, permissions=["core.partners.create"])
    made = someone.post("/core/partners", {"name": "A", "kind": "company"}).body

    archived = creator.post("/core/partners/bulk", {"items": [{"action": "archive", "id": made["id"]}]})
    changed = creator.post(
        "/core/partners/bulk", {"items": [{"action": "update", "id": made["id"], "data": {"name": "B"}}]}
    )

    assert (archived.problem, changed.problem) == ("forbidden", "forbidden")
    assert someone.get(f"/core/partners/{made['id']}").body["version"] == 1


def test_what_is_included_needs_its_own_permission(owner: Company, sign_in: Callable[..., Person]) -> None:
    reader = sign_in(owner.person.tenant_slug, permissions=["core.products.read"])

    answer = reader.get("/core/products", params={"include": "unit"})

    assert (answer.status, answer.problem) == (403, "forbidden")


def test_the_description_of_the_api_shows_what_the_caller_may(owner: Company, sign_in: Callable[..., Person]) -> None:
    reader = sign_in(owner.person.tenant_slug, permissions=["core.units.read"])

    described = reader.get("/meta").response.text

    assert "core.units" in described
    assert "clinicas.patients" not in described


def new_role(permissions: list[str]) -> dict[str, Any]:
    return {"name": f"r{uuid4().hex[:10]}", "label": "Rol", "permissions": permissions}
