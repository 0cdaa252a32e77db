"""Importing a file into a resource: every bad row is named, and nothing is written unless all rows are good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import Index, UniqueConstraint

from erp_core.kernel.context import Context
from erp_core.kernel.errors import Problem
from erp_core.kernel.ids import new_id
from erp_core.kernel.queries.pipeline import Call, encode, encode_array, statement
from erp_core.kernel.queries.sync import database_error, run_call
from erp_core.kernel.queries.translate import refusal_for
from erp_core.kernel.resources.bodies import refused_field
from erp_core.kernel.resources.declaration import Resource
from erp_core.kernel.resources.import_files import RowError, read_rows
from erp_core.kernel.resources.sql import create_statement, full_name, quote, table_of
from erp_core.kernel.resources.writes import head_of, storable

MOST_ERRORS = 1000
NOBODY = UUID(int=0)
PROGRESS_EVERY = 50

Progress = Callable[[int, int], None]


class RowsRefused(Problem):
    """Some rows are wrong; nothing of the file was written."""

    code = "rows_refused"
    message = "{count} of {rows} rows are wrong; nothing was imported. Correct them and send the file again."


@dataclass(slots=True)
class _Row:
    number: int
    raw: dict[str, str]
    columns: tuple[str, ...] = ()
    values: list[bytes | None] = field(default_factory=list)


@dataclass(slots=True)
class _Sheet:
    """A file on its way in: its rows, and what is wrong with them."""

    resource: Resource
    header: list[str]
    rows: list[_Row]
    errors: list[RowError] = field(default_factory=list)

    def refuse(self, row: int, column: str | None, code: str, reason: str) -> None:
        self.errors.append(RowError(row, column, code, reason))


def import_rows(
    ctx: Context,
    resource: Resource,
    resources: dict[str, Resource],
    name: str,
    content: bytes,
    *,
    dry_run: bool,
    progress: Progress,
) -> dict[str, Any]:
    """Check every row, then write all of them or none.

    Gives ``{"rows", "created", "dry_run"}``; a dry run does all but keep the rows. Raises ``RowsRefused`` with
    ``errors`` (row, column, code, reason), at most 1,000 of them.
    """
    sheet = _read(resource, name, content)
    steps = len(sheet.rows) * 2
    _look_up(ctx, sheet, resources)
    for index, row in enumerate(sheet.rows):
        _convert(sheet, row)
        if index % PROGRESS_EVERY == 0:
            progress(index, steps)
    _refuse_duplicates(ctx, sheet)
    _stop_if_wrong(sheet)
    if not dry_run:
        _write(ctx, sheet, lambda done: progress(len(sheet.rows) + done, steps))
    progress(steps, steps)
    return {"rows": len(sheet.rows), "created": 0 if dry_run else len(sheet.rows), "dry_run": dry_run}


def _read(resource: Resource, name: str, content: bytes) -> _Sheet:
    header, rows = read_rows(name, content)
    known = importable(resource)
    sheet = _Sheet(resource, header, [])
    for column in header:
        if column not in known:
            sheet.refuse(1, column, "unknown_column", f"There is no such column; known: {', '.join(known)}.")
        elif header.count(column) > 1:
            sheet.refuse(1, column, "repeated_column", "This column stands twice in the header.")
    _stop_if_wrong(sheet)
    width = len(header)
    for number, cells in rows:
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            sheet.refuse(number, None, "too_many_cells", f"The row has {len(cells)} cells; the header has {width}.")
            continue
        texts = {column: cell.strip() for column, cell in zip(header, cells, strict=False)}
        sheet.rows.append(_Row(number, texts))
    return sheet


def importable(resource: Resource) -> dict[str, str]:
    """Give the columns that a file may have and the field each fills: ``unit`` fills ``unit_id`` by its code."""
    if resource.create is None:
        return {}
    names = {name: name for name in resource.create.__struct_fields__}
    return names | {column.removesuffix("_id"): column for column in resource.lookups}


def _stop_if_wrong(sheet: _Sheet) -> None:
    if sheet.errors:
        listed = [asdict(error) for error in sorted(sheet.errors, key=lambda e: (e.row, e.column or ""))[:MOST_ERRORS]]
        wrong = len({error.row for error in sheet.errors})
        raise RowsRefused(count=wrong, rows=len(sheet.rows), errors=listed)


def _look_up(ctx: Context, sheet: _Sheet, resources: dict[str, Resource]) -> None:
    """Replace natural keys by ids, one query for each referenced column, and refuse what does not exist."""
    for column, target_name in sheet.resource.references.items():
        target = resources.get(target_name)
        short = column.removesuffix("_id")
        present = [name for name in (column, short) if name in sheet.header]
        if target is None or not present:
            continue
        key = sheet.resource.lookups.get(column)
        for name in present:
            _replace(ctx, sheet, target, name, column, key)


def _replace(ctx: Context, sheet: _Sheet, target: Resource, name: str, column: str, key: str | None) -> None:
    texts = {row.raw[name] for row in sheet.rows if row.raw.get(name)}
    ids = {text for text in texts if _is_uuid(text)}
    found = {text: text for text in _existing(ctx, target, "id", ids)}
    if key is not None:
        found |= _existing(ctx, target, key, texts - ids)
    for row in sheet.rows:
        text = row.raw.pop(name, "")
        if text and text not in found and text.lower() not in found:
            sheet.refuse(row.number, name, "unknown_reference", f"There is no {target.label.en.lower()} {text!r}.")
            # Stands for what was not found, so that the rest of the row is checked and nothing is reported twice.
            row.raw[column] = str(NOBODY)
        elif text:
            row.raw[column] = found.get(text) or found[text.lower()]


def _existing(ctx: Context, target: Resource, key: str, texts: set[str]) -> dict[str, str]:
    if not texts:
        return {}
    table = table_of(target)
    kind = "uuid" if key == "id" else "text"
    live = ' AND "archived_at" IS NULL' if "archived_at" in table.c else ""
    sql = (
        f"SELECT {quote(key)}::text, id::text FROM {full_name(table)}"
        f" WHERE tenant_id = $1::uuid AND {quote(key)} = ANY($2::{kind}[]){live}"
    )
    rows = run_call(ctx.session, Call(statement(sql), [encode(ctx.tenant_id), encode_array(sorted(texts))]))
    return {(row[0] or b"").decode(): (row[1] or b"").decode() for row in rows}


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _convert(sheet: _Sheet, row: _Row) -> None:
    """Turn the texts of a row into the struct of a creation, checked as a request's body is."""
    if sheet.resource.create is None:
        return
    given = {name: text for name, text in row.raw.items() if text != ""}
    try:
        data = msgspec.convert(given, sheet.resource.create, strict=False)
        values = {name: getattr(data, name) for name in data.__struct_fields__}
        row.columns, row.values = storable(sheet.resource, values)
    except msgspec.ValidationError as error:
        problem = refused_field(str(error))
        sheet.refuse(
            row.number, (problem.pointer or "/").strip("/").split("/")[0] or None, problem.code, problem.describe()
        )
    except Problem as problem:
        _refuse_problem(sheet, row.number, problem)
    except ValueError as error:
        sheet.refuse(row.number, None, "invalid_input", str(error))


def _refuse_problem(sheet: _Sheet, row: int, problem: Problem) -> None:
    many: Sequence[Problem] = getattr(problem, "problems", [problem])
    for one in many:
        sheet.refuse(row, (one.pointer or "").strip("/").split("/")[0] or None, one.code, one.describe())


def _unique_keys(sheet: _Sheet) -> list[tuple[str, ...]]:
    table = table_of(sheet.resource)
    items: list[Any] = [*table.constraints, *table.indexes]
    keys = []
    for item in items:
        if isinstance(item, UniqueConstraint) or (isinstance(item, Index) and item.unique):
            names = tuple(column.name for column in item.columns if column.name != "tenant_id")
            if names and names != ("id",):
                keys.append(names)
    return sorted(set(keys))


def _refuse_duplicates(ctx: Context, sheet: _Sheet) -> None:
    """Refuse rows that repeat a unique key within the file or in the table, before anything is written."""
    for key in _unique_keys(sheet):
        seen: dict[tuple[bytes | None, ...], int] = {}
        for row in sheet.rows:
            if not set(key).issubset(row.columns):
                continue
            values = tuple(row.values[row.columns.index(name)] for name in key)
            if None in values:
                continue
            first = seen.setdefault(values, row.number)
            if first != row.number:
                sheet.refuse(
                    row.number, key[0], "duplicate", f"Row {first} of the file has the same {' and '.join(key)}."
                )
        for values in _taken(ctx, sheet, key, list(seen)):
            sheet.refuse(seen[values], key[0], "duplicate", f"There is already one with the same {' and '.join(key)}.")


def _taken(
    ctx: Context, sheet: _Sheet, key: tuple[str, ...], keys: list[tuple[bytes | None, ...]]
) -> list[tuple[bytes | None, ...]]:
    if not keys:
        return []
    names = ", ".join(f"{quote(name)}::text" for name in key)
    arrays = ", ".join(f"${index + 2}::text[]" for index in range(len(key)))
    aliases = ", ".join(f"k{index}" for index in range(len(key)))
    # Comparing as text in the C collation keeps the index of a text key usable; other keys are few in a file.
    matches = " AND ".join(f"{_comparable(sheet, name)} = u.k{index}" for index, name in enumerate(key))
    sql = (
        f"SELECT {names} FROM {full_name(table_of(sheet.resource))} t, unnest({arrays}) AS u({aliases})"
        f" WHERE t.tenant_id = $1::uuid AND {matches}"
    )
    params = [
        encode(ctx.tenant_id),
        *(encode_array([(row[index] or b"").decode() for row in keys]) for index in range(len(key))),
    ]
    known = set(keys)
    return [row for row in run_call(ctx.session, Call(statement(sql), params)) if row in known]


def _comparable(sheet: _Sheet, name: str) -> str:
    return f"t.{quote(name)}" if str(table_of(sheet.resource).c[name].type) == "TEXT" else f"t.{quote(name)}::text"


def _write(ctx: Context, sheet: _Sheet, progress: Callable[[int], None]) -> None:
    ctx.session.flush()
    for index, row in enumerate(sheet.rows):
        insert = create_statement(sheet.resource, row.columns, answer=False)
        try:
            run_call(ctx.session, Call(insert, [*head_of(ctx.actor, new_id()), *row.values]))
        except psycopg.Error as error:
            problem = refusal_for(database_error(error), table_of(sheet.resource))
            if problem is None:
                raise
            _refuse_problem(sheet, row.number, problem)
            _stop_if_wrong(sheet)
        if index % PROGRESS_EVERY == 0:
            progress(index)
