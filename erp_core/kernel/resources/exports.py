"""Exports: every row a list would show, as CSV, XLSX or JSON Lines, page by page so that memory stays flat."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import AsyncIterator
from typing import IO, Any

import msgspec

from erp_core.kernel.context import Actor
from erp_core.kernel.queries.pool import Pool
from erp_core.kernel.resources.lists import Page

ROWS_AT_ONCE = 2000
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# A cell that begins with one of these would be run as a formula by the program that opens the file.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def neutral(value: Any) -> Any:
    """Make a cell safe to open: text that looks like a formula gets an apostrophe before it."""
    if isinstance(value, str) and value.startswith(_FORMULA) and not _is_number(value):
        return "'" + value
    return value


def _is_number(text: str) -> bool:
    return text[1:].replace(".", "", 1).isdigit() and text[0] in "+-"


async def rows_of(pool: Pool, actor: Actor, page: Page) -> AsyncIterator[list[bytes]]:
    """Give the JSON texts of all rows, in batches; each batch is one round trip on a keyset cursor."""
    page.limit, page.total = ROWS_AT_ONCE, False
    while True:
        rows = (await pool.run(actor.tenant_id, page.calls(actor.tenant_id), read_only=True))[0].rows()
        batch = rows[:ROWS_AT_ONCE]
        if batch:
            yield [row[0] or b"null" for row in batch]
        if len(rows) <= ROWS_AT_ONCE:
            return
        page.after = (batch[-1][1] or b"", batch[-1][2] or b"")


def cell(value: Any) -> Any:
    """Give a value as a table shows it."""
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return neutral(msgspec.json.encode(value).decode())
    if isinstance(value, bool):
        return "true" if value else "false"
    return neutral(value)


async def csv_chunks(batches: AsyncIterator[list[bytes]], columns: tuple[str, ...]) -> AsyncIterator[bytes]:
    """Write CSV with a header; UTF-8 with a byte-order mark, because spreadsheets guess wrong without one."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    yield b"\xef\xbb\xbf" + buffer.getvalue().encode()
    async for batch in batches:
        buffer.seek(0)
        buffer.truncate()
        for text in batch:
            row = msgspec.json.decode(text)
            writer.writerow([cell(row[name]) for name in columns])
        yield buffer.getvalue().encode()


async def jsonl_chunks(batches: AsyncIterator[list[bytes]]) -> AsyncIterator[bytes]:
    """Write one JSON object a line."""
    async for batch in batches:
        yield b"\n".join(batch) + b"\n"


async def xlsx_file(batches: AsyncIterator[list[bytes]], columns: tuple[str, ...], title: str) -> IO[bytes]:
    """Write a workbook to a temporary file in constant memory; the caller closes it."""
    import xlsxwriter  # 2 MB that most processes never need

    file = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller, who streams and closes it
    options = {"constant_memory": True, "in_memory": False, "strings_to_formulas": False, "strings_to_urls": False}
    workbook = xlsxwriter.Workbook(file, options)
    sheet = workbook.add_worksheet(title[:31])
    bold = workbook.add_format({"bold": True})
    sheet.write_row(0, 0, columns, bold)
    number = 1
    async for batch in batches:
        for text in batch:
            row = msgspec.json.decode(text)
            sheet.write_row(number, 0, [cell(row[name]) for name in columns])
            number += 1
    workbook.close()
    file.seek(0)
    return file
