"""What the database refuses although the application asks for it, and what SQL in a value comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from erp_core.kernel.resources.sql import kind_of, table_of
from erp_core.testing.environment import Erp, Person

from .doors import Door, every_door, name_of, own_resources
from .ground import Company, differences, digest, new_body, tenant_tables

DROP = "'; DROP TABLE core.partners CASCADE; SELECT set_config('app.current_tenant','{}',false); --"
HIDDEN_FROM_ALL = ("auth.",)


@pytest.fixture
def as_app(erp: Erp) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the application's role."""
    with psycopg.connect(erp.application.addresses.app, autocommit=True) as connection:
        yield connection


def table(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split("."))


def protected(connection: psycopg.Connection[Any]) -> list[str]:
    """Name the tables that row-level security guards; those of identity are open to sign-in by design."""
    query = (
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relrowsecurity AND c.relforcerowsecurity AND c.relkind IN ('r', 'p')"
    )
    return sorted(row[0] for row in connection.execute(query))


def test_without_a_tenant_there_are_no_rows(as_app: psycopg.Connection[Any], owner: Company) -> None:
    tables = protected(as_app)

    seen = {name: as_app.execute(sql.SQL("SELECT count(*) FROM {}").format(table(name))).fetchone() for name in tables}

    assert {resource.model.__table__.fullname for resource in own_resources()} <= set(tables)
    assert {name: count for name, count in seen.items() if count != (0,)} == {}


def test_every_table_of_a_tenant_is_guarded_or_known_to_be_open(as_app: psycopg.Connection[Any]) -> None:
    open_to_all = set(tenant_tables()) - set(protected(as_app))

    assert {name for name in open_to_all if not name.startswith("auth.")} <= {"core.outbox_pending"}


def test_without_a_tenant_nothing_can_be_written(as_app: psycopg.Connection[Any], owner: Company, erp: Erp) -> None:
    before = digest(erp, owner.person.tenant_id)
    refused = {"42501", "23514", "23502", "23503"}
    wrong = []

    for name in protected(as_app):
        for statement in ("DELETE FROM {}", "UPDATE {} SET tenant_id = tenant_id", "TRUNCATE {}"):
            try:
                changed = as_app.execute(sql.SQL(statement).format(table(name))).rowcount
            except psycopg.Error as error:
                changed = 0 if error.sqlstate in refused else -1
            if changed:
                wrong.append((name, statement, changed))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_app.execute(
            "INSERT INTO core.partners (tenant_id, id, kind, name) VALUES (%s, %s, 'company', 'A')",
            [owner.person.tenant_id, uuid4()],
        )

    assert wrong == []
    assert differences(before, digest(erp, owner.person.tenant_id)) == []


@pytest.mark.parametrize("foreign", [True, False])
def test_a_row_of_another_tenant_cannot_be_written(
    as_app: psycopg.Connection[Any], owner: Company, attacker: Company, foreign: bool
) -> None:
    tenant = owner.person.tenant_id if foreign else uuid4()

    with as_app.transaction(force_rollback=True):
        as_app.execute(f"SET LOCAL app.current_tenant = '{attacker.person.tenant_id}'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_app.execute(
                "INSERT INTO core.partners (tenant_id, id, kind, name) VALUES (%s, %s, 'company', 'A')",
                [tenant, uuid4()],
            )


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT set_config('app.current_tenant', '{tenant}', false)",
        "SELECT pg_catalog.set_config('app.current_tenant', '{tenant}', true)",
        "CREATE TABLE core.mine (a int)",
        "CREATE TEMP TABLE mine (a int)",
        "ALTER TABLE core.partners DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant_rows ON core.partners",
        "SET ROLE erp_owner",
        "SET SESSION AUTHORIZATION postgres",
        "CREATE FUNCTION core.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE EXTENSION dblink",
        "COPY core.partners TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "TRUNCATE core.partners",
    ],
)
def test_the_application_role_cannot_loosen_its_bonds(
    as_app: psycopg.Connection[Any], owner: Company, statement: str
) -> None:
    with pytest.raises(psycopg.Error) as refused:
        as_app.execute(statement.replace("{tenant}", str(owner.person.tenant_id)))

    assert refused.value.sqlstate in {"42501", "42704", "42000", "22023"} or "permission" in str(refused.value)


@pytest.mark.parametrize("resource", [r for r in own_resources() if r.references], ids=name_of)
def test_a_key_across_tenants_is_refused_even_for_a_superuser(
    erp: Erp, resource: Any, owner: Company, attacker: Company
) -> None:
    name = table_of(resource).fullname
    for column, target in resource.references.items():
        row, theirs = attacker.row(resource), owner.row(erp.application.resources[target])["id"]
        with psycopg.connect(str(erp.application.addresses.admin)) as admin, admin.transaction(force_rollback=True):
            change = sql.SQL("UPDATE {} SET {} = %s WHERE tenant_id = %s AND id = %s").format(
                table(name), sql.Identifier(column)
            )
            with pytest.raises((psycopg.errors.ForeignKeyViolation, psycopg.errors.CheckViolation)):
                admin.execute(change, [theirs, attacker.person.tenant_id, row["id"]])


@pytest.mark.parametrize("door", [d for d in every_door() if d.operation in {"list", "export", "read"}], ids=name_of)
def test_statements_in_a_query_are_only_text(door: Door, erp: Erp, attacker: Company) -> None:
    resource = door.resource
    assert resource is not None
    hostile = DROP.format(uuid4())
    before = digest(erp, attacker.person.tenant_id)
    names = ["q", "sort", "cursor", "fields", "include", "limit", "archived", "total", "lang", "format"]
    filters = [
        f"filter[{name}]{way}" for name in resource.filters for way in ("", "[in]", "[gt]", "[null]", f"[{hostile}]")
    ]

    for name in [*names, *filters, f"filter[{hostile}]", hostile]:
        answer = attacker.person.get(door.address(object_id=attacker.row(resource)["id"]), params={name: hostile})
        is_text = (
            name.startswith("filter[") and kind_of(table_of(resource), name[7:].split("]")[0]) == "text"
            if (name[7:].split("]")[0] in resource.filters)
            else name in {"q", "lang"}
        )
        assert answer.status in ({200, 400} if is_text else {400}), (name, answer.response.text)

    assert (
        attacker.row(resource)["id"]
        in attacker.person.get(resource.path, params={"limit": "200", "archived": "include"}).response.text
    )
    if not resource.sensitive:
        assert differences(before, digest(erp, attacker.person.tenant_id)) == []


def test_statements_in_a_text_are_stored_as_they_are(someone: Person, owner: Company) -> None:
    hostile = DROP.format(owner.person.tenant_id)

    created = someone.post("/core/partners", {"name": hostile, "kind": "company", "notes": hostile})
    found = someone.items("/core/partners", params={"q": hostile[:20]})

    assert created.status == 201, created.response.text
    assert (created.body["name"], created.body["notes"]) == (hostile, hostile)
    assert [row["name"] for row in found] == [hostile]
    assert someone.get("/core/partners?total=true").body["total"] == 1


@pytest.mark.parametrize("door", [d for d in every_door() if d.operation == "create"], ids=name_of)
def test_statements_in_any_field_run_nowhere(door: Door, attacker: Company, erp: Erp, owner: Company) -> None:
    assert door.resource is not None
    before = digest(erp, owner.person.tenant_id)

    for name in door.body.__struct_fields__:
        answer = attacker.person.post(door.path, {**new_body(attacker, door.resource), name: DROP.format(uuid4())})
        assert answer.status in {201, 409, 422}, answer.response.text

    assert differences(before, digest(erp, owner.person.tenant_id)) == []


def test_the_tenant_of_a_pooled_connection_does_not_outlive_its_request(
    attacker: Company, owner: Company, sign_in: Callable[..., Person]
) -> None:
    both = (attacker.person, owner.person)
    mine = [{row["id"] for row in person.items("/core/partners", params={"limit": "200"})} for person in both]

    for _ in range(30):
        for index, person in enumerate(both):
            seen = {row["id"] for row in person.items("/core/partners", params={"limit": "200"})}
            assert seen == mine[index]
    assert mine[0] & mine[1] == set()
