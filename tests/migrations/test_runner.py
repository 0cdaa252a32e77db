"""The runner: every package on a line of its own, applied once, one transaction a revision."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import errors

from erp_core.kernel.database.gate import check_catalogue
from erp_core.kernel.errors import OperatorError
from erp_core.kernel.migrations.runner import downgrade, migrate
from erp_core.kernel.migrations.status import behind, expected_heads, status

MIGRATOR = "erp_migrator"


def fetch(database: Any, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.url()) as conn:
        return conn.execute(query.encode(), values).fetchall()


def states(plugins: Any, database: Any) -> dict[str, str]:
    return {line.slug: line.state for line in status(plugins, database.url(MIGRATOR))}


def test_migrating_again_finds_nothing_to_do(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    plugins = find(package)
    first = migrate(plugins, empty.url(MIGRATOR))

    second = migrate(plugins, empty.url(MIGRATOR))

    assert first[0].revision == "core_0001"
    assert [applied.revision for applied in first if applied.slug == package.slug] == package.revisions
    assert second == []
    assert set(states(plugins, empty).values()) == {"up to date"}


def test_two_runners_at_once_do_it_once(empty: Any, find: Any, make_package: Any) -> None:
    plugins = find(make_package())
    heard: list[str] = []
    start = threading.Barrier(2, timeout=10)

    def run(_: int) -> int:
        start.wait()
        return len(migrate(plugins, empty.url(MIGRATOR), say=heard.append))

    with ThreadPoolExecutor(2) as threads:
        counts = sorted(threads.map(run, range(2)))

    assert counts[0] == 0
    assert counts[1] >= 2
    assert heard == ["Another runner is migrating; waiting for it to finish."]


def test_waiting_for_another_runner_has_an_end(empty: Any, find: Any) -> None:
    with psycopg.connect(empty.url(MIGRATOR), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(7237488002)")

        with pytest.raises(OperatorError, match="Another runner"):
            migrate(find(), empty.url(MIGRATOR), wait=0.3)


def test_progress_is_told_before_each_revision_and_at_the_end(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    heard: list[tuple[str, int, int]] = []

    applied = migrate(find(package), empty.url(MIGRATOR), progress=lambda *step: heard.append(step))

    total = len(applied)
    assert [done for _, done, _ in heard] == list(range(total + 1))
    assert heard[-1] == ("done", total, total)
    assert heard[-2][0] == f"{package.slug}: The revision {package.revisions[0]}."


def test_a_failing_revision_leaves_the_earlier_ones_applied(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    schema = package.schemas[0]
    package.revision(f'op.execute("CREATE TABLE {schema}.half (id int)")\nop.execute("SELECT 1/0")')
    plugins = find(package)

    with pytest.raises(OperatorError, match="division by zero") as caught:
        migrate(plugins, empty.url(MIGRATOR))

    assert package.revisions[1] in caught.value.sentence
    assert caught.value.remedy
    tables = fetch(empty, "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", schema)
    assert tables == [("alembic_version",), ("quotes",)]
    assert fetch(empty, f"SELECT version_num FROM {schema}.alembic_version") == [(package.revisions[0],)]
    assert states(plugins, empty) == {"core": "up to date", package.slug: "behind"}


def test_a_corrected_revision_goes_through(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    bad = package.revision('op.execute("SELECT 1/0")')
    with pytest.raises(OperatorError):
        migrate(find(package), empty.url(MIGRATOR))
    path = package.versions / f"{bad}.py"
    path.write_text(path.read_text(encoding="utf-8").replace("1/0", "1"), encoding="utf-8")

    applied = migrate(find(package), empty.url(MIGRATOR))

    assert [one.revision for one in applied] == [bad]


def test_every_applied_revision_is_archived_with_its_hash(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    migrate(find(package, release="0.3.1"), empty.url(MIGRATOR))

    query = "SELECT revision, source, sha256, package_version FROM core.applied_revisions WHERE slug = %s"
    ((revision, source, sha256, release),) = fetch(empty, query, package.slug)

    written = (package.versions / f"{revision}.py").read_text(encoding="utf-8")
    assert (source, release) == (written, "0.3.1")
    assert sha256 == hashlib.sha256(written.encode()).hexdigest()


def test_one_package_can_be_migrated_alone(empty: Any, find: Any, make_package: Any) -> None:
    one, other = make_package(), make_package()
    migrate(find(), empty.url(MIGRATOR))

    applied = migrate(find(one, other), empty.url(MIGRATOR), only=one.slug)

    assert {step.slug for step in applied} == {one.slug}
    assert states(find(one, other), empty)[other.slug] == "not migrated"


def test_no_package_goes_before_the_core(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()

    with pytest.raises(OperatorError, match="core is not up to date"):
        migrate(find(package), empty.url(MIGRATOR), only=package.slug)


def test_an_unknown_package_is_refused(empty: Any, find: Any) -> None:
    with pytest.raises(OperatorError, match="no enabled package nada"):
        migrate(find(), empty.url(MIGRATOR), only="nada")


def test_the_tables_belong_to_the_owner_and_pass_the_gate(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package(schemas=2)
    migrate(find(package), empty.url(MIGRATOR))

    with psycopg.connect(empty.url("erp_app")) as conn:
        faults = check_catalogue(conn, ["auth", "core", "inventory", *package.schemas])

    assert faults == []


def test_a_package_installed_later_gets_a_role_that_can_work(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    migrate(find(package), empty.url(MIGRATOR), passwords=lambda role: f"pw of {role}")
    role, schema = f"erp_app_{package.slug}", package.schemas[0]

    with psycopg.connect(empty.url(), user=role, password=f"pw of {role}") as conn:
        conn.execute("SET LOCAL app.current_tenant = '018f0000-0000-7000-8000-000000000001'")
        insert = f"INSERT INTO {schema}.quotes (tenant_id, id) VALUES ('018f0000-0000-7000-8000-000000000001', %s)"
        conn.execute(insert.encode(), ["018f0000-0000-7000-8000-000000000002"])
        seen = conn.execute(f"SELECT count(*) FROM {schema}.quotes".encode()).fetchone()
        with pytest.raises(errors.InsufficientPrivilege):
            conn.execute("SELECT FROM auth.refresh_tokens")

    assert seen == (1,)


def test_a_revision_waits_for_a_table_that_is_in_use(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    migrate(find(package), empty.url(MIGRATOR))
    schema, heard = package.schemas[0], []
    package.revision(f'op.add_column("quotes", sa.Column("more", ops.text_c()), schema="{schema}")')

    with psycopg.connect(empty.url()) as reader, ThreadPoolExecutor(1) as threads:
        reader.execute(f"SELECT FROM {schema}.quotes".encode())
        running = threads.submit(migrate, find(package), empty.url(MIGRATOR), say=heard.append)
        deadline = time.monotonic() + 20
        while not heard and time.monotonic() < deadline:
            time.sleep(0.05)
        reader.rollback()
        applied = running.result(timeout=30)

    assert [step.revision for step in applied] == [package.revisions[1]]
    assert "waits for a table" in heard[0]


def test_waiting_for_a_table_has_an_end(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    migrate(find(package), empty.url(MIGRATOR))
    schema = package.schemas[0]
    package.revision(f'op.add_column("quotes", sa.Column("more", ops.text_c()), schema="{schema}")')

    with psycopg.connect(empty.url()) as reader:
        reader.execute(f"SELECT FROM {schema}.quotes".encode())

        with pytest.raises(OperatorError, match="did not get its locks in 1 attempts"):
            migrate(find(package), empty.url(MIGRATOR), lock_attempts=1)


def test_an_index_is_built_without_a_transaction(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    schema = package.schemas[0]
    build = f'ops.create_index_concurrently("ix_quotes_tenant_id_name", "{schema}.quotes", "tenant_id, name")'
    package.revision(build, transactional=False)

    applied = migrate(find(package), empty.url(MIGRATOR))

    assert applied[-1].revision == package.revisions[1]
    query = "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass"
    assert fetch(empty, query, f"{schema}.ix_quotes_tenant_id_name") == [(True,)]
    assert set(states(find(package), empty).values()) == {"up to date"}


def test_an_index_left_half_built_by_a_crash_is_built_again(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    migrate(find(package), empty.url(MIGRATOR))
    schema, heard = package.schemas[0], []
    index = f"{schema}.ix_quotes_tenant_id_name"
    with psycopg.connect(empty.url(), autocommit=True) as admin:
        two = "SELECT gen_random_uuid(), gen_random_uuid(), 'same' FROM generate_series(1, 2)"
        rows = f"INSERT INTO {schema}.quotes {two}"
        admin.execute(rows.encode())
        # A unique index over equal values fails half-way and stays behind, as a crash would leave it.
        build = f"CREATE UNIQUE INDEX CONCURRENTLY ix_quotes_tenant_id_name ON {schema}.quotes (name)"
        with pytest.raises(errors.UniqueViolation):
            admin.execute(build.encode())
    columns = f'ops.create_index_concurrently("ix_quotes_tenant_id_name", "{schema}.quotes", "tenant_id, name")'
    package.revision(columns, transactional=False)

    migrate(find(package), empty.url(MIGRATOR), say=heard.append)

    assert fetch(empty, "SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", index) == [(True,)]
    assert heard == [f"The index {index} was left half built by an earlier attempt; it is built again."]


def test_the_core_goes_up_down_and_up_again(empty: Any, find: Any) -> None:
    plugins = find()
    up = migrate(plugins, empty.url(MIGRATOR))

    down = downgrade(plugins, empty.url(MIGRATOR), "core", "base")
    left = fetch(empty, "SELECT tablename FROM pg_tables WHERE schemaname IN ('auth', 'core', 'inventory')")
    again = migrate(plugins, empty.url(MIGRATOR))

    assert [step.revision for step in down] == [step.revision for step in reversed(up)]
    assert left == [("alembic_version",)]
    assert [step.revision for step in again] == [step.revision for step in up]


def test_one_packages_downgrade_touches_no_other(empty: Any, find: Any, make_package: Any) -> None:
    one, other = make_package(), make_package()
    plugins = find(one, other)
    migrate(plugins, empty.url(MIGRATOR))

    downgrade(plugins, empty.url(MIGRATOR), one.slug, None)

    assert states(plugins, empty) == {"core": "up to date", one.slug: "not migrated", other.slug: "up to date"}


def test_a_downgrade_stops_at_the_revision_that_was_named(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    package.revision("pass")
    package.revision("pass")
    plugins = find(package)
    migrate(plugins, empty.url(MIGRATOR))

    undone = downgrade(plugins, empty.url(MIGRATOR), package.slug, package.revisions[0])

    assert [step.revision for step in undone] == [package.revisions[2], package.revisions[1]]


def test_a_downgrade_to_an_unknown_revision_names_the_known_ones(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    plugins = find(package)
    migrate(plugins, empty.url(MIGRATOR))

    with pytest.raises(OperatorError) as caught:
        downgrade(plugins, empty.url(MIGRATOR), package.slug, "nothing_0009")

    assert package.revisions[0] in caught.value.remedy


def test_an_older_package_on_a_newer_database_is_told_so(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    newest = package.revision("pass")
    migrate(find(package), empty.url(MIGRATOR))
    (package.versions / f"{newest}.py").unlink()

    with pytest.raises(OperatorError, match="does not know"):
        migrate(find(package), empty.url(MIGRATOR))

    assert states(find(package), empty)[package.slug] == "ahead"


def test_a_newer_database_is_taken_back_from_the_archive(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    newest = package.revision("pass")
    migrate(find(package), empty.url(MIGRATOR))
    (package.versions / f"{newest}.py").unlink()

    downgrade(find(package), empty.url(MIGRATOR), package.slug, package.revisions[0])

    assert states(find(package), empty)[package.slug] == "up to date"


def test_a_process_knows_what_is_behind(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    migrate(find(package), empty.url(MIGRATOR))
    newest = package.revision("pass")
    plugins = find(package)

    with psycopg.connect(empty.url("erp_app")) as conn:
        before = behind(plugins, conn)
        migrate(plugins, empty.url(MIGRATOR))
        after = behind(plugins, conn, expected_heads(plugins))

    assert before == [f"{package.slug} is at {package.revisions[0]} and needs {newest}; run `erp plugins migrate`."]
    assert after == []


def test_before_the_first_migration_everything_is_behind(empty: Any, find: Any) -> None:
    with psycopg.connect(empty.url("erp_app")) as conn:
        (sentence,) = behind(find(), conn)

    assert sentence.startswith("core is at nothing")


@pytest.mark.parametrize(
    ("head", "complaint"),
    [
        ("branch_labels = ('other',)", "branch_labels"),
        ("depends_on = 'core_0001'", "depends_on"),
        ("(", "cannot be read"),
    ],
)
def test_a_line_of_revisions_that_breaks_the_rules_is_refused(
    empty: Any, find: Any, make_package: Callable[..., Any], head: str, complaint: str
) -> None:
    package = make_package(quotes=False)
    package.revision("pass", head=head)

    with pytest.raises(OperatorError, match=complaint):
        migrate(find(package), empty.url(MIGRATOR))


def test_two_heads_are_refused(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    package.revision("pass")
    text = (package.versions / f"{package.revisions[1]}.py").read_text(encoding="utf-8")
    (package.versions / "other.py").write_text(text.replace(package.revisions[1], "other"), encoding="utf-8")

    with pytest.raises(OperatorError, match="several heads"):
        migrate(find(package), empty.url(MIGRATOR))


def test_a_role_that_is_not_the_migrator_is_refused(empty: Any, find: Any) -> None:
    with pytest.raises(OperatorError, match="may not act as erp_owner"):
        migrate(find(), empty.url("erp_app"))


def test_a_data_revision_reaches_the_rows_of_every_tenant(empty: Any, find: Any, make_package: Any) -> None:
    package = make_package()
    migrate(find(package), empty.url(MIGRATOR))
    schema = package.schemas[0]
    with psycopg.connect(empty.url()) as conn:
        for name in ("one", "two"):
            tenant = "INSERT INTO auth.tenants (id, slug, name) VALUES (gen_random_uuid(), %s, %s) RETURNING id"
            row = conn.execute(tenant, [name, name]).fetchone()
            conn.execute(f"INSERT INTO {schema}.quotes VALUES (%s, gen_random_uuid(), 'old')".encode(), row)
    change = f"touched = ops.in_every_tenant(\"UPDATE {schema}.quotes SET name = 'new'\")\nassert touched == 2"
    package.revision(change)

    migrate(find(package), empty.url(MIGRATOR))

    assert fetch(empty, f"SELECT DISTINCT name FROM {schema}.quotes") == [("new",)]
