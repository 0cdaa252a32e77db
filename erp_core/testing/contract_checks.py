"""What the conformance suite looks at; each function lists what is wrong, so that a failure shows all of it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import sqlalchemy as sa

from erp_core import plugin as core_plugin
from erp_core.kernel.application import Application
from erp_core.kernel.context import Actor, Context
from erp_core.kernel.database.addresses import sqlalchemy_address
from erp_core.kernel.database.gate import check_catalogue
from erp_core.kernel.database.model import Base
from erp_core.kernel.errors import every_problem
from erp_core.kernel.http.routing import PUBLIC, address_of
from erp_core.kernel.i18n import LANGUAGES
from erp_core.kernel.migrations.drift import drift
from erp_core.kernel.migrations.removal import preview_removal, remove
from erp_core.kernel.migrations.runner import migrate
from erp_core.kernel.plugins.manager import CORE, ENTRY_POINTS, Plugin, Plugins, find_plugins
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.lists import parse_page
from erp_core.kernel.resources.metadata import PLATFORM_FIELDS, field_key
from erp_core.kernel.resources.sql import full_name, shown_columns, table_of
from erp_core.testing.environment import password_of
from erp_core.testing.public_surface import PUBLIC_MODULES

if TYPE_CHECKING:
    from erp_core.testing.environment import Erp, Person, Servers


def own_resources(application: Application, slug: str) -> list[Resource]:
    """Give a package's resources."""
    return [resource for resource in application.resources.values() if resource.slug == slug]


def foreign_names(application: Application, slug: str) -> list[str]:
    """List declared names that do not begin with the slug, and tables outside the package's schemas."""
    plugin = application.plugins.get(slug)
    schemas = plugin.manifest.schemas if plugin is not None else ()
    wrong = [
        f"{r.name}: table in {r.model.__table__.schema}"
        for r in own_resources(application, slug)
        if getattr(r.model.__table__, "schema", None) not in schemas
    ]
    wrong += [
        f"{route.path}: {route.permission}"
        for owner, route in application.routes
        if owner == slug and "." in route.permission and not route.permission.startswith(f"{slug}.")
    ]
    wrong += [
        f"role {role.name} grants {name}"
        for owner, role in application.roles
        if owner == slug
        for name in role.permissions
        if not _grants_something(application, name)
    ]
    return wrong


def _grants_something(application: Application, name: str) -> bool:
    if name.endswith("*"):
        return any(known.startswith(name[:-1]) for known in application.permissions)
    return name in application.permissions


def problems_alone(slug: str) -> list[str]:
    """List what is wrong when the package is loaded with the core alone."""
    plugins = find_plugins(
        core_plugin, [slug], [entry for entry in entry_points(group=ENTRY_POINTS) if entry.name == slug]
    )
    return [f"{problem.needs}: {problem.why}" for problem in plugins.problems]


def gate(connection: psycopg.Connection[Any], plugin: Plugin) -> list[str]:
    """List the faults of the catalogue gate in the package's schemas."""
    return [f"{fault.table}: {fault.what}" for fault in check_catalogue(connection, plugin.manifest.schemas)]


def differences(connection: psycopg.Connection[Any], plugin: Plugin) -> list[str]:
    """List where the models and the migrated tables differ."""
    url = f"postgresql://{connection.info.user}:{connection.info.password}@{connection.info.host}:{connection.info.port}/{connection.info.dbname}"
    engine = sa.create_engine(sqlalchemy_address(url))
    try:
        with engine.connect() as opened:
            return drift(opened, Base.metadata, plugin.manifest.schemas)
    finally:
        engine.dispose()


def remove_and_install(
    found: Servers, plugins: Plugins, database: str, plugin: Plugin
) -> tuple[list[str], list[str], list[str]]:
    """Remove a package's tables and migrate again; gives its tables before, in between and after."""
    url = found.database(database, "erp_migrator")

    def tables() -> list[str]:
        with psycopg.connect(found.database(database)) as connection:
            query = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = ANY(%s) ORDER BY 1"
            return [row[0] for row in connection.execute(query, [list(plugin.manifest.schemas)])]

    before = tables()
    assert {row.table for row in preview_removal(plugins, url, plugin.slug)} <= set(before)
    remove(plugins, url, plugin.slug)
    gone = tables()
    migrate(plugins, url, only=plugin.slug, passwords=password_of)
    return before, gone, tables()


def unserved_lists(application: Application, slug: str, connection: psycopg.Connection[Any]) -> list[str]:
    """List the filters, sorts and searches that no index serves.

    Sorting is made unattractive, so that a plan with a whole sort says that no index gives the order (an incremental
    one only orders equals, page by page); filters and searches are looked up in the catalogue, because on a small
    table the planner is right to prefer another index.
    """
    for setting in ("enable_seqscan", "enable_bitmapscan", "enable_sort"):
        connection.execute(f"SET {setting} = off")
    wrong = []
    for resource in own_resources(application, slug):
        if "list" in resource.operations:
            wrong += [
                f"{resource.name} sort={name}: {plan}"
                for name, plan in _sorted_plans(application, resource, connection)
                if re.search(r"(?m)^\W*Sort  \(", plan)
            ]
            led = _leading_columns(resource, connection)
            wrong += [f"{resource.name} filter[{name}]" for name in resource.filters if name not in led]
            if resource.search is not None and resource.search not in led:
                wrong.append(f"{resource.name} q={resource.search}")
    return wrong


def _leading_columns(resource: Resource, connection: psycopg.Connection[Any]) -> set[str]:
    """Give the columns that stand right behind the tenant in some index."""
    query = (
        "SELECT b.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
        " JOIN pg_attribute b ON b.attrelid = i.indrelid AND b.attnum = i.indkey[1]"
        " WHERE i.indrelid = %s::regclass AND a.attname = 'tenant_id'"
    )
    return {row[0] for row in connection.execute(query, [full_name(table_of(resource))])}


def _sorted_plans(
    application: Application, resource: Resource, connection: psycopg.Connection[Any]
) -> Iterator[tuple[str, str]]:
    actor = Actor(uuid4(), permissions=application.permissions)
    for name in (way + column for column in resource.sorts for way in ("", "-")):
        call = parse_page(resource, application.resources, actor, [("sort", name)]).calls(actor.tenant_id)[0]
        with psycopg.RawCursor(connection) as cursor, connection.transaction(force_rollback=True):
            connection.execute(f"SET LOCAL app.current_tenant = '{actor.tenant_id}'")
            values = [None if value is None else value.decode() for value in call.params]
            yield name, "\n".join(str(row[0]) for row in cursor.execute(f"EXPLAIN {call.statement.sql}", values))


def missing_texts(application: Application, plugin: Plugin) -> list[str]:
    """List the keys that a language of the package lacks, and keys that stand in one language only."""
    texts = {language: _catalogue(plugin, language) for language in LANGUAGES}
    wanted = set(_wanted_texts(application, plugin))
    wrong = [f"{language} lacks {key}" for language in LANGUAGES for key in sorted(wanted - texts[language].keys())]
    lonely = texts[LANGUAGES[0]].keys() ^ texts[LANGUAGES[1]].keys()
    wrong += [f"{key} stands in one language only" for key in sorted(lonely)]
    for key in sorted(texts["en"].keys() & texts["es_MX"].keys()):
        if _braces(texts["en"][key]) != _braces(texts["es_MX"][key]):
            wrong.append(f"{key} has other braces in Spanish than in English")
    return wrong


def _braces(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)", text))


def _catalogue(plugin: Plugin, language: str) -> dict[str, str]:
    source = files(plugin.manifest.package) / "locale" / f"{language}.json"
    return dict(json.loads(source.read_text("utf-8"))) if source.is_file() else {}


def _wanted_texts(application: Application, plugin: Plugin) -> Iterator[str]:
    for resource in own_resources(application, plugin.slug):
        names = set(shown_columns(resource)) | set(
            resource.create.__struct_fields__ if resource.create is not None else ()
        )
        yield from (field_key(resource, name) for name in names if name not in PLATFORM_FIELDS or plugin.slug == CORE)
    for code, kind in every_problem().items():
        if kind.__module__.split(".")[0] == plugin.manifest.package:
            yield from (f"problem.{code}", f"problem.{code}.title")


def forbidden_imports(plugin: Plugin) -> list[str]:
    """List imports of the core's private modules and of other verticals."""
    root = Path(str(files(plugin.manifest.package)))
    others = {entry.value.split(".")[0] for entry in entry_points(group=ENTRY_POINTS)} - {plugin.manifest.package}
    wrong = []
    for path in sorted(root.rglob("*.py")):
        for name in _imports(ast.parse(path.read_text("utf-8"))):
            top = name.split(".")[0]
            if top in others or (top == "erp_core" and plugin.slug != CORE and not _is_public(name)):
                wrong.append(f"{path.relative_to(root)} imports {name}")
    return wrong


def _is_public(name: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in PUBLIC_MODULES)


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from package import module` names the module in its aliases.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def missing_files(plugin: Plugin) -> list[str]:
    """List what a package must bring beside its code."""
    root = files(plugin.manifest.package)
    wanted = ["py.typed", *(f"locale/{language}.json" for language in LANGUAGES)]
    wrong = [name for name in wanted if not root.joinpath(name).is_file()]
    versions = root.joinpath("migrations", "versions")
    if not versions.is_dir() or not any(item.name.endswith(".py") for item in versions.iterdir()):
        wrong.append("migrations/versions/*.py")
    return wrong


def project_folder(plugin: Plugin) -> Path:
    """Give the folder of the package's project: the one above its import package."""
    return Path(str(files(plugin.manifest.package))).parent


def missing_terms(application: Application, plugin: Plugin, root: Path) -> list[str]:
    """List the resources that GLOSSARY.md does not name."""
    glossary = root / "GLOSSARY.md"
    text = glossary.read_text("utf-8") if glossary.is_file() else ""
    return [
        r.plural_name
        for r in own_resources(application, plugin.slug)
        if f"`{r.plural_name}`" not in text and f"`{r.plural_name.removesuffix('s')}`" not in text
    ]


def load_demo(erp: Erp, slug: str) -> dict[str, int]:
    """Load the core's and the package's demo and count the rows of each of its resources."""
    from erp_core.testing.demo import ensure_demo_tenant

    counts: dict[str, int] = {}
    for owner, step in erp.application.demo:
        if owner in {CORE, slug}:
            actor = ensure_demo_tenant(erp, step.tenant)
            erp.units.run(actor, step.load)
    for tenant in demo_tenants(erp, slug):
        actor = ensure_demo_tenant(erp, tenant)
        for resource in own_resources(erp.application, slug):
            counts[f"{tenant} {resource.name}"] = erp.units.run(actor, partial(_count, resource))
    return counts


def _count(resource: Resource, ctx: Context) -> int:
    query = sa.select(sa.func.count()).select_from(resource.model).where(resource.model.tenant_id == ctx.tenant_id)
    return ctx.session.scalar(query) or 0


def demo_tenants(erp: Erp, slug: str) -> list[str]:
    """Give the demo tenants that a package loads something for."""
    return sorted({step.tenant for owner, step in erp.application.demo if owner == slug})


def demo_owners(erp: Erp, slug: str) -> list[Person]:
    """Sign somebody in to each demo tenant of the package, with its demo loaded."""
    load_demo(erp, slug)
    return [erp.sign_in(tenant) for tenant in demo_tenants(erp, slug)]


def leaks(erp: Erp, slug: str, owner: Person, stranger: Person) -> list[str]:
    """List every way in which a stranger learns of the owner's rows: a foreign id must answer as an unknown one."""
    wrong = []
    for resource in own_resources(erp.application, slug):
        if "list" not in resource.operations:
            continue
        rows = [row["id"] for row in owner.items(resource.path, params={"limit": "200", "archived": "include"})]
        seen = {row["id"] for row in stranger.items(resource.path, params={"limit": "200", "archived": "include"})}
        wrong += [f"{resource.name}: the list shows {row}" for row in rows if row in seen]
        for row in rows[:3]:
            wrong += _told_apart(resource, stranger, row)
    return wrong


def _told_apart(resource: Resource, stranger: Person, foreign: str) -> list[str]:
    wrong = []
    for method, path, body, operation in _calls(resource):
        if operation in resource.operations:
            answers = []
            for object_id in (foreign, str(uuid4())):
                options = {"json": body} if body is not None else {}
                answer = stranger.call(method, f"{resource.path}/{object_id}{path}", **options)
                document = answer.body if answer.problem else {"leaked": answer.response.text}
                document.pop("request_id", None)
                answers.append((answer.status, document))
            if answers[0] != answers[1] or answers[0][0] < 400:
                wrong.append(f"{method} {resource.name}{path}: {answers}")
    return wrong


def _calls(resource: Resource) -> Iterable[tuple[str, str, Any, str]]:
    yield "GET", "", None, "read"
    yield "DELETE", "", None, "archive"
    yield "POST", "/restore", None, "archive"
    if resource.create is not None and "update" in resource.operations:
        name = next((n for n in resource.create.__struct_fields__ if n not in resource.fixed), None)
        if name is not None:
            yield "PATCH", "", {name: None}, "update"


def open_doors(erp: Erp, slug: str, powerless: Person) -> list[str]:
    """List every route that answers somebody without a token, or without its permission."""
    wrong = []
    for method, path, permission in all_routes(erp.application, slug):
        if permission == PUBLIC:
            continue
        address = re.sub(r"\{\w+(:\w+)?\}", str(uuid4()), path)
        anonymous = erp.http.request(method, address)
        if anonymous.status_code != 401:
            wrong.append(f"{method} {path} without a token: {anonymous.status_code}")
        if "." in permission:
            refused = powerless.call(method, address)
            if refused.status != 403:
                wrong.append(f"{method} {path} without {permission}: {refused.status}")
    return wrong


def all_routes(application: Application, slug: str) -> Iterator[tuple[str, str, str]]:
    """Give method, path and permission of everything that a package serves."""
    for resource in own_resources(application, slug):
        one = f"{resource.path}/{{object_id:uuid}}"
        table = [
            ("list", "GET", resource.path),
            ("read", "GET", one),
            ("create", "POST", resource.path),
            ("create", "POST", f"{resource.path}/bulk"),
            ("update", "PATCH", one),
            ("archive", "DELETE", one),
            ("archive", "POST", f"{one}/restore"),
            ("export", "GET", f"{resource.path}/export"),
            ("import", "POST", f"{resource.path}/import"),
        ]
        yield from ((method, path, resource.permission(op)) for op, method, path in table if op in resource.operations)
    for owner, route in application.routes:
        if owner == slug:
            yield route.method, address_of(slug, route.path), route.permission
