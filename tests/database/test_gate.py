"""The gate is green on what the revisions make, and turns red, naming the table, for a planted fault of each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from erp_core.kernel.database.gate import RULES, check_catalogue
from erp_core.kernel.database.global_tables import GLOBAL_TABLES

SCHEMAS = ("auth", "core", "inventory")
GOOD = """CREATE TABLE core.planted (tenant_id uuid NOT NULL, id uuid NOT NULL, name text COLLATE "C",
          PRIMARY KEY (tenant_id, id)); ALTER TABLE core.planted OWNER TO erp_owner;
          ALTER TABLE core.planted ENABLE ROW LEVEL SECURITY; ALTER TABLE core.planted FORCE ROW LEVEL SECURITY;
          CREATE POLICY a ON core.planted AS PERMISSIVE
            USING (tenant_id = nullif(current_setting('app.current_tenant', true), '')::uuid)
            WITH CHECK (tenant_id = nullif(current_setting('app.current_tenant', true), '')::uuid);
          CREATE POLICY b ON core.planted AS RESTRICTIVE
            USING (tenant_id = nullif(current_setting('app.current_tenant', true), '')::uuid)
            WITH CHECK (tenant_id = nullif(current_setting('app.current_tenant', true), '')::uuid);"""
TO_JOBS = "ALTER TABLE core.planted ADD COLUMN job_id uuid, ADD FOREIGN KEY"

PLANTED = [
    ("ALTER TABLE core.planted ALTER tenant_id SET DEFAULT gen_random_uuid()", "tenant_column", "core.planted"),
    ("CREATE TABLE core.other (id uuid PRIMARY KEY)", "tenant_column", "core.other"),
    ("CREATE TABLE core.other (tenant_id bigint NOT NULL, id uuid)", "tenant_column", "core.other"),
    ("CREATE TABLE core.other (tenant_id uuid, id uuid)", "tenant_column", "core.other"),
    ("ALTER TABLE core.planted DROP CONSTRAINT planted_pkey", "tenant_first", "core.planted"),
    ("ALTER TABLE core.planted ADD UNIQUE (name, tenant_id)", "tenant_first", "core.planted"),
    ("CREATE INDEX ON core.planted (name)", "tenant_first", "core.planted"),
    ("CREATE INDEX ON core.planted (lower(name))", "tenant_first", "core.planted"),
    ("ALTER TABLE core.planted ADD EXCLUDE USING gist (name WITH =)", "tenant_first", "core.planted"),
    (
        f"CREATE UNIQUE INDEX ON core.jobs (id); {TO_JOBS} (job_id) REFERENCES core.jobs (id) ON DELETE RESTRICT",
        "foreign_key",
        "core.planted",
    ),
    (
        f"""CREATE UNIQUE INDEX ON core.jobs (id, tenant_id);
            {TO_JOBS} (job_id, tenant_id) REFERENCES core.jobs (id, tenant_id) ON DELETE RESTRICT""",
        "foreign_key",
        "core.planted",
    ),
    (f"{TO_JOBS} (tenant_id, job_id) REFERENCES core.jobs ON DELETE SET NULL", "foreign_key", "core.planted"),
    (f"{TO_JOBS} (tenant_id, job_id) REFERENCES core.jobs ON DELETE SET DEFAULT", "foreign_key", "core.planted"),
    (f"{TO_JOBS} (tenant_id, job_id) REFERENCES core.jobs", "foreign_key", "core.planted"),
    (
        f"{TO_JOBS} (tenant_id, job_id) REFERENCES core.jobs ON DELETE CASCADE ON UPDATE CASCADE",
        "foreign_key",
        "core.planted",
    ),
    ("ALTER TABLE core.planted DISABLE ROW LEVEL SECURITY", "row_security", "core.planted"),
    ("ALTER TABLE core.planted NO FORCE ROW LEVEL SECURITY", "row_security", "core.planted"),
    ("DROP POLICY a ON core.planted", "policies", "core.planted"),
    ("DROP POLICY b ON core.planted", "policies", "core.planted"),
    ("CREATE POLICY c ON core.planted USING (true)", "policies", "core.planted"),
    ("ALTER POLICY a ON core.planted USING (true)", "policies", "core.planted"),
    ("ALTER POLICY b ON core.planted WITH CHECK (true)", "policies", "core.planted"),
    ("ALTER POLICY a ON core.planted TO erp_app", "policies", "core.planted"),
    (
        "GRANT EXECUTE ON FUNCTION set_config(text, text, boolean) TO erp_app",
        "set_config",
        "pg_catalog.set_config",
    ),
    ("ALTER TABLE core.planted OWNER TO erp_app", "ownership", "core.planted"),
    ("GRANT TRUNCATE ON core.planted TO erp_app", "grants", "core.planted"),
    ("GRANT TRIGGER ON core.planted TO erp_app_vidrio", "grants", "core.planted"),
    ("GRANT REFERENCES ON core.planted TO erp_app", "grants", "core.planted"),
    ("GRANT SELECT ON core.planted TO PUBLIC", "grants", "core.planted"),
    ("GRANT CREATE ON SCHEMA core TO erp_app", "grants", "core"),
    ("GRANT CREATE ON SCHEMA public TO PUBLIC", "grants", "public"),
    ("ALTER ROLE erp_app BYPASSRLS", "roles", "erp_app"),
    ("ALTER ROLE erp_app SUPERUSER", "roles", "erp_app"),
    ("ALTER ROLE erp_app CREATEROLE", "roles", "erp_app"),
    ("GRANT erp_owner TO erp_app", "roles", "erp_app"),
    (
        """CREATE FUNCTION core.act() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
           CREATE TRIGGER acts BEFORE INSERT ON core.planted FOR EACH ROW EXECUTE FUNCTION core.act()""",
        "table_objects",
        "core.planted",
    ),
    ("CREATE RULE acts AS ON DELETE TO core.planted DO INSTEAD NOTHING", "table_objects", "core.planted"),
    ("ALTER TABLE core.planted ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY", "table_objects", "core.planted"),
    ("CREATE MATERIALIZED VIEW core.seen AS SELECT 1 AS one", "schema_objects", "core.seen"),
    ("CREATE SEQUENCE core.numbers", "schema_objects", "core.numbers"),
    ("ALTER TABLE core.planted ADD COLUMN n bigserial", "schema_objects", "core.planted_n_seq"),
    ("CREATE VIEW core.seen AS SELECT * FROM core.planted", "views", "core.seen"),
    ("CREATE VIEW core.seen WITH (security_invoker = false) AS SELECT 1 AS one", "views", "core.seen"),
    (
        "CREATE FUNCTION core.lend() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "functions",
        "core.lend",
    ),
    (
        "ALTER TABLE core.planted ADD COLUMN label text; CREATE INDEX ON core.planted (tenant_id, label)",
        "collation",
        "core.planted",
    ),
    ("CREATE EXTENSION citext", "extensions", "citext"),
]


def test_the_migrated_database_is_free_of_faults(migrated: Any) -> None:
    with psycopg.connect(migrated.url("erp_app")) as conn:
        faults = check_catalogue(conn, SCHEMAS)

    assert faults == []


def test_a_table_as_the_rules_want_it_is_free_of_faults(migrated: Any) -> None:
    with psycopg.connect(migrated.url()) as conn:
        conn.execute(GOOD.encode())

        faults = check_catalogue(conn, SCHEMAS)

        assert faults == []
        conn.rollback()


@pytest.mark.parametrize(("planted", "rule", "table"), PLANTED)
def test_a_planted_fault_turns_the_gate_red(migrated: Any, planted: str, rule: str, table: str) -> None:
    with psycopg.connect(migrated.url()) as conn:
        conn.execute(GOOD.encode())
        conn.execute(planted.encode())

        faults = check_catalogue(conn, SCHEMAS)

        assert (rule, table) in {(fault.rule, fault.table) for fault in faults}
        conn.rollback()


def test_a_copied_database_is_as_closed_as_its_original(copy_of_migrated: Callable[[], Any]) -> None:
    with psycopg.connect(copy_of_migrated().url("erp_app")) as conn:
        faults = check_catalogue(conn, SCHEMAS)

    assert faults == []


def test_every_rule_has_a_planted_fault() -> None:
    covered = {rule for _, rule, _ in PLANTED}

    assert covered == set(RULES)


def test_a_harmless_view_is_free_of_faults(migrated: Any) -> None:
    with psycopg.connect(migrated.url()) as conn:
        conn.execute("CREATE VIEW core.seen WITH (security_invoker = true) AS SELECT id FROM core.jobs")
        conn.execute("ALTER VIEW core.seen OWNER TO erp_owner")

        faults = check_catalogue(conn, SCHEMAS)

        assert faults == []
        conn.rollback()


def test_every_global_table_says_why() -> None:
    reasons = GLOBAL_TABLES.values()

    assert all(reason.endswith(".") and len(reason) > 20 for reason in reasons)
