"""Access tokens: how they are made, and how one is checked without any database."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from erp_core.auth.errors import TokenExpired
from erp_core.kernel.errors import OperatorError, Unauthenticated
from erp_core.kernel.ids import new_id

ISSUER = "erp-core"
AUDIENCE = "erp"
ALGORITHM = "EdDSA"
SHARED_ALGORITHM = "HS256"
ACCESS_LIFETIME = timedelta(minutes=15)
# Clocks of two machines differ a little.
LEEWAY = timedelta(seconds=5)
SHORTEST_SECRET = 32


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A new Ed25519 pair: the public half as a JWK, the private one as PEM."""

    kid: str
    public_jwk: dict[str, str]
    private_pem: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What a checked token says; ``session_id`` is ``None`` for a shared-secret token without one.

    ``issued_at`` and ``expires_at`` are seconds since 1970.
    """

    user_id: UUID
    tenant_id: UUID
    session_id: UUID | None
    issued_at: float
    expires_at: float


def new_key_pair() -> KeyPair:
    """Make a key pair; its ``kid`` is the RFC 7638 thumbprint of the public half."""
    private = Ed25519PrivateKey.generate()
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
    thumbprint = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode("ascii")).digest()
    kid = base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode("ascii")
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": ALGORITHM, "use": "sig"}
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    return KeyPair(kid, jwk, pem)


def public_key(jwk: Mapping[str, str]) -> Ed25519PublicKey:
    """Read the public half of a pair from its JWK."""
    x = jwk["x"]
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))


def issue_access_token(
    private_pem: str, kid: str, *, user_id: UUID, tenant_id: UUID, session_id: UUID, now: datetime
) -> str:
    """Sign an access token, good for fifteen minutes."""
    private = load_pem_private_key(private_pem.encode("ascii"), password=None)
    if not isinstance(private, Ed25519PrivateKey):
        message = f"The signing key {kid} is not an Ed25519 key."
        raise TypeError(message)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "tid": str(tenant_id),
        "sid": str(session_id),
        "iat": int(now.timestamp()),
        "exp": int((now + ACCESS_LIFETIME).timestamp()),
        "jti": str(new_id()),
    }
    return jwt.encode(claims, private, algorithm=ALGORITHM, headers={"kid": kid})


def check_secret(secret: str | None) -> bytes | None:
    """Give the shared secret as bytes; one that can be guessed offline stops the start."""
    if secret is None:
        return None
    if len(secret.encode()) < SHORTEST_SECRET:
        raise OperatorError(
            f"JWT_SECRET has fewer than {SHORTEST_SECRET} bytes and could be guessed.",
            "Set a random one of 32 bytes or more, or unset it: our own tokens do not need it.",
            status=2,
        )
    return secret.encode()


def key_id(token: str) -> str | None:
    """Read which of our keys the token says it was signed with; ``None`` for a shared-secret token.

    Only two algorithms exist for us, and each has its own kind of key: a token cannot choose how it is checked.
    """
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError):
        raise Unauthenticated from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm == SHARED_ALGORITHM:
        return None
    if algorithm != ALGORITHM or not isinstance(kid, str):
        raise Unauthenticated
    return kid


def read_own_token(token: str, key: Ed25519PublicKey) -> Claims:
    """Check a token of ours: signature, issuer, audience, times; it carries sub, tid, sid, iat, exp and jti."""
    required = ["iss", "aud", "sub", "tid", "sid", "iat", "exp", "jti"]
    return _claims(_decode(token, key, ALGORITHM, required, issuer=ISSUER))


def read_shared_token(token: str, secret: bytes) -> Claims:
    """Check a token that another program signed (HS256) with the operator's ``JWT_SECRET``.

    It must carry ``sub`` (the user's id), ``tid`` (the tenant's id), ``aud`` (``erp``), ``iat`` and ``exp``; with
    ``sid`` it depends on that session as well. Issuer and roles in it are ignored: what the user may do comes from the
    database.
    """
    return _claims(_decode(token, secret, SHARED_ALGORITHM, ["aud", "sub", "tid", "iat", "exp"], issuer=None))


def _decode(
    token: str, key: Ed25519PublicKey | bytes, algorithm: str, required: list[str], *, issuer: str | None
) -> dict[str, Any]:
    try:
        found: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=AUDIENCE,
            issuer=issuer,
            leeway=LEEWAY,
            options={"require": required},
        )
    except jwt.ExpiredSignatureError:
        raise TokenExpired from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        # Claims of absurd types (an expiry of 1e400) leave the library as other errors than its own.
        raise Unauthenticated from None
    return found


def _claims(found: dict[str, Any]) -> Claims:
    session = found.get("sid")
    try:
        return Claims(
            UUID(found["sub"]),
            UUID(found["tid"]),
            None if session is None else UUID(session),
            float(found["iat"]),
            float(found["exp"]),
        )
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise Unauthenticated from None
