"""Packages are found, checked all at once, ordered, and called by name."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from erp_core.kernel.plugins.manager import ENTRY_POINTS, PluginProblems, find_plugins, gather
from erp_core.kernel.plugins.manifest import Label, Manifest
from erp_core.kernel.plugins.specs import hookimpl

CORE = Manifest("core", "erp_core", Label("Núcleo", "Core"), "0.1.0", "==0.1.0", 3011, 3010, ("core",), 0)


def module(manifest: object, name: str = "core_for_tests") -> types.ModuleType:
    made = types.ModuleType(name)
    made.manifest = manifest  # type: ignore[attr-defined]
    return made


@pytest.fixture
def install() -> Iterator[object]:
    """Make importable modules and their entry points."""
    made: list[str] = []

    def add(slug: str, /, manifest: object = None, **facts: object) -> EntryPoint:
        number = len(made) + 1
        ports = {"api_port": 4000 + number, "web_port": 5000 + number, "redis_db": number}
        given = Manifest(slug, f"pkg_{slug}", Label(slug, slug), "1.0", ">=0.1,<0.2", schemas=(slug,), **ports)  # type: ignore[arg-type]
        name = f"package_{slug}_for_tests"
        sys.modules[name] = module(manifest if manifest is not None else replace(given, **facts), name)  # type: ignore[arg-type]
        made.append(name)
        return EntryPoint(slug, name, ENTRY_POINTS)

    yield add
    for name in made:
        sys.modules.pop(name, None)


def test_sound_packages_are_enabled_with_the_core_first(install):
    entries = [install("zeta"), install("alfa")]

    plugins = find_plugins(module(CORE), entries=entries)

    assert plugins.problems == []
    assert [plugin.slug for plugin in plugins.enabled] == ["core", "alfa", "zeta"]


def test_a_package_stands_behind_those_that_it_requires(install):
    entries = [install("alfa", requires=("zeta",)), install("zeta")]

    plugins = find_plugins(module(CORE), entries=entries)

    assert [plugin.slug for plugin in plugins.enabled] == ["core", "zeta", "alfa"]


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"core": ">=0.2"}, "Install a release of one that fits the other."),
        ({"requires": ("nadie",)}, "`pip install erp-nadie`"),
        ({"schemas": ()}, "It owns no schema; every package has at least one."),
        ({"schemas": ("core",)}, "erp-core already has the schema core."),
        ({"api_port": 3011}, "erp-core already has the port 3011."),
        ({"redis_db": 0}, "erp-core already has the Redis database 0."),
        ({"redis_db": 16}, "The Redis database 16 is not between 0 and 15."),
        ({"uses": ("core.secrets",)}, "It uses 'core.secrets', which the core does not offer."),
        ({"label": Label("Solo español", "")}, "The label needs Spanish and English."),
        ({"slug": "otro"}, "Its entry point is called 'alfa'; it must be called 'otro'."),
    ],
)
def test_what_is_wrong_with_a_package_is_in_the_table_and_it_is_not_enabled(install, facts, why):
    plugins = find_plugins(module(CORE), entries=[install("alfa", **facts)])

    assert why in [problem.why for problem in plugins.problems]
    assert [plugin.slug for plugin in plugins.enabled] == ["core"]


def test_all_problems_of_all_packages_stand_in_one_table(install):
    entries = [
        EntryPoint("roto", "no_such_module_for_tests", ENTRY_POINTS),
        install("vacio", manifest="none"),
        install("viejo", core="<0.1"),
        install("bueno"),
    ]

    plugins = find_plugins(module(CORE), entries=entries)

    assert sorted(problem.plugin for problem in plugins.problems) == ["roto", "vacio", "viejo"]
    assert [plugin.slug for plugin in plugins.enabled] == ["core", "bueno"]


def test_a_package_that_is_not_enabled_is_not_even_imported(install):
    broken = EntryPoint("roto", "no_such_module_for_tests", ENTRY_POINTS)

    serving = find_plugins(module(CORE), ["bueno"], [broken, install("bueno")])
    listing = find_plugins(module(CORE), ["bueno"], [broken, install("bueno")], disabled_too=True)

    assert serving.problems == []
    assert [problem.plugin for problem in listing.problems] == ["roto"]


def test_enabling_what_is_not_installed_is_a_problem_with_its_remedy():
    plugins = find_plugins(module(CORE), ["vidrio"], [])

    assert [(problem.plugin, problem.found) for problem in plugins.problems] == [("vidrio", "none")]
    assert "pip install erp-vidrio" in plugins.problems[0].why


def test_hooks_run_by_name_whatever_the_order_of_installation(install):
    order: list[str] = []
    entries = [install("zeta"), install("alfa"), install("medio", requires=("zeta",))]
    for entry in entries:

        def hook(ctx: object, resource: str, object_id: object, slug: str = entry.name) -> None:
            order.append(slug)

        sys.modules[entry.value].about_to_archive = hookimpl(hook)  # type: ignore[attr-defined]

    plugins = find_plugins(module(CORE), entries=entries)
    plugins.hooks.hook.about_to_archive(ctx=None, resource="x", object_id=None)

    assert order == ["alfa", "medio", "zeta"]


def test_a_setup_hook_that_fails_names_its_package(install):
    entry = install("alfa")

    def resources() -> list[object]:
        raise RuntimeError("the catalogue is missing")

    sys.modules[entry.value].resources = hookimpl(resources)  # type: ignore[attr-defined]
    plugins = find_plugins(module(CORE), entries=[entry])

    with pytest.raises(PluginProblems) as refused:
        gather(plugins, "resources")

    assert [(p.plugin, p.why) for p in refused.value.problems] == [("alfa", "the catalogue is missing")]
