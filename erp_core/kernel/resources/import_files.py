"""Reading a CSV or XLSX file into rows of text, and saying exactly where something is wrong."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from erp_core.kernel.errors import Problem

MOST_ROWS = 100_000
MOST_COLUMNS = 200


class UnreadableFile(Problem):
    """The file is neither CSV nor XLSX, or is damaged."""

    code = "unreadable_file"
    message = "The file cannot be read: {reason}"


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing wrong in a file: the row as a spreadsheet counts it (the header is row 1), the column and why."""

    row: int
    column: str | None
    code: str
    reason: str


def read_rows(name: str, content: bytes) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Give the header and the rows with their numbers; empty rows are passed over."""
    is_workbook = content[:4] == b"PK\x03\x04" or name.lower().endswith(".xlsx")
    rows = _xlsx_rows(content) if is_workbook else _csv_rows(content)
    _, header = next(rows, (0, []))
    names = [cell.strip() for cell in header]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise UnreadableFile(reason="it has no header row.")
    if len(names) > MOST_COLUMNS:
        raise UnreadableFile(reason=f"it has more than {MOST_COLUMNS} columns.")
    return names, ((number, row) for number, row in rows if any(cell.strip() for cell in row))


def _csv_rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    text = _decoded(content)
    first = text.partition("\n")[0]
    # Spreadsheets in Spanish write semicolons where the comma is the decimal sign.
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for row in reader:
            number += 1
            if number > MOST_ROWS + 1:
                raise UnreadableFile(reason=f"it has more than {MOST_ROWS} rows.")
            yield number, row
    except csv.Error as error:
        raise UnreadableFile(reason=f"row {number + 1}: {error}.") from None


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            raise UnreadableFile(reason="it is not text.")
        return text
    raise UnreadableFile(reason="its characters are neither UTF-8 nor Windows-1252.")


def _xlsx_rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    import openpyxl  # 6 MB that most processes never need
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise UnreadableFile(reason=f"it is not a sound XLSX file ({type(error).__name__}).") from None
    try:
        for number, row in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
            if number > MOST_ROWS + 1:
                raise UnreadableFile(reason=f"it has more than {MOST_ROWS} rows.")
            yield number, [_cell_text(value) for value in row]
    finally:
        book.close()


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value)
