"""What the wheels hold."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

pytestmark = pytest.mark.release

PACKAGES = {
    "erp_core",
    "erp_clinicas",
    "erp_construccion",
    "erp_mecanicas",
    "erp_pos",
    "erp_retail",
    "erp_vidrio",
}
# What is code or its data; anything else in a wheel came there by mistake.
KINDS = {".py", ".typed", ".json", ".sql", ".html", ".csv"}


def test_there_are_seven(wheels: dict[str, list[str]]) -> None:
    assert set(wheels) == PACKAGES


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_wheel_holds_its_revisions_texts_and_types(wheels: dict[str, list[str]], package: str) -> None:
    names = set(wheels[package])

    assert {f"{package}/py.typed", f"{package}/locale/es_MX.json", f"{package}/locale/en.json"} <= names
    assert any(name.startswith(f"{package}/migrations/versions/") for name in names)


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_a_wheel_holds_nothing_stray(wheels: dict[str, list[str]], package: str) -> None:
    own = [PurePosixPath(name) for name in wheels[package] if ".dist-info/" not in name]

    assert [str(path) for path in own if path.parts[0] != package] == []
    assert [str(path) for path in own if path.suffix not in KINDS] == []
    assert [str(path) for path in own if {"tests", "__pycache__"} & set(path.parts)] == []
