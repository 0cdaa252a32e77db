"""Access tokens, and what forgers try."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from erp_core.auth.errors import TokenExpired
from erp_core.auth.tokens import (
    Claims,
    check_secret,
    issue_access_token,
    key_id,
    new_key_pair,
    public_key,
    read_own_token,
    read_shared_token,
)
from erp_core.kernel.errors import OperatorError, Unauthenticated

PAIR = new_key_pair()
PUBLIC = public_key(PAIR.public_jwk)
SECRET = b"a shared secret of more than thirty-two bytes"
NOW = datetime.now(UTC)


def issue(now: datetime = NOW, **changes: Any) -> str:
    """Sign a good token, or one whose claims were changed, with the real key."""
    who = {"user_id": uuid4(), "tenant_id": uuid4(), "session_id": uuid4()}
    token = issue_access_token(PAIR.private_pem, PAIR.kid, now=now, **who)
    if not changes:
        return token
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, PAIR.private_pem, algorithm="EdDSA", headers={"kid": PAIR.kid})


def shared(algorithm: str = "HS256", key: bytes = SECRET, **changes: Any) -> str:
    now = int(NOW.timestamp())
    claims = {"sub": str(uuid4()), "tid": str(uuid4()), "aud": "erp", "iat": now, "exp": now + 900} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm)


def check(token: str) -> Claims:
    """Check a token exactly as the authenticator does: the header's key id chooses, and the key fixes the algorithm."""
    kid = key_id(token)
    if kid is None:
        return read_shared_token(token, SECRET)
    if kid != PAIR.kid:
        raise Unauthenticated
    return read_own_token(token, PUBLIC)


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_token_of_ours_says_who_where_and_in_which_session() -> None:
    user, tenant, session = uuid4(), uuid4(), uuid4()
    token = issue_access_token(PAIR.private_pem, PAIR.kid, user_id=user, tenant_id=tenant, session_id=session, now=NOW)

    claims = check(token)

    assert (claims.user_id, claims.tenant_id, claims.session_id) == (user, tenant, session)
    assert claims.expires_at - claims.issued_at == 900


def test_the_public_key_as_a_shared_secret_signs_nothing() -> None:
    for disguise in (PUBLIC.public_bytes(Encoding.Raw, PublicFormat.Raw), PAIR.public_jwk["x"].encode()):
        header, body = part({"alg": "HS256", "kid": PAIR.kid, "typ": "JWT"}), issue().split(".")[1]
        signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
            f"{header}.{body}".encode(), disguise
        )
        forged = f"{header}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

        with pytest.raises(Unauthenticated):
            check(forged)
        with pytest.raises(Unauthenticated):
            read_own_token(forged, PUBLIC)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_an_unsigned_token_is_refused(algorithm: str) -> None:
    header, body = part({"alg": algorithm, "kid": PAIR.kid, "typ": "JWT"}), issue().split(".")[1]

    with pytest.raises(Unauthenticated):
        check(f"{header}.{body}.")


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_the_shared_secret_signs_with_one_algorithm_only(algorithm: str) -> None:
    with pytest.raises(Unauthenticated):
        check(shared(algorithm, key=SECRET * 2))


def test_a_foreign_key_id_is_refused() -> None:
    other = new_key_pair()
    token = issue_access_token(
        other.private_pem, other.kid, user_id=uuid4(), tenant_id=uuid4(), session_id=uuid4(), now=NOW
    )

    with pytest.raises(Unauthenticated):
        check(token)


def test_a_foreign_key_under_our_key_id_is_refused() -> None:
    other = new_key_pair()
    token = issue_access_token(
        other.private_pem, PAIR.kid, user_id=uuid4(), tenant_id=uuid4(), session_id=uuid4(), now=NOW
    )

    with pytest.raises(Unauthenticated):
        check(token)


def test_an_expired_token_says_that_it_is_expired() -> None:
    with pytest.raises(TokenExpired):
        check(issue(NOW - timedelta(minutes=16)))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"},
        {"aud": None},
        {"iss": "other"},
        {"iss": None},
        {"exp": None},
        {"iat": None},
        {"jti": None},
        {"sid": None},
        {"tid": None},
        {"sub": "42"},
        {"tid": 7},
        {"exp": 1e400},
        {"exp": "soon"},
        {"iat": int(NOW.timestamp()) + 3600, "exp": int(NOW.timestamp()) + 7200},
    ],
)
def test_a_token_with_a_wrong_or_missing_claim_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        check(issue(**changes))


def test_one_changed_letter_breaks_the_signature() -> None:
    header, body, signature = issue().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["tid"] = str(uuid4())

    with pytest.raises(Unauthenticated):
        check(f"{header}.{part(claims)}.{signature}")


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "é", "e30.e30.e30", part({"alg": ["EdDSA"], "kid": 1}) + ".e30.e30"]
)
def test_garbage_is_refused_as_garbage(token: str) -> None:
    with pytest.raises(Unauthenticated):
        check(token)


def test_a_shared_token_needs_no_session_but_every_other_claim() -> None:
    assert check(shared()).session_id is None
    for missing in ("sub", "tid", "aud", "iat", "exp"):
        with pytest.raises(Unauthenticated):
            check(shared(**{missing: None}))


def test_a_shared_token_of_another_secret_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        check(shared(key=b"another secret of more than thirty-two bytes"))


def test_a_secret_that_could_be_guessed_stops_the_start() -> None:
    assert check_secret(None) is None
    with pytest.raises(OperatorError, match="JWT_SECRET"):
        check_secret("secret")
