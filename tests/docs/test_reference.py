"""The reference is complete: what is written from the code is what the code says.

`UPDATE_REFERENCE=1 pytest tests/docs/test_reference.py` writes it anew.
"""

from __future__ import annotations

import os
import re
import tomllib

import pytest

from erp_core import plugin as core_plugin
from erp_core.kernel.plugins.manager import find_plugins
from erp_core.kernel.settings import TEST_NAMES

from .documents import REFERENCE, ROOT, prose
from .reference import PARTS, core_application


@pytest.mark.parametrize("name", PARTS)
def test_what_is_written_from_the_code_is_up_to_date(name: str) -> None:
    file, write = PARTS[name]
    path = REFERENCE / file
    begin, end = f"<!-- begin {name} -->\n\n", f"\n\n<!-- end {name} -->"
    before, _, rest = path.read_text("utf-8").partition(begin)
    stands, _, after = rest.partition(end)
    wanted = write()
    if os.environ.get("UPDATE_REFERENCE"):
        path.write_text(before + begin + wanted + end + after, "utf-8")
        stands = wanted

    assert stands == wanted, f"Run UPDATE_REFERENCE=1 pytest {__file__}"


def test_the_table_of_components_in_the_readme_is_that_of_the_manifests() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE))
    installed = find_plugins(core_plugin).installed.values()

    wrong = []
    for plugin in installed:
        manifest = plugin.manifest
        wanted = [str(manifest.api_port), str(manifest.web_port), *(f"`{schema}`" for schema in manifest.schemas)]
        cells = rows.get(manifest.slug, "")
        wrong += [f"{manifest.slug}: {cell}" for cell in wanted if cell not in cells]

    assert len(rows) == 7
    assert wrong == []


def test_the_changelog_has_the_version_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_names_that_only_tests_read_are_documented() -> None:
    text = (REFERENCE / "settings.md").read_text("utf-8")

    assert [name for name in sorted(TEST_NAMES) if f"`{name}`" not in text] == []


def test_every_resource_of_the_core_is_in_the_glossary() -> None:
    text = (REFERENCE / "GLOSSARY.md").read_text("utf-8")
    names = [resource.plural_name for resource in core_application().resources.values()]

    assert [name for name in names if f"`{name}`" not in text] == []


def test_every_page_of_the_documents_is_reached_from_their_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link).resolve() for link in re.findall(r"\]\(([^)#]+)", prose(index))}
    pages = {path.resolve() for path in (ROOT / "docs").rglob("*.md")} - {index.resolve()}

    assert sorted(str(path.relative_to(ROOT)) for path in pages - linked) == []
