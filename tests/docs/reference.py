"""The parts of the reference that are written from the code; each function gives one of them as Markdown."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence

import click

import erp_core
from erp_core.app import bootstrap
from erp_core.cli.main import erp as command_line
from erp_core.cli.show import route_rows
from erp_core.cli.statuses import MEANINGS
from erp_core.kernel.application import Application
from erp_core.kernel.errors import Problem, every_problem
from erp_core.kernel.plugins import specs
from erp_core.kernel.settings import Settings
from erp_core.testing.public_surface import PUBLIC_MODULES


def core_application() -> Application:
    """Put the core together without any server."""
    with bootstrap(dataclasses.replace(Settings(), plugins=("core",)), servers=False) as application:
        return application


def core_problems() -> list[type[Problem]]:
    """List every refusal of the core, after importing all of it."""
    for module in pkgutil.walk_packages(erp_core.__path__, "erp_core."):
        if not re.search(r"\.(testing|migrations|__main__)\b", module.name):
            importlib.import_module(module.name)
    return [kind for kind in every_problem().values() if kind.__module__.startswith("erp_core.")]


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Write a Markdown table."""
    lines = [list(map(_cell, row)) for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _code(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def settings() -> str:
    rows = []
    for item in dataclasses.fields(Settings):
        facts = item.metadata
        about = facts["about"] + (" Secret." if facts["secret"] else "")
        rows.append([f"`{facts['env']}`", "" if item.default is None else f"`{item.default}`", about])
    return table(["variable", "default", "meaning"], rows)


def commands() -> str:
    return "\n\n".join(_command(path, command) for path, command in leaves(command_line, ("erp",)))


def leaves(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Give every command that is no group, with the words that call it."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        if found is not None and not found.hidden:
            yield from leaves(found, (*path, name))


def _command(path: tuple[str, ...], command: click.Command) -> str:
    arguments = [p.make_metavar(click.Context(command)) for p in command.params if isinstance(p, click.Argument)]
    usage = " ".join([*path, *arguments])
    about, _, example = inspect.cleandoc(command.help or "").partition("\n\n\b\n")
    parts = [f"## {' '.join(path)}", f"`{usage}`", about.replace("\b\n", "")]
    shown = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    if shown:
        parts.append(table(["option", "meaning"], [[_option(option), _about(option)] for option in shown]))
    if example:
        lines = [re.sub(r" {2,}", "  # ", line.strip()) for line in example.strip().splitlines()[1:]]
        parts.append("```sh\n" + "\n".join(lines) + "\n```")
    return "\n\n".join(parts)


def _option(option: click.Option) -> str:
    names = "`, `".join([*option.opts, *option.secondary_opts])
    value = "" if option.is_flag else f" {option.make_metavar(click.Context(click.Command('x')))}"
    return f"`{names}{value}`"


def _about(option: click.Option) -> str:
    default = f" Default: `{option.default}`." if option.show_default and option.default is not None else ""
    return (option.help or "") + (" Required." if option.required else "") + default


def exit_statuses() -> str:
    return table(["status", "meaning"], list(MEANINGS.items()))


def hooks() -> str:
    found = [
        function for name, function in inspect.getmembers(specs, inspect.isfunction) if hasattr(function, "erp_spec")
    ]
    parts = []
    for function in sorted(found, key=lambda one: one.__code__.co_firstlineno):
        signature = re.sub(r"'", "", str(inspect.signature(function)))
        parts.append(
            f"## {function.__name__}\n\n```python\ndef {function.__name__}{signature}: ...\n```\n\n"
            + inspect.cleandoc(function.__doc__ or "").replace("``", "`")
        )
    return "\n\n".join(parts)


def problems() -> str:
    rows = [
        [f"`{kind.code}`", kind.status, kind.message, inspect.cleandoc(kind.__doc__ or "").replace("``", "`")]
        for kind in core_problems()
    ]
    return table(["code", "status", "sentence", "when"], rows)


def routes() -> str:
    rows = route_rows(core_application(), ("core",))
    return table(
        ["method", "path", "permission", "what it does"],
        [[row["method"], f"`{row['path']}`", f"`{row['permission']}`", row["summary"]] for row in rows],
    )


def resources() -> str:
    rows = []
    for resource in core_application().resources.values():
        included = [name.removesuffix("_id") for name in resource.references]
        facts = [resource.filters, resource.sorts, included]
        rows.append([f"`{resource.plural_name}`", *map(_code, facts), "yes" if resource.search else "no"])
    return table(["resource", "`filter[…]`", "`sort`", "`include`", "`q`"], rows)


def permissions() -> str:
    return "\n".join(f"- `{name}`" for name in sorted(core_application().permissions))


def tasks() -> str:
    rows = [
        [f"`{t.name}`", t.label.en, "yes" if t.job else "no", f"{t.time_limit} s", t.max_retries]
        for t in core_application().tasks.values()
    ]
    return table(["task", "what it is", "job to follow", "time limit", "retries"], rows)


def public_api() -> str:
    return table(["module", "what it gives"], [[f"`{name}`", about] for name, about in PUBLIC_MODULES.items()])


# Each part, and the document that it stands in between `<!-- begin NAME -->` and `<!-- end NAME -->`.
PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "settings": ("settings.md", settings),
    "commands": ("commands.md", commands),
    "exit-statuses": ("exit-statuses.md", exit_statuses),
    "hooks": ("hooks.md", hooks),
    "problems": ("problems.md", problems),
    "routes": ("routes.md", routes),
    "resources": ("routes.md", resources),
    "permissions": ("permissions.md", permissions),
    "tasks": ("tasks-and-schedules.md", tasks),
    "public-api": ("public-api.md", public_api),
}
