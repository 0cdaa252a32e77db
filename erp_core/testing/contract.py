"""The conformance suite: what every package promises, shown on real servers.

A plugin author writes one file::

    from erp_core.testing.contract import PluginContract

    class TestContract(PluginContract):
        slug = "vidrio"

The suite runs with every other installed package loaded, because that is how a company runs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import psycopg
import pytest

from erp_core.testing import contract_checks as checks

if TYPE_CHECKING:
    from erp_core.kernel.plugins.manager import Plugin, Plugins
    from erp_core.testing.environment import Erp, Servers


class PluginContract:
    """Inherit it, name the slug, and pytest runs the promises; ``root`` is the folder with GLOSSARY.md."""

    slug: ClassVar[str]
    root: ClassVar[Path | None] = None

    @pytest.fixture
    def plugin(self, erp: Erp) -> Plugin:
        """The package under test, loaded beside all others."""
        found = erp.application.plugins.get(self.slug)
        assert found is not None, f"{self.slug} is not among the enabled packages."
        return found

    def test_the_manifest_has_no_faults(self, plugin: Plugin) -> None:
        assert plugin.manifest.faults() == []

    def test_it_is_served_under_its_own_names(self, erp: Erp) -> None:
        assert checks.foreign_names(erp.application, self.slug) == []

    def test_it_loads_without_the_other_packages(self) -> None:
        assert checks.problems_alone(self.slug) == []

    def test_its_tables_keep_the_rules_for_data(self, erp: Erp, plugin: Plugin) -> None:
        with psycopg.connect(str(erp.application.addresses.admin)) as connection:
            faults = checks.gate(connection, plugin)

        assert faults == []

    def test_its_models_are_its_migrations(self, erp: Erp, plugin: Plugin) -> None:
        with psycopg.connect(str(erp.application.addresses.admin)) as connection:
            differences = checks.differences(connection, plugin)

        assert differences == []

    def test_it_can_be_removed_and_installed_again(
        self, erp_servers: Servers, erp_plugins: Plugins, migrated_copy: str, plugin: Plugin
    ) -> None:
        before, gone, again = checks.remove_and_install(erp_servers, erp_plugins, migrated_copy, plugin)

        assert gone == []
        assert again == before != []

    def test_every_list_is_served_by_an_index(self, erp: Erp) -> None:
        with psycopg.connect(erp.application.addresses.app) as connection:
            unserved = checks.unserved_lists(erp.application, self.slug, connection)

        assert unserved == []

    def test_every_text_is_there_in_both_languages(self, erp: Erp, plugin: Plugin) -> None:
        assert checks.missing_texts(erp.application, plugin) == []

    def test_it_imports_only_the_public_surface(self, plugin: Plugin) -> None:
        assert checks.forbidden_imports(plugin) == []

    def test_its_package_holds_its_migrations_and_texts(self, plugin: Plugin) -> None:
        assert checks.missing_files(plugin) == []

    def test_its_glossary_names_every_object(self, erp: Erp, plugin: Plugin) -> None:
        root = self.root or checks.project_folder(plugin)

        assert checks.missing_terms(erp.application, plugin, root) == []

    def test_its_demo_can_be_loaded_twice(self, erp: Erp) -> None:
        first = checks.load_demo(erp, self.slug)
        second = checks.load_demo(erp, self.slug)

        assert second == first

    def test_another_tenant_finds_nothing_of_it(self, erp: Erp, stranger: Any) -> None:
        owners = checks.demo_owners(erp, self.slug)

        for owner in owners:
            assert checks.leaks(erp, self.slug, owner, stranger) == []

    def test_nobody_comes_in_without_a_token_or_a_permission(self, erp: Erp, person: Any) -> None:
        powerless = erp.sign_in(person.tenant_slug, permissions=[])

        assert checks.open_doors(erp, self.slug, powerless) == []
