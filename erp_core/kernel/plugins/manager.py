"""Find the installed packages, check them all, and call their hooks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import pluggy
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from erp_core.kernel.plugins import specs
from erp_core.kernel.plugins.manifest import Manifest

ENTRY_POINTS = "erp.plugins"
CORE = "core"


@dataclass(frozen=True, slots=True)
class PluginProblem:
    """One row of the table of problems."""

    plugin: str
    version: str
    needs: str
    found: str
    why: str


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed package whose manifest could be read."""

    manifest: Manifest
    module: ModuleType
    distribution: str

    @property
    def slug(self) -> str:
        return self.manifest.slug


@dataclass(slots=True)
class Plugins:
    """What was found: all installed packages, the enabled ones in order (core first), and every problem."""

    installed: dict[str, Plugin]
    enabled: tuple[Plugin, ...]
    problems: list[PluginProblem]
    hooks: pluggy.PluginManager = field(repr=False)

    def get(self, slug: str) -> Plugin | None:
        return next((plugin for plugin in self.enabled if plugin.slug == slug), None)


class PluginProblems(Exception):
    """Some packages cannot be loaded; ``problems`` is the whole table."""

    def __init__(self, problems: list[PluginProblem]) -> None:
        self.problems = problems
        names = ", ".join(sorted({problem.plugin for problem in problems}))
        super().__init__(f"These packages cannot be loaded: {names}. `erp plugins check` prints the table.")


def find_plugins(
    core: ModuleType,
    names: Sequence[str] | None = None,
    entries: Iterable[EntryPoint] | None = None,
    *,
    disabled_too: bool = False,
) -> Plugins:
    """Load the enabled packages and check all of them before anything starts.

    ``core`` is the core's own plugin module; ``names`` enables just those slugs (``None``: all installed). A package
    that is not enabled is not imported, so that it costs no memory and cannot stop a start, unless ``disabled_too``
    asks for it (for listings). Nothing is raised: what is wrong is in ``problems``, and a package with a problem is not
    among the enabled ones.
    """
    problems: list[PluginProblem] = []
    found = [Plugin(core.manifest, core, "erp-core")]
    for entry in sorted(entries if entries is not None else entry_points(group=ENTRY_POINTS), key=lambda e: e.name):
        if names is not None and entry.name not in names and not disabled_too:
            continue
        plugin = _load(entry, problems)
        if plugin is not None:
            found.append(plugin)
    wanted = {CORE, *(names if names is not None else (plugin.slug for plugin in found))}
    problems += _unknown(wanted, found)
    problems += _clashes(found)
    problems += _ranges(found, core.manifest.version, wanted)
    bad = {problem.plugin for problem in problems}
    installed = {plugin.slug: plugin for plugin in found}
    enabled = _in_order([p for p in found if p.slug in wanted and (p.slug not in bad or p.slug == CORE)])
    return Plugins(installed, enabled, problems, _register(enabled))


def _load(entry: EntryPoint, problems: list[PluginProblem]) -> Plugin | None:
    version = entry.dist.version if entry.dist is not None else "?"
    try:
        module = entry.load()
    except Exception as error:  # noqa: BLE001 - whatever a package raises on import belongs in the table
        problems.append(PluginProblem(entry.name, version, "an importable module", type(error).__name__, str(error)))
        return None
    manifest = getattr(module, "manifest", None)
    if not isinstance(manifest, Manifest):
        problems.append(PluginProblem(entry.name, version, "`manifest`", "nothing", f"{entry.value} has no Manifest."))
        return None
    faults = manifest.faults()
    if manifest.slug != entry.name:
        faults.append(f"Its entry point is called {entry.name!r}; it must be called {manifest.slug!r}.")
    if faults:
        problems += [PluginProblem(entry.name, version, "a valid manifest", "a fault", fault) for fault in faults]
        return None
    return Plugin(manifest, module, entry.dist.name if entry.dist is not None else entry.name)


def _unknown(wanted: set[str], found: list[Plugin]) -> list[PluginProblem]:
    known = {plugin.slug for plugin in found}
    return [
        PluginProblem(
            slug, "-", "an installed package", "none", f"ERP_PLUGINS names it; `pip install erp-{slug}` brings it."
        )
        for slug in sorted(wanted - known)
    ]


def _clashes(found: list[Plugin]) -> list[PluginProblem]:
    taken: dict[tuple[str, object], Plugin] = {}
    problems = []
    for plugin in found:
        manifest = plugin.manifest
        claims: list[tuple[str, object]] = [
            ("slug", manifest.slug),
            ("port", manifest.api_port),
            ("port", manifest.web_port),
        ]
        claims += [("schema", schema) for schema in manifest.schemas] + [("Redis database", manifest.redis_db)]
        for kind, value in claims:
            first = taken.setdefault((kind, value), plugin)
            if first is not plugin:
                why = f"{first.distribution} already has the {kind} {value}."
                problems.append(PluginProblem(plugin.slug, manifest.version, f"a {kind} of its own", str(value), why))
    return problems


def _ranges(found: list[Plugin], core_version: str, wanted: set[str]) -> list[PluginProblem]:
    problems = []
    available = {plugin.slug for plugin in found} & wanted
    for plugin in found:
        manifest = plugin.manifest
        try:
            fits = SpecifierSet(manifest.core, prereleases=True).contains(core_version)
        except InvalidSpecifier:
            fits = False
        if not fits and plugin.slug != CORE:
            why = "Install a release of one that fits the other."
            problems.append(
                PluginProblem(plugin.slug, manifest.version, f"erp-core {manifest.core}", core_version, why)
            )
        problems += [
            PluginProblem(
                plugin.slug, manifest.version, f"the plugin {other}", "not enabled", f"`pip install erp-{other}`"
            )
            for other in manifest.requires
            if other not in available and plugin.slug in wanted
        ]
    return problems


def _in_order(plugins: list[Plugin]) -> tuple[Plugin, ...]:
    """Put the core first, then each plugin behind those that it requires, by slug."""
    ordered: list[Plugin] = [plugin for plugin in plugins if plugin.slug == CORE]
    waiting = sorted((plugin for plugin in plugins if plugin.slug != CORE), key=lambda plugin: plugin.slug)
    while waiting:
        placed = {plugin.slug for plugin in ordered}
        ready = next((plugin for plugin in waiting if placed.issuperset(plugin.manifest.requires)), waiting[0])
        ordered.append(ready)
        waiting.remove(ready)
    return tuple(ordered)


def _register(enabled: tuple[Plugin, ...]) -> pluggy.PluginManager:
    """Register in reverse, because pluggy calls the last registered first and ours run by slug."""
    manager = pluggy.PluginManager(specs.PROJECT)
    manager.add_hookspecs(specs)
    by_slug = sorted(enabled, key=lambda plugin: (plugin.slug != CORE, plugin.slug))
    for plugin in reversed(by_slug):
        manager.register(plugin.module, plugin.slug)
    manager.check_pending()
    return manager


def gather(plugins: Plugins, hook: str) -> list[tuple[str, Any]]:
    """Call a setup hook on each enabled package and pair every item with the slug that declared it."""
    pairs: list[tuple[str, Any]] = []
    for found in reversed(getattr(plugins.hooks.hook, hook).get_hookimpls()):
        try:
            pairs += [(found.plugin_name, item) for item in found.function()]
        except Exception as error:
            version = plugins.installed[found.plugin_name].manifest.version
            problem = PluginProblem(
                found.plugin_name, version, f"a `{hook}` hook that works", type(error).__name__, str(error)
            )
            raise PluginProblems([problem]) from error
    return pairs
