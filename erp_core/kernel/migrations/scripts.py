"""The revisions of one package: from its own folder or, when it is gone, from the archive in the database."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from alembic.script import Script, ScriptDirectory

from erp_core.kernel.errors import OperatorError
from erp_core.kernel.plugins.manager import CORE, Plugin


@dataclass(frozen=True, slots=True)
class Branch:
    """One package's line of revisions, oldest first, and where its version table stands."""

    slug: str
    name: str
    package_version: str
    schemas: tuple[str, ...]
    directory: ScriptDirectory | None
    line: tuple[Script, ...]

    @property
    def version_schema(self) -> str:
        return version_schema(self.slug, self.schemas)

    @property
    def head(self) -> str | None:
        return self.line[-1].revision if self.line else None

    def knows(self, revision: str | None) -> bool:
        return revision is None or any(script.revision == revision for script in self.line)

    def after(self, revision: str | None) -> list[Script]:
        """List what is still to be applied on top of ``revision``, oldest first."""
        if revision is None:
            return list(self.line)
        position = next(n for n, script in enumerate(self.line) if script.revision == revision)
        return list(self.line[position + 1 :])

    def back_to(self, current: str | None, target: str | None) -> list[Script]:
        """List what to undo to get from ``current`` back to ``target`` (``None``: to nothing), newest first."""
        applied = [] if current is None else self.line[: len(self.line) - len(self.after(current))]
        kept = len(self.line) - len(self.after(target)) if target is not None else 0
        return list(reversed(applied[kept:]))


def version_schema(slug: str, schemas: tuple[str, ...]) -> str:
    """Say in which schema a package keeps its version table: the first of its own, for the core ``core``."""
    return CORE if slug == CORE else schemas[0]


def branch_of(plugin: Plugin) -> Branch:
    """Read the revisions that an installed package brings; a package without any has an empty line."""
    manifest = plugin.manifest
    folder = Path(str(files(manifest.package))) / "migrations" / "versions"
    directory, line = read_line(folder, manifest.slug) if folder.is_dir() else (None, ())
    return Branch(manifest.slug, manifest.label.en, manifest.version, manifest.schemas, directory, line)


def read_line(folder: Path, slug: str) -> tuple[ScriptDirectory, tuple[Script, ...]]:
    """Read a folder of revisions and check that they form one line, labelled with the slug."""
    directory = ScriptDirectory(str(folder), version_locations=[str(folder)])
    remedy = f"Correct the revisions in the package of {slug}; they form one line, each with one down_revision."
    try:
        heads = directory.get_heads()
        scripts = list(reversed(list(directory.walk_revisions())))
    except KeyError as missing:
        sentence = f"A revision of {slug} says depends_on {missing}, which is in another package."
        raise OperatorError(sentence, remedy) from missing
    except Exception as fault:
        sentence = f"The revisions of {slug} cannot be read: {fault}"
        raise OperatorError(sentence, remedy) from fault
    if len(heads) > 1:
        raise OperatorError(f"The revisions of {slug} have several heads: {', '.join(sorted(heads))}.", remedy)
    if scripts and slug not in scripts[0].branch_labels:
        raise OperatorError(f"The first revision of {slug} does not carry branch_labels = ({slug!r},).", remedy)
    if any(script.dependencies for script in scripts):
        raise OperatorError(f"A revision of {slug} says depends_on.", remedy)
    return directory, tuple(scripts)
