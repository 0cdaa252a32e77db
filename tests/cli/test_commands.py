"""The commands of every day, as processes on a real database."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import psycopg
import pytest

from erp_core.cli import statuses
from erp_core.cli.demo_data import PASSWORD, TENANTS, USERS


def test_settings_are_listed_and_secrets_hidden(run_erp) -> None:
    answer = run_erp("config", "--json", JWT_SECRET="nobody-sees-this", PORT="4000")

    rows = {row["name"]: row for row in json.loads(answer.stdout)}
    assert rows["PORT"]["value"] == "4000"
    assert rows["JWT_SECRET"]["value"] == "(set)"
    assert "nobody-sees-this" not in answer.stdout


def test_packages_are_listed_with_their_state(erp) -> None:
    answer = erp("plugins", "list", "--json")

    rows = {row["slug"]: row for row in json.loads(answer.stdout)}
    assert answer.returncode == statuses.OK
    assert rows["core"]["state"] == "up to date"
    assert rows["core"]["revision"] == rows["core"]["head"]


def test_a_second_migration_finds_nothing_to_do(erp) -> None:
    answer = erp("plugins", "migrate")

    assert answer.returncode == statuses.OK
    assert "up to date" in answer.stderr


def test_routes_are_listed_with_their_permissions(erp) -> None:
    answer = erp("routes", "--slug", "core", "--json")

    assert answer.returncode == statuses.OK, answer.stderr
    rows = {(row["method"], row["path"]): row for row in json.loads(answer.stdout)}
    assert rows["GET", "/api/v1/core/partners"]["permission"] == "core.partners.read"


def test_a_tenant_is_opened_suspended_and_resumed(erp) -> None:
    opened = erp("tenants", "create", "vidrios-norte", "Vidrios del Norte")
    suspended = erp("tenants", "suspend", "vidrios-norte")
    during = json.loads(erp("tenants", "list", "--json").stdout)
    erp("tenants", "resume", "vidrios-norte")
    after = json.loads(erp("tenants", "list", "--json").stdout)

    assert opened.returncode == suspended.returncode == statuses.OK
    assert {row["slug"]: row["state"] for row in during}["vidrios-norte"] == "suspended"
    assert {row["slug"]: row["state"] for row in after}["vidrios-norte"] == "active"


def test_a_taken_slug_is_refused_in_a_sentence(erp) -> None:
    erp("tenants", "create", "dos-veces", "Dos Veces")

    again = erp("tenants", "create", "dos-veces", "Dos Veces")

    assert again.returncode == statuses.REFUSED
    assert "There is a tenant dos-veces already" in again.stderr
    assert "Traceback" not in again.stderr


def test_a_user_gets_a_password_that_is_printed_once(erp) -> None:
    erp("tenants", "create", "con-gente", "Con Gente")

    answer = erp("users", "create", "Ana@Example.com", "--name", "Ana", "--tenant", "con-gente", "--role", "admin")

    assert answer.returncode == statuses.OK, answer.stderr
    assert re.match(r"ana@example\.com  \S{10,}\n\Z", answer.stdout)


def test_a_password_from_the_standard_input_is_not_repeated(erp) -> None:
    answer = erp(
        "users", "create", "beto@example.com", "--name", "Beto", "--password-stdin", stdin="otra-clave-larga-77\n"
    )

    assert answer.returncode == statuses.OK, answer.stderr
    assert "otra-clave-larga-77" not in answer.stdout + answer.stderr


def test_a_weak_password_and_an_unknown_role_are_refused(erp) -> None:
    erp("tenants", "create", "estricta", "Estricta")

    weak = erp("users", "create", "carla@example.com", "--name", "Carla", "--password-stdin", stdin="corta\n")
    unknown = erp("users", "create", "dora@example.com", "--name", "Dora", "--tenant", "estricta", "--role", "reina")
    after = erp("users", "password", "dora@example.com")

    assert weak.returncode == unknown.returncode == statuses.REFUSED
    assert "reina" in unknown.stderr
    # The refusal took the account back with it.
    assert "There is no user dora@example.com" in after.stderr


@pytest.mark.parametrize("role", ["app", "migrator", "core"])
def test_the_address_of_a_role_opens_the_database(erp, role: str) -> None:
    answer = erp("db", "url", "--role", role)

    with psycopg.connect(answer.stdout.strip()) as connection:
        assert connection.info.user == {"app": "erp_app", "migrator": "erp_migrator", "core": "erp_app"}[role]


def test_a_database_is_prepared_twice_and_keeps_its_passwords(erp, servers, make_package) -> None:
    folder = make_package("nuevo", port=39100, redis_db=9)
    settings = {
        "ERP_ADMIN_URL": servers.superuser_url(),
        "DB_NAME": "prepared",
        "PYTHONPATH": str(folder),
        "ERP_PLUGINS": "nuevo",
    }
    with psycopg.connect(servers.superuser_url(), autocommit=True) as admin:
        kept = "SELECT rolpassword FROM pg_authid WHERE rolname = 'erp_app'"
        before = admin.execute(kept).fetchone()

        first, second = erp("db", "init", "--json", **settings), erp("db", "init", "--json", **settings)

        after = admin.execute(kept).fetchone()
    assert first.returncode == second.returncode == statuses.OK, first.stderr + second.stderr
    assert after == before
    assert json.loads(second.stdout)["addresses"] == {}
    made = json.loads(first.stdout)["addresses"]
    assert list(made) == ["erp_app_nuevo"]
    with psycopg.connect(made["erp_app_nuevo"]) as connection:
        assert (connection.info.user, connection.info.dbname) == ("erp_app_nuevo", "prepared")


def test_a_database_that_is_away_is_a_status_of_its_own(run_erp, tmp_path) -> None:
    away = {
        "DATABASE_URL": "postgresql://erp_app:hidden-word@127.0.0.1:9/erp",
        "REDIS_URL": "redis://127.0.0.1:9",
        "ERP_PLUGINS": "core",
    }

    answer = run_erp("tenants", "list", ERP_DATA_DIR=str(tmp_path), **away)

    assert answer.returncode == statuses.AWAY
    assert "The database is away" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "hidden-word" not in answer.stderr


def test_an_empty_database_says_what_to_run(run_erp, servers, erp) -> None:
    erp("config")

    answer = run_erp("tenants", "list", ERP_DATA_DIR=str(servers.data_dir), ERP_PLUGINS="core", DB_NAME="still_empty")

    assert answer.returncode == statuses.REFUSED
    assert "`erp plugins migrate`" in answer.stderr


def test_the_demo_is_loaded_twice_and_reset(erp) -> None:
    first, second = erp("demo", "load", "--json"), erp("demo", "load")
    asked = erp("demo", "reset", stdin="n\n")
    reset = erp("demo", "reset", "--yes", "--json")

    assert first.returncode == second.returncode == reset.returncode == statuses.OK, (
        first.stderr + second.stderr + reset.stderr
    )
    assert asked.returncode == statuses.INTERRUPTED
    assert {row["email"] for row in json.loads(reset.stdout)} == {user.email for user in USERS}
    slugs = {row["slug"] for row in json.loads(erp("tenants", "list", "--json").stdout)}
    assert {tenant.slug for tenant in TENANTS} <= slugs
    assert PASSWORD in first.stdout


def test_a_reset_of_the_demo_leaves_other_tenants_alone(erp) -> None:
    erp("demo", "load")
    erp("tenants", "create", "ajena", "Ajena")
    address = erp("db", "url", "--role", "admin").stdout.strip()
    count = "SELECT t.slug, count(*) FROM auth.roles r JOIN auth.tenants t ON t.id = r.tenant_id GROUP BY 1"
    with psycopg.connect(address) as admin:
        before = dict(admin.execute(count).fetchall())

    answer = erp("demo", "reset", "--yes")

    with psycopg.connect(address) as admin:
        after = dict(admin.execute(count).fetchall())
    assert answer.returncode == statuses.OK, answer.stderr
    assert after == before
    assert re.search(r"constructora-del-valle: [1-9]\d* rows deleted", answer.stderr)


def test_the_demo_is_not_loaded_in_production(erp) -> None:
    answer = erp("demo", "load", ERP_ENV="production")

    assert answer.returncode == statuses.REFUSED
    assert "public" in answer.stderr


def test_an_unknown_component_is_wrong_usage(erp) -> None:
    answer = erp("serve", "nada")

    assert answer.returncode == statuses.USAGE
    assert "'nada' is not an enabled package" in answer.stderr


def test_the_session_database_is_the_embedded_one(erp, servers) -> None:
    answer = erp("db", "url")

    assert urlsplit(answer.stdout.strip()).port == servers.postgres_port
