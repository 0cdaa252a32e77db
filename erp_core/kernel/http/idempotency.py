"""Answering a repeated request with its first answer."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from erp_core.kernel.context import Actor
from erp_core.kernel.errors import IdempotencyConflict, IdempotencyKeyInvalid
from erp_core.kernel.queries.pipeline import Call, Statement, encode, statement
from erp_core.kernel.queries.pipeline_errors import DatabaseError
from erp_core.kernel.queries.plan import Plan

HEADER = "idempotency-key"
LONGEST = 200
NOBODY = UUID(int=0)
REPLAYED = (b"idempotency-replayed", b"true")

# The advisory lock tells a request that is still running from one that is done; the primary key closes the gap between
# the lock and the insert at the end of the transaction.
CLAIM = statement(
    "SELECT CASE WHEN NOT pg_try_advisory_xact_lock(hashtextextended($4::text, 0))"
    " THEN core.refuse('idempotency_in_flight', '{}'::jsonb)"
    " WHEN EXISTS (SELECT FROM core.idempotency_keys k"
    " WHERE k.tenant_id = $1::uuid AND k.user_id = $2::uuid AND k.key = $3::text)"
    " THEN core.refuse('idempotency_replay', '{}'::jsonb) ELSE true END"
)
STORE = statement(
    "INSERT INTO core.idempotency_keys (tenant_id, user_id, key, fingerprint, status, body)"
    " VALUES ($1::uuid, $2::uuid, $3::text, $4::bytea, $5::smallint, $6::text)"
)
STORED = statement(
    "SELECT fingerprint = $4::bytea, status, body FROM core.idempotency_keys"
    " WHERE tenant_id = $1::uuid AND user_id = $2::uuid AND key = $3::text"
)


def read_key(header: str | None) -> str | None:
    """Check an Idempotency-Key; ``None`` when there is none."""
    if header is None:
        return None
    if not 1 <= len(header) <= LONGEST or not header.isprintable() or not header.isascii():
        raise IdempotencyKeyInvalid
    return header


def fingerprint_of(method: str, target: str, body: bytes) -> bytes:
    """Tell one request from another that came with the same key."""
    return sha256(b"\n".join((method.encode(), target.encode(), body))).digest()


def claim_call(actor: Actor, key: str) -> Call:
    """Refuse a key that is in use or was used; runs first in the transaction."""
    user = actor.user_id or NOBODY
    lock = f"{actor.tenant_id}/{user}/{key}"
    return Call(CLAIM, [encode(actor.tenant_id), encode(user), encode(key), encode(lock)])


def store_call(actor: Actor, key: str, fingerprint: bytes, status: int, body: bytes) -> Call:
    """Keep an answer; runs last in the transaction."""
    user = actor.user_id or NOBODY
    values = (actor.tenant_id, user, key, fingerprint, status, body.decode())
    return Call(STORE, [encode(value) for value in values])


def stored_call(actor: Actor, key: str, fingerprint: bytes) -> Call:
    """Read the first answer."""
    user = actor.user_id or NOBODY
    return Call(STORED, [encode(actor.tenant_id), encode(user), encode(key), encode(fingerprint)])


def keyed_calls(plan: Plan, actor: Actor, key: str, fingerprint: bytes) -> list[Call]:
    """Give a plan's statements with the claim before them and the answer kept by the last one."""
    plan = plan.keyed() if plan.keyed is not None and not plan.plain_answer else plan
    last = plan.calls[plan.answer]
    user = actor.user_id or NOBODY
    values = (actor.tenant_id, user, key, fingerprint, plan.status)
    kept = Call(_keeping(last.statement), [*last.params, *(encode(value) for value in values)])
    return [claim_call(actor, key), *plan.calls[:-1], kept]


@lru_cache(maxsize=1024)
def _keeping(answer: Statement) -> Statement:
    n = answer.param_count
    return statement(
        f"WITH answer(body) AS ({answer.sql})"
        " INSERT INTO core.idempotency_keys (tenant_id, user_id, key, fingerprint, status, body)"
        f" SELECT ${n + 1}::uuid, ${n + 2}::uuid, ${n + 3}::text, ${n + 4}::bytea, ${n + 5}::smallint,"
        " answer.body FROM answer"
        " RETURNING body"
    )


def is_replay(error: DatabaseError) -> bool:
    """Tell whether a request failed only because its key was used before."""
    used = error.sqlstate == "ERP01" and error.message == "idempotency_replay"
    return used or (error.sqlstate == "23505" and error.constraint == "pk_idempotency_keys")


def read_stored(row: tuple[bytes | None, ...]) -> tuple[int, bytes]:
    """Give the first answer's status and body, or refuse another request under the same key."""
    if row[0] != b"t":
        raise IdempotencyConflict
    return int(row[1] or b"200"), row[2] or b"null"
