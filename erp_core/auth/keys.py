"""The keys that sign access tokens: made at first need, rotated by an operator, published as a key set."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from erp_core.auth.models import SigningKey
from erp_core.auth.revocations import revoke
from erp_core.auth.tokens import ACCESS_LIFETIME, ALGORITHM, LEEWAY, new_key_pair

NOBODY = UUID(int=0)


def ensure_signing_key(session: Session) -> SigningKey:
    """Give the current key and make it if there is none; two processes at once agree on one."""
    return _current(session) or _create(session)


def rotate_signing_key(session: Session, *, compromised: bool = False) -> SigningKey:
    """Make a new current key.

    The old one verifies what it signed until that has expired. One that is known to somebody else goes at once,
    together with all retired ones: every access token signed so far is refused, and refreshing gives new ones.
    """
    _lock(session)
    if compromised:
        session.execute(delete(SigningKey))
        revoke(session, "keys", NOBODY)
    else:
        session.execute(update(SigningKey).where(SigningKey.retired_at.is_(None)).values(retired_at=func.now()))
    session.expire_all()
    return _insert(session)


def jwks(session: Session) -> dict[str, Any]:
    """Give the public keys as a JSON Web Key Set (RFC 7517): the current one and those retired a short while ago.

    It only reads: before the first sign-in there is no key, and the set is empty.
    """
    recent = or_(SigningKey.retired_at.is_(None), SigningKey.retired_at > func.now() - (ACCESS_LIFETIME + LEEWAY))
    found = session.scalars(select(SigningKey.public_jwk).where(recent).order_by(SigningKey.created_at.desc()))
    return {"keys": list(found)}


def delete_retired_keys(session: Session, now: datetime) -> int:
    """Delete keys whose last token has expired; gives their number."""
    old = delete(SigningKey).where(SigningKey.retired_at < now - ACCESS_LIFETIME * 4).returning(SigningKey.kid)
    return len(session.scalars(old).all())


def _current(session: Session) -> SigningKey | None:
    return session.scalar(select(SigningKey).where(SigningKey.retired_at.is_(None), SigningKey.algorithm == ALGORITHM))


def _create(session: Session) -> SigningKey:
    _lock(session)
    # Another process may have made it while this one waited.
    return _current(session) or _insert(session)


def _insert(session: Session) -> SigningKey:
    pair = new_key_pair()
    key = SigningKey(kid=pair.kid, algorithm=ALGORITHM, public_jwk=pair.public_jwk, private_pem=pair.private_pem)
    session.add(key)
    session.flush()
    return key


def _lock(session: Session) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('auth.signing_keys', 0))"))
