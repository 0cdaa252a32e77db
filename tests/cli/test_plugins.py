"""Packages: what is wrong with them is all told at once, and they come and go with their tables."""

from __future__ import annotations

import json

import pytest

from erp_core.cli import statuses


@pytest.fixture
def broken_packages(make_package):
    make_package("uno", port=39110, redis_db=9, broken=True)
    make_package("dos", port=39120, redis_db=10, core=">=9")
    make_package("tres", port=39130, redis_db=11, requires=("cuatro",))
    return make_package("bueno", port=39140, redis_db=12)


def test_every_problem_is_in_one_table(run_erp, broken_packages, tmp_path) -> None:
    answer = run_erp("plugins", "check", "--json", PYTHONPATH=str(broken_packages), ERP_DATA_DIR=str(tmp_path / "data"))

    rows = {row["plugin"]: row for row in json.loads(answer.stdout)}
    assert answer.returncode == statuses.FAULTS
    assert {"uno", "dos", "tres"} <= set(rows)
    assert "bueno" not in rows
    assert "nothing_of_that_name" in rows["uno"]["why"]
    assert rows["dos"]["needs"] == "erp-core >=9"
    # Nothing was started for it.
    assert not (tmp_path / "data").exists()


def test_nothing_starts_with_a_broken_package(run_erp, broken_packages, tmp_path) -> None:
    answer = run_erp("up", PYTHONPATH=str(broken_packages), ERP_DATA_DIR=str(tmp_path / "data"))

    assert answer.returncode == statuses.PLUGINS
    assert all(slug in answer.stderr for slug in ("uno", "dos", "tres"))
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "data").exists()


def test_sound_packages_pass_the_check(run_erp, make_package, tmp_path) -> None:
    folder = make_package("sano", port=39150, redis_db=9)

    answer = run_erp(
        "plugins", "check", PYTHONPATH=str(folder), ERP_PLUGINS="sano", ERP_DATA_DIR=str(tmp_path / "data")
    )

    assert answer.returncode == statuses.OK
    assert "Every package can be loaded." in answer.stdout


def test_a_package_says_what_it_is(run_erp, make_package) -> None:
    folder = make_package("claro", port=39160, redis_db=9)

    answer = run_erp("plugins", "info", "claro", "--json", PYTHONPATH=str(folder))

    facts = json.loads(answer.stdout)
    assert (facts["distribution"], facts["api_port"], facts["schemas"]) == ("erp-claro", 39160, ["claro"])


def test_a_package_is_migrated_previewed_and_removed(erp, make_package) -> None:
    settings = {"PYTHONPATH": str(make_package("pasajero", port=39170, redis_db=9)), "ERP_PLUGINS": "pasajero"}

    def state() -> str:
        rows = json.loads(erp("plugins", "list", "--json", **settings).stdout)
        return next(row["state"] for row in rows if row["slug"] == "pasajero")

    at_first = state()
    migrated = erp("plugins", "migrate", "pasajero", **settings)
    then = state()
    asked = erp("plugins", "remove", "pasajero", stdin="n\n", **settings)
    still = state()
    removed = erp("plugins", "remove", "pasajero", "--yes", **settings)
    at_last = state()

    assert migrated.returncode == removed.returncode == statuses.OK, migrated.stderr + removed.stderr
    assert asked.returncode == statuses.INTERRUPTED
    assert "pasajero.things" in asked.stdout
    assert (at_first, then, still, at_last) == ("not migrated", "up to date", "up to date", "not migrated")


def test_a_package_that_is_gone_leaves_its_tables_and_they_can_be_removed(erp, make_package) -> None:
    settings = {"PYTHONPATH": str(make_package("ausente", port=39180, redis_db=9)), "ERP_PLUGINS": "ausente"}
    erp("plugins", "migrate", **settings)

    left = {row["slug"]: row["state"] for row in json.loads(erp("plugins", "list", "--json").stdout)}
    removed = erp("plugins", "remove", "ausente", "--yes")
    after = {row["slug"] for row in json.loads(erp("plugins", "list", "--json").stdout)}

    assert left["ausente"] == "removed"
    assert removed.returncode == statuses.OK, removed.stderr
    assert "ausente" not in after


def test_a_disabled_package_is_listed_as_such(erp, make_package) -> None:
    folder = make_package("quieto", port=39190, redis_db=9)

    rows = json.loads(erp("plugins", "list", "--json", PYTHONPATH=str(folder), ERP_PLUGINS="core").stdout)

    assert {row["slug"]: row["state"] for row in rows}["quieto"] == "disabled"
