"""A file whose cells name a foreign company's objects: refused exactly as cells that name nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from erp_core.kernel.resources.declaration import Resource
from erp_core.testing.environment import Erp, Person

from .doors import writable_references
from .ground import Company, differences, digest, new_body, unknown_id

# The worker also carries out what the owner had waiting before.
WORKERS_OWN = ("core.inbox", "core.jobs", "core.outbox", "core.outbox_pending", "core.audit_entries", "core.job_files")


def test_a_file_cannot_point_at_foreign_objects(
    erp: Erp, owner: Company, attacker: Company, start_worker: Callable[[], Any]
) -> None:
    start_worker()
    before = digest(erp, owner.person.tenant_id)
    jobs = []
    for resource, column in writable_references():
        if "import" in resource.operations:
            target = attacker.erp.application.resources[resource.references[column]]
            both = (owner.row(target)["id"], unknown_id())
            jobs += [(resource, column, one, start_import(attacker, resource, column, one)) for one in both]

    outcomes = [(*rest, outcome(attacker.person, follow)) for *rest, follow in jobs]

    told_apart = []
    for (resource, column, foreign, first), (_, _, unknown, second) in zip(outcomes[::2], outcomes[1::2], strict=True):
        if first.replace(foreign, "…") != second.replace(unknown, "…") or "unknown_reference" not in first:
            told_apart.append((resource.name, column, first, second))
    assert told_apart == []
    assert differences(before, digest(erp, owner.person.tenant_id), but=WORKERS_OWN) == []


def start_import(attacker: Company, resource: Resource, column: str, value: str) -> str:
    """Send a file of one row that points at an object; gives where its job is followed."""
    body = {**new_body(attacker, resource), column: value}
    cells = {name: cell for name, cell in body.items() if isinstance(cell, (str, int, bool))}
    names = list(cells)
    row = ",".join('"' + str(cells[name]).replace('"', '""') + '"' for name in names)
    answer = attacker.person.call(
        "POST",
        f"{resource.path}/import",
        content=f"{','.join(names)}\n{row}\n".encode(),
        headers={"content-type": "text/csv"},
    )
    assert answer.status == 202, answer.response.text
    return str(answer.body["follow"])


def outcome(person: Person, follow: str) -> str:
    """Wait for a job's end and give what it says of its rows."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        job = person.get(follow).body
        if job["state"] in {"done", "failed", "cancelled"}:
            return str({name: job[name] for name in job if name in {"state", "result", "error", "errors", "problem"}})
        time.sleep(0.05)
    message = f"The job at {follow} did not end."
    raise AssertionError(message)
