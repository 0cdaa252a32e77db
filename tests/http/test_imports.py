"""Importing files: every bad row is named, nothing is half done, and a repeat does nothing."""

from __future__ import annotations

import io
import signal
import time
from collections.abc import Callable
from subprocess import Popen
from typing import Any

import openpyxl
import pytest

from erp_core.testing.environment import Erp, Person

Start = Callable[[], "Popen[bytes]"]
CSV = {"content-type": "text/csv"}
XLSX = {"content-type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
PARTNERS = "/core/partners"


def send(person: Person, rows: str, query: str = "", **headers: str) -> str:
    answer = person.call("POST", f"{PARTNERS}/import{query}", content=rows.encode(), headers={**CSV, **headers})
    assert answer.status == 202, answer.response.text
    return str(answer.body["follow"])


def finished(person: Person, follow: str, seconds: float = 60) -> dict[str, Any]:
    """Follow a job to its end."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        job: dict[str, Any] = person.get(follow).body
        if job["state"] in {"done", "failed", "cancelled"}:
            return job
        time.sleep(0.1)
    message = f"The job is still {job['state']} at {job['done']} of {job['total']}."
    raise AssertionError(message)


def rows(count: int, start: int = 0) -> str:
    lines = [f"C-{n:05},Cliente número {n},company,true" for n in range(start, start + count)]
    return "\n".join(["code,name,kind,is_customer", *lines, ""])


def test_a_sound_file_is_imported_whole(person: Person, start_worker: Start) -> None:
    start_worker()

    job = finished(person, send(person, rows(300)))

    assert (job["state"], job["result"]) == ("done", {"rows": 300, "created": 300, "dry_run": False})
    assert person.get(f"{PARTNERS}?total=true&limit=1").body["total"] == 300


def test_a_file_with_bad_rows_changes_nothing_and_lists_each(person: Person, start_worker: Start) -> None:
    start_worker()
    person.post(PARTNERS, {"name": "Ya está", "kind": "company", "code": "C-00001"})
    bad = rows(3) + "C-00009,,company,true\nC-00002,Repetido,company,quizás\n"

    job = finished(person, send(person, bad))

    found = {(error["row"], error["column"], error["code"]) for error in job["problem"]["errors"]}
    assert (job["state"], job["problem"]["code"]) == ("failed", "rows_refused")
    assert {(3, "code", "duplicate"), (5, "name", "invalid_input"), (6, "is_customer", "invalid_input")} <= found
    assert person.get(f"{PARTNERS}?total=true").body["total"] == 1


def test_a_dry_run_says_what_would_happen_and_does_nothing(person: Person, start_worker: Start) -> None:
    start_worker()

    job = finished(person, send(person, rows(20), "?dry_run=true"))

    assert (job["state"], job["result"]["rows"], job["result"]["created"]) == ("done", 20, 0)
    assert person.items(PARTNERS) == []


def test_a_workbook_is_read_like_a_text_file(person: Person, start_worker: Start) -> None:
    start_worker()
    book = openpyxl.Workbook()
    book.active.append(["code", "name", "kind", "is_supplier"])  # type: ignore[union-attr]
    book.active.append(["P-1", "Proveedor Uno", "company", True])  # type: ignore[union-attr]
    buffer = io.BytesIO()
    book.save(buffer)

    answer = person.call("POST", f"{PARTNERS}/import", content=buffer.getvalue(), headers=XLSX)
    job = finished(person, answer.body["follow"])

    assert (job["state"], job["result"]["created"]) == ("done", 1)
    assert person.items(PARTNERS)[0]["is_supplier"] is True


def test_the_same_upload_sent_twice_is_one_job(person: Person, start_worker: Start) -> None:
    start_worker()

    first = send(person, rows(5), **{"idempotency-key": "upload"})
    second = send(person, rows(5), **{"idempotency-key": "upload"})

    assert second == first
    assert finished(person, first)["state"] == "done"
    assert person.get(f"{PARTNERS}?total=true").body["total"] == 5


def test_a_worker_killed_in_the_middle_leaves_nothing_half_done(person: Person, erp: Erp, start_worker: Start) -> None:
    worker = start_worker()
    follow = send(person, rows(4000))
    until = time.monotonic() + 60
    while time.monotonic() < until and not (person.get(follow).body["done"] or 0) > 500:
        time.sleep(0.02)

    worker.send_signal(signal.SIGKILL)
    worker.wait()
    left_behind = person.get(f"{PARTNERS}?total=true&limit=1").body["total"]
    start_worker()
    job = finished(person, follow, 120)

    assert left_behind == 0
    assert (job["state"], job["result"]["created"]) == ("done", 4000)
    assert person.get(f"{PARTNERS}?total=true&limit=1").body["total"] == 4000


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"", CSV, 422, "invalid_input"),
        (b"code,name\n", {"content-type": "image/png"}, 415, "unsupported_media_type"),
    ],
)
def test_what_is_no_file_is_refused_at_once(
    person: Person, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = person.call("POST", f"{PARTNERS}/import", content=content, headers=headers)

    assert (answer.status, answer.problem) == (status, code)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"colour,name\nred,A\n", "rows_refused"),
        (b"PK\x03\x04 not a workbook", "unreadable_file"),
        (b'code,name\n"open,quote\n', "unreadable_file"),
        (b"\n\n", "unreadable_file"),
    ],
)
def test_an_unreadable_file_fails_the_job_with_the_reason(
    person: Person, start_worker: Start, content: bytes, code: str
) -> None:
    start_worker()

    answer = person.call("POST", f"{PARTNERS}/import", content=content, headers=CSV)
    job = finished(person, answer.body["follow"])

    assert (job["state"], job["problem"]["code"]) == ("failed", code)
