"""What the database says about a token: the statements, on the pipeline, and how their answers are read.

They read only what a vertical's own role may read: no password, no private key, no refresh token.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from erp_core.auth.errors import NotAMember, SessionEnded, TenantSuspended
from erp_core.auth.tokens import Claims, public_key
from erp_core.kernel.queries.pipeline import Call, encode, statement
from erp_core.kernel.queries.pool import Pool

# Retired keys are read for as long as a token that they signed can be alive.
KEYS = statement(
    "SELECT k.kid, k.public_jwk FROM auth.signing_keys k"
    " WHERE k.algorithm = 'EdDSA' AND (k.retired_at IS NULL OR k.retired_at > now() - interval '16 minutes')"
)
STANDING = statement(
    "SELECT u.state = 'active',"
    " CASE WHEN $3::uuid IS NULL THEN u.signed_out_at IS NULL OR to_timestamp($4::float8) >= u.signed_out_at"
    " ELSE s.revoked_at IS NULL AND s.expires_at > now() END,"
    " m.state = 'active', t.state = 'active', u.must_change_password, u.language, t.time_zone,"
    " (SELECT coalesce(json_agg(DISTINCT g.name), '[]') FROM auth.role_assignments a"
    " JOIN auth.roles r ON r.tenant_id = a.tenant_id AND r.id = a.role_id AND r.archived_at IS NULL"
    " CROSS JOIN LATERAL jsonb_array_elements_text(r.permissions) AS g (name)"
    " WHERE a.tenant_id = $2::uuid AND a.user_id = $1::uuid)"
    " FROM auth.users u"
    " LEFT JOIN auth.memberships m ON m.tenant_id = $2::uuid AND m.user_id = u.id"
    " LEFT JOIN auth.tenants t ON t.id = $2::uuid"
    " LEFT JOIN auth.sessions s ON s.id = $3::uuid AND s.user_id = u.id"
    " WHERE u.id = $1::uuid"
)
# Read by the database's own clock, and a minute back each time: a row becomes visible when its transaction commits,
# which is later than the moment written in it.
NEWS = statement(
    "SELECT r.id, r.kind, r.subject, r.tenant_id FROM auth.revocations r WHERE r.at > now() - interval '60 seconds'"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody who may come in is like: grants as written in the roles, language, the company's time zone."""

    grants: tuple[str, ...]
    language: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class News:
    """One revocation."""

    id: UUID
    kind: str
    subject: UUID
    tenant_id: UUID | None


async def load_keys(pool: Pool) -> dict[str, Ed25519PublicKey]:
    """Read the public keys that verify tokens at this moment, by their id."""
    (found,) = await pool.run(None, [Call(KEYS, ())], read_only=True)
    return {kid.decode(): public_key(msgspec.json.decode(jwk)) for kid, jwk in found.rows() if kid and jwk}


async def load_standing(pool: Pool, claims: Claims) -> Standing:
    """Check session, user, membership and tenant of a token and read the user's grants; raises the refusal."""
    values = (claims.user_id, claims.tenant_id, claims.session_id, claims.issued_at)
    call = Call(STANDING, [encode(value) for value in values])
    (found,) = await pool.run(claims.tenant_id, [call], read_only=True)
    rows = found.rows()
    if not rows:
        raise SessionEnded
    user, session, member, tenant, must_change, language, time_zone, grants = rows[0]
    # A session that is not there leaves NULL, which is not b"t" either.
    if user != b"t" or session != b"t":
        raise SessionEnded
    if member != b"t":
        raise NotAMember
    if tenant != b"t":
        raise TenantSuspended
    names: list[str] = [] if must_change == b"t" else msgspec.json.decode(grants or b"[]", type=list[str])
    return Standing(tuple(names), (language or b"").decode(), (time_zone or b"").decode())


async def load_news(pool: Pool) -> list[News]:
    """Read the revocations of the last minute."""
    (found,) = await pool.run(None, [Call(NEWS, ())], read_only=True)
    return [
        News(
            uuid.UUID(row_id.decode()),
            kind.decode(),
            uuid.UUID(subject.decode()),
            uuid.UUID(tenant.decode()) if tenant else None,
        )
        for row_id, kind, subject, tenant in found.rows()
        if row_id and kind and subject
    ]
