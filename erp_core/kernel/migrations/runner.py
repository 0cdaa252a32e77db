"""Apply and undo revisions: every package on a line of its own, the core first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import Script, ScriptDirectory

from erp_core.kernel.database.grants import grant_component
from erp_core.kernel.database.roles import component_role, ensure_component_role
from erp_core.kernel.errors import OperatorError
from erp_core.kernel.migrations import archive, catalogue
from erp_core.kernel.migrations.scripts import Branch, branch_of
from erp_core.kernel.migrations.session import Session, open_session
from erp_core.kernel.plugins.manager import CORE, Plugin, Plugins

WAIT = 120.0

Steps = Callable[[ScriptDirectory, Any], list[RevisionStep]]


@dataclass(frozen=True, slots=True)
class Applied:
    """A revision that was applied or undone, and how long that took."""

    slug: str
    revision: str
    title: str
    seconds: float


def migrate(
    plugins: Plugins,
    migrator_url: str,
    *,
    only: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    passwords: Callable[[str], str] | None = None,
    wait: float = WAIT,
    say: Callable[[str], None] | None = None,
    lock_attempts: int = 8,
) -> list[Applied]:
    """Bring the database to what the enabled packages need, then give every component's role its rights.

    ``only`` migrates one package. ``progress`` hears (what, done, total). ``passwords`` gives the password of a
    component's role that has to be made. A failing revision leaves the earlier ones applied: ``OperatorError``.
    """
    branches = [branch_of(plugin) for plugin in _chosen(plugins, only)]
    done: list[Applied] = []
    with open_session(migrator_url, wait=wait, say=say, lock_attempts=lock_attempts) as session:
        _ensure_roles(session, plugins, passwords)
        todo = list(_unapplied(session, plugins, branches, only))
        for number, (branch, script) in enumerate(todo):
            if progress is not None:
                progress(f"{branch.slug}: {script.doc}", number, len(todo))
            done.append(_timed(script, branch, partial(_apply, session, branch, script)))
        if progress is not None:
            progress("done", len(todo), len(todo))
        grant_all(session, plugins)
    return done


def downgrade(
    plugins: Plugins,
    migrator_url: str,
    slug: str,
    revision: str | None,
    *,
    wait: float = WAIT,
    say: Callable[[str], None] | None = None,
) -> list[Applied]:
    """Undo a package's revisions down to ``revision``, which stays; ``None`` or ``base`` undoes all.

    A package that is gone is undone from the archive.
    """
    with open_session(migrator_url, wait=wait, say=say) as session:
        return undo(session, plugins, slug, None if revision == "base" else revision)


def undo(session: Session, plugins: Plugins, slug: str, target: str | None) -> list[Applied]:
    """Undo revisions inside a session that is open already."""
    done: list[Applied] = []
    with _branch_for_undoing(session, plugins, slug) as (branch, current):
        if not branch.knows(target):
            known = ", ".join(script.revision for script in branch.line)
            raise OperatorError(f"{slug} has no revision {target}.", f"Name one of: {known}, base.")
        todo = branch.back_to(current, target)
        done.extend(_timed(script, branch, partial(_undo, session, branch, script)) for script in todo)
    return done


def grant_all(session: Session, plugins: Plugins) -> None:
    """Give every enabled component's role exactly its rights, now that the tables are there."""
    with session.as_owner():
        for plugin in plugins.enabled:
            grant_component(session.raw, plugin.manifest)


def _chosen(plugins: Plugins, only: str | None) -> list[Plugin]:
    if only is None:
        return list(plugins.enabled)
    plugin = plugins.get(only)
    if plugin is None:
        sentence = f"There is no enabled package {only}."
        raise OperatorError(sentence, "`erp plugins list` shows what is installed and enabled.")
    return [plugin]


def _ensure_roles(session: Session, plugins: Plugins, passwords: Callable[[str], str] | None) -> None:
    with session.connection.begin():
        for plugin in plugins.enabled:
            role = component_role(plugin.slug)
            ensure_component_role(session.raw, plugin.slug, passwords(role) if passwords is not None else None)


def _unapplied(
    session: Session, plugins: Plugins, branches: list[Branch], only: str | None
) -> Iterator[tuple[Branch, Script]]:
    with session.as_owner():
        core = plugins.get(CORE)
        if only not in {None, CORE} and core is not None:
            line = branch_of(core)
            if catalogue.current_revision(session.raw, CORE, line.schemas) != line.head:
                sentence = f"The core is not up to date, and {only} is built on it."
                raise OperatorError(sentence, "Run `erp plugins migrate`.")
        for branch in branches:
            current = catalogue.current_revision(session.raw, branch.slug, branch.schemas)
            if not branch.knows(current):
                release = f"{branch.slug} {branch.package_version}"
                sentence = f"The database is at revision {current}, which {release} does not know."
                remedy = f"Install the newer release of {branch.slug}, or go back with `erp plugins downgrade`."
                raise OperatorError(sentence, remedy)
            yield from ((branch, script) for script in branch.after(current))


def _timed(script: Script, branch: Branch, work: Callable[[], None]) -> Applied:
    started = time.monotonic()
    try:
        work()
    except OperatorError:
        raise
    except Exception as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        sentence = f"The revision {script.revision} of {branch.slug} failed: {reason}"
        remedy = "What came before it is applied. Correct the cause, then run `erp plugins migrate` again."
        raise OperatorError(sentence, remedy) from error
    return Applied(branch.slug, script.revision, script.doc, time.monotonic() - started)


def _apply(session: Session, branch: Branch, script: Script) -> None:
    what = f"The revision {script.revision} of {branch.slug}"
    if not getattr(script.module, "transactional", True):
        _apply_alone(session, branch, script)
        return

    def attempt() -> None:
        with session.as_owner():
            role = component_role(branch.slug)
            catalogue.make_schemas(session.raw, branch, role)
            _step(session, branch, _to(script.revision))
            catalogue.show_version_table(session.raw, branch.version_schema, role)
            archive.record(session.raw, branch, script)

    session.patiently(attempt, what)


def _apply_alone(session: Session, branch: Branch, script: Script) -> None:
    """Apply a revision that cannot be in a transaction; one that crashed half-way is cleared up and built again."""
    with session.without_transaction():
        for index in catalogue.drop_invalid_indexes(session.raw, branch.schemas):
            session.say(f"The index {index} was left half built by an earlier attempt; it is built again.")
        # The source first: a crash in between leaves one archived too many, and never one that cannot be undone.
        archive.record(session.raw, branch, script)
        _step(session, branch, _to(script.revision))


def _undo(session: Session, branch: Branch, script: Script) -> None:
    down = script.down_revision if isinstance(script.down_revision, str) else "base"

    def attempt() -> None:
        step = _back(down)
        if not getattr(script.module, "transactional", True):
            with session.without_transaction():
                _step(session, branch, step)
                archive.forget(session.raw, branch.slug, script.revision)
            return
        with session.as_owner():
            _step(session, branch, step)
            archive.forget(session.raw, branch.slug, script.revision)

    session.patiently(attempt, f"Undoing {script.revision} of {branch.slug}")


def _to(revision: str) -> Steps:
    return lambda directory, heads: directory._upgrade_revs(revision, heads)  # noqa: SLF001 - as Alembic itself


def _back(revision: str) -> Steps:
    return lambda directory, heads: directory._downgrade_revs(revision, heads)  # noqa: SLF001 - as Alembic itself


def _step(session: Session, branch: Branch, steps: Steps) -> None:
    """Let Alembic run the steps inside the transaction that is open."""
    directory = branch.directory
    if directory is None:
        return

    def chosen(heads: Any, _: MigrationContext) -> list[RevisionStep]:
        return steps(directory, heads)

    with EnvironmentContext(Config(), directory, fn=chosen) as environment:
        environment.configure(
            connection=session.connection,
            version_table_schema=branch.version_schema,
            component_role=None if branch.slug == CORE else component_role(branch.slug),
        )
        environment.run_migrations()


@contextmanager
def _branch_for_undoing(session: Session, plugins: Plugins, slug: str) -> Iterator[tuple[Branch, str | None]]:
    """Give the package's own revisions or, when it is gone or older than the database, the archived ones."""
    plugin = plugins.installed.get(slug)
    with ExitStack() as stack:
        with session.as_owner():
            branch = branch_of(plugin) if plugin is not None else None
            schemas = branch.schemas if branch is not None else catalogue.schemas_of(session.raw, slug)
            current = catalogue.current_revision(session.raw, slug, schemas)
            if branch is None or not branch.knows(current):
                branch = stack.enter_context(archive.archived_branch(session.raw, slug))
        yield branch, current
