"""The tables of identity: revision, models and what each role may read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import errors

from erp_core.auth.models import Tenant
from erp_core.kernel.database.engine import make_engine
from erp_core.kernel.database.model import Base
from erp_core.kernel.migrations.runner import downgrade, migrate
from erp_core.kernel.plugins.manager import Plugins

from .conftest import Database, World

SECRETS = [
    "users.password_hash",
    "signing_keys.private_pem",
    "refresh_tokens.sha256",
    "login_throttles.key",
    "sessions.address",
]


def tables(database: Database) -> set[str]:
    with psycopg.connect(database.url()) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'auth'").fetchall()
    return {row[0] for row in found}


def test_the_revision_goes_down_and_up_again(make_database: Callable[[], Database], plugins: Plugins) -> None:
    database = make_database()
    before = tables(database)

    downgrade(plugins, database.url("erp_migrator"), "core", "core_0001")
    between = tables(database)
    migrate(plugins, database.url("erp_migrator"))

    assert between == set()
    assert tables(database) == before
    assert len(before) == 10


def test_models_and_revision_say_the_same(database: Database) -> None:
    assert Tenant.metadata is Base.metadata

    def only_auth(_object: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
        return kind != "table" or getattr(_object, "schema", None) == "auth"

    def schemas(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "schema" or name == "auth"

    engine = make_engine(database.url(), size=1, statement_timeout_ms=15000, application_name="tests")
    options = {
        "include_schemas": True,
        "include_object": only_auth,
        "include_name": schemas,
        "compare_type": True,
        "compare_server_default": True,
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()

    assert differences == []


def test_constraints_and_indexes_are_named_as_the_models_name_them(database: Database) -> None:
    wanted = set()
    for table in Base.metadata.tables.values():
        if table.schema == "auth":
            wanted |= {str(constraint.name) for constraint in table.constraints}
            wanted |= {str(index.name) for index in table.indexes}
    query = """
        SELECT conname FROM pg_constraint WHERE connamespace = 'auth'::regnamespace AND contype <> 'n'
        UNION SELECT indexname FROM pg_indexes WHERE schemaname = 'auth'
    """
    with psycopg.connect(database.url()) as connection:
        found = {row[0] for row in connection.execute(query).fetchall()}

    assert found == wanted


@pytest.mark.parametrize("column", SECRETS)
def test_a_verticals_role_reads_no_secret(database: Database, column: str) -> None:
    table, _, name = column.partition(".")

    with psycopg.connect(database.url("erp_app_vidrio")) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(f"SELECT {name} FROM auth.{table}")


def test_the_applications_role_cannot_truncate_or_change_the_tables(world: World, database: Database) -> None:
    world.tenant()

    for statement in (
        "TRUNCATE auth.users CASCADE",
        "ALTER TABLE auth.roles DISABLE ROW LEVEL SECURITY",
        "DROP TABLE auth.users",
    ):
        with psycopg.connect(database.url("erp_app")) as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)
