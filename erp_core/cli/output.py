"""How commands print: aligned tables, JSON, and progress on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Command = TypeVar("Command", bound=Callable[..., Any])
COLOURS = {
    "ok": "green",
    "warning": "yellow",
    "fault": "red",
    "problem": "red",
    "behind": "yellow",
    "not migrated": "yellow",
}


def json_option(command: Command) -> Command:
    """Give a listing the flag `--json`, as the argument ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


def table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    """Align rows under their headings; the last column is never padded."""
    texts = [[_text(row.get(column)) for column in columns] for row in rows]
    widths = [max([len(column), *(len(line[at]) for line in texts)]) for at, column in enumerate(columns)]
    lines = [_line([column.upper().replace("_", " ") for column in columns], widths)]
    lines += [_line(line, widths) for line in texts]
    return "\n".join(lines)


def print_rows(
    rows: Sequence[dict[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str = "There are none."
) -> None:
    """Print a listing; JSON carries every member of the rows, the table only ``columns``."""
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo(empty)
    else:
        for number, line in enumerate(table(rows, columns).splitlines()):
            click.echo(click.style(line, bold=True) if number == 0 else _coloured(line, rows[number - 1]))


def print_json(value: Any) -> None:
    """Print any plain value as JSON; identifiers and times as text."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_facts(facts: Sequence[tuple[str, Any]]) -> None:
    """Print names and values, one pair a line."""
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        click.echo(f"{name.ljust(width)}  {_text(value)}")


def say(sentence: str) -> None:
    """Tell the operator what is happening, on the standard error so that outputs can be piped."""
    click.echo(sentence, err=True)


def progress(label: str, length: int) -> AbstractContextManager[Any]:
    """Show a bar on the standard error while something long runs; nothing where nobody watches."""
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _coloured(line: str, row: dict[str, Any]) -> str:
    return click.style(line, fg=COLOURS.get(str(row.get("state")))) if str(row.get("state")) in COLOURS else line
