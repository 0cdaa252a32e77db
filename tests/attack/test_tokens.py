"""Forged, foreign, stale and revoked tokens open nothing."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from erp_core.auth.models import SigningKey
from erp_core.auth.tokens import issue_access_token, public_key
from erp_core.kernel.ids import new_id
from erp_core.tenants import services as operator
from erp_core.testing.environment import NOBODY, Context, Erp, Person, make_role

ONE_SECOND = 1.0
ANSWERED_IN = 0.3
PASSWORD = "una-clave-bien-larga-71"


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def key_of(erp: Erp) -> tuple[str, str]:
    """Give the current signing key: what it is called and its private half."""
    with Session(erp.units.engine) as session:
        key = session.scalars(select(SigningKey)).first()
        assert key is not None
        return key.kid, key.private_pem


def signed(erp: Erp, claims: dict[str, Any], **headers: Any) -> str:
    """Sign claims with the core's own key."""
    kid, pem = key_of(erp)
    return jwt.encode(claims, pem, algorithm="EdDSA", headers={"kid": kid, **headers})


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def public_pem(client: httpx.Client) -> bytes:
    jwk = client.get("/.well-known/jwks.json").json()["keys"][0]
    return public_key(jwk).public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def hs256(claims: dict[str, Any], secret: bytes, **headers: Any) -> str:
    """Sign by hand: libraries refuse a public key as a secret, an attacker does not."""
    import hashlib
    import hmac

    text = f"{part({'alg': 'HS256', 'typ': 'JWT', **headers})}.{part(claims)}"
    seal = base64.urlsafe_b64encode(hmac.new(secret, text.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    return f"{text}.{seal}"


Forge = Callable[[Erp, httpx.Client, Person], str]


def changed(erp: Erp, person: Person, **claims: Any) -> str:
    found = claims_of(person.token) | claims
    return signed(erp, {name: value for name, value in found.items() if value is not None})


def resealed(person: Person, **claims: Any) -> str:
    """Change the claims and keep the old signature."""
    head, _, seal = person.token.split(".")
    return f"{head}.{part(claims_of(person.token) | claims)}.{seal}"


def long_ago(minutes: int) -> int:
    return int((datetime.now(UTC) - timedelta(minutes=minutes)).timestamp())


FORGED: dict[str, Forge] = {
    "no algorithm": lambda e, c, p: f"{part({'alg': 'none'})}.{part(claims_of(p.token))}.",
    "no algorithm in capitals": lambda e, c, p: (
        f"{part({'alg': 'NONE', 'kid': key_of(e)[0]})}.{part(claims_of(p.token))}."
    ),
    "shared secret is the public key": lambda e, c, p: hs256(claims_of(p.token), public_pem(c)),
    "the same with our key's name": lambda e, c, p: hs256(claims_of(p.token), public_pem(c), kid=key_of(e)[0]),
    "shared secret is empty": lambda e, c, p: hs256(claims_of(p.token), b""),
    "another key under our name": lambda e, c, p: jwt.encode(
        claims_of(p.token), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": key_of(e)[0]}
    ),
    "another key under its own name": lambda e, c, p: jwt.encode(
        claims_of(p.token), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"kid": "mine"}
    ),
    "a key brought along": lambda e, c, p: jwt.encode(
        claims_of(p.token),
        Ed25519PrivateKey.generate(),
        algorithm="EdDSA",
        headers={"kid": "mine", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, "jku": "http://127.0.0.1:1/"},
    ),
    "a key that is a path": lambda e, c, p: signed(e, claims_of(p.token), kid="../../../../dev/null"),
    "expired": lambda e, c, p: changed(e, p, iat=long_ago(30), exp=long_ago(15)),
    "never expires": lambda e, c, p: changed(e, p, exp=None),
    "expires beyond all numbers": lambda e, c, p: changed(e, p, exp=float("inf")),
    "expiry is a text": lambda e, c, p: changed(e, p, exp="mañana"),
    "other audience": lambda e, c, p: changed(e, p, aud="another"),
    "no audience": lambda e, c, p: changed(e, p, aud=None),
    "other issuer": lambda e, c, p: changed(e, p, iss="another"),
    "not yet": lambda e, c, p: changed(e, p, nbf=long_ago(-60)),
    "no tenant": lambda e, c, p: changed(e, p, tid=None),
    "tenant is a statement": lambda e, c, p: changed(e, p, tid="'; SELECT 1; --"),
    "other user": lambda e, c, p: changed(e, p, sub=str(e.open_tenant().user_id)),
    "other session": lambda e, c, p: changed(e, p, sid=str(uuid4())),
    "somebody else's session": lambda e, c, p: changed(e, p, sid=claims_of(e.open_tenant().token)["sid"]),
    "user is a list": lambda e, c, p: changed(e, p, tid=[1]),
    "claims exchanged": lambda e, c, p: resealed(p, tid=str(uuid4())),
    "signature cut off": lambda e, c, p: p.token.rpartition(".")[0] + ".",
    "signature changed": lambda e, c, p: p.token[:-4] + ("AAAA" if p.token[-4:] != "AAAA" else "BBBB"),
    "very long": lambda e, c, p: p.token + "A" * 20_000,
    "very long within the limit": lambda e, c, p: "A" * 3_000,
    "only dots": lambda e, c, p: "..",
    "critical header": lambda e, c, p: signed(e, claims_of(p.token), crit=["x"], x=1),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_forged_token_opens_nothing(forge: Forge, erp: Erp, client: httpx.Client, someone: Person) -> None:
    token = forge(erp, client, someone)

    answer = client.get("/api/v1/core/partners", headers={"authorization": f"Bearer {token}"})

    assert answer.status_code == 401, answer.text
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


def test_another_companys_name_in_a_token_opens_nothing_and_tells_nothing(
    erp: Erp, client: httpx.Client, someone: Person
) -> None:
    tenants = (erp.open_tenant().tenant_id, uuid4())
    tokens = [changed(erp, someone, tid=str(tenant)) for tenant in tenants]

    answers = [client.get("/api/v1/core/partners", headers={"authorization": f"Bearer {token}"}) for token in tokens]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "not_a_member")] * 2


def test_the_words_before_a_token_are_read_as_the_standard_says(client: httpx.Client, someone: Person) -> None:
    answers = {
        text: client.get("/api/v1/core/partners", headers={"authorization": text}).status_code
        for text in (
            f"Bearer {someone.token}", f"bearer {someone.token}", f"BEARER {someone.token}",
            someone.token, f"Basic {someone.token}", f"Bearer{someone.token}", "Bearer", "",
            f"Bearer Bearer {someone.token}", f"Bearer {someone.token} {someone.token}", f"Token {someone.token}",
        )
    }  # fmt: skip

    assert [status for text, status in answers.items() if text.lower() == f"bearer {someone.token}".lower()] == [
        200
    ] * 3
    assert {status for text, status in answers.items() if text.lower() != f"bearer {someone.token}".lower()} == {401}


def test_a_token_counts_in_no_other_place(client: httpx.Client, someone: Person) -> None:
    path = "/api/v1/core/partners"
    names = ("token", "access_token", "session", "authorization", "jwt")
    tries = [client.get(path, headers={"cookie": f"{name}={someone.token}"}) for name in names]
    tries += [client.get(path, headers={"x-access-token": someone.token})]
    tries += [client.get(f"{path}?{name}={someone.token}") for name in names]

    assert {answer.status_code for answer in tries} == {401}
    assert not [answer for answer in tries if "set-cookie" in answer.headers]


def ends(person: Person, within: float = ONE_SECOND) -> int:
    """Ask until the token no longer works; gives the refusal's status, or 200 when it still worked afterwards."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        status = person.get("/core/auth/me").status
        if status != 200:
            return status
        time.sleep(0.02)
    return person.get("/core/auth/me").status


def test_a_session_that_was_ended_ends_within_a_second(someone: Person) -> None:
    assert someone.get("/core/auth/me").status == 200
    someone.post("/core/auth/sign-out")

    assert ends(someone) == 401


def test_all_sessions_end_within_a_second(someone: Person) -> None:
    assert someone.get("/core/auth/me").status == 200
    someone.post("/core/auth/sign-out-everywhere")

    assert ends(someone) == 401


def test_a_suspended_company_is_shut_within_a_second(erp: Erp, someone: Person) -> None:
    assert someone.get("/core/partners").status == 200
    with Session(erp.units.engine) as session, session.begin():
        operator.suspend_tenant(session, someone.tenant_slug)

    assert ends(someone) == 403


def test_a_disabled_user_is_out_within_a_second(someone: Person, sign_in: Callable[..., Person]) -> None:
    other = sign_in(someone.tenant_slug)
    assert other.get("/core/auth/me").status == 200

    answer = someone.post(f"/core/users/{other.user_id}/disable")

    assert answer.status == 200, answer.response.text
    assert ends(other) in {401, 403}


def test_a_changed_role_counts_within_a_second(erp: Erp, someone: Person, sign_in: Callable[..., Person]) -> None:
    other = sign_in(someone.tenant_slug, permissions=["core.partners.read", "core.units.read"])
    both = {"core.partners.read", "core.units.read"}
    role = next(r for r in someone.items("/core/roles", params={"limit": "200"}) if set(r["permissions"]) == both)
    assert (other.get("/core/partners").status, other.get("/core/products").status) == (200, 403)

    answer = someone.patch(f"/core/roles/{role['id']}", {"permissions": ["core.products.read"]})
    assert answer.status == 200, answer.response.text
    time.sleep(ONE_SECOND)

    assert (other.get("/core/partners").status, other.get("/core/products").status) == (403, 200)


def test_a_role_that_was_taken_away_is_gone_within_a_second(
    erp: Erp, someone: Person, sign_in: Callable[..., Person]
) -> None:
    other = sign_in(someone.tenant_slug, permissions=["core.partners.read"])
    role = next(
        role
        for role in someone.items("/core/roles", params={"limit": "200"})
        if role["permissions"] == ["core.partners.read"]
    )
    assert other.get("/core/partners").status == 200

    answer = someone.delete(f"/core/users/{other.user_id}/roles/{role['id']}")
    time.sleep(ONE_SECOND)

    assert answer.status == 204, answer.response.text
    assert other.get("/core/partners").status == 403


def test_a_token_for_one_company_shows_nothing_of_the_other_after_a_switch(
    erp: Erp, someone: Person, client: httpx.Client
) -> None:
    second = erp.open_tenant()
    join(erp, second.tenant_slug, someone.email)
    switched = someone.post("/core/auth/switch-tenant", {"tenant": second.tenant_slug})
    there = Person(client, second.tenant_id, someone.user_id, switched.body["access_token"], second.tenant_slug)
    there.post("/core/partners", {"name": "Del segundo", "kind": "company"})
    someone.post("/core/partners", {"name": "Del primero", "kind": "company"})

    names = [[row["name"] for row in person.items("/core/partners")] for person in (someone, there)]

    assert UUID(claims_of(there.token)["tid"]) == second.tenant_id
    assert names == [["Del primero"], ["Del segundo"]]


def test_a_company_that_one_does_not_belong_to_cannot_be_switched_to(erp: Erp, someone: Person) -> None:
    other = erp.open_tenant()

    foreign = someone.post("/core/auth/switch-tenant", {"tenant": other.tenant_slug})
    unknown = someone.post("/core/auth/switch-tenant", {"tenant": "no-existe-tal"})

    assert foreign.status == unknown.status != 200
    assert foreign.problem == unknown.problem


def join(erp: Erp, slug: str, email: str) -> None:
    """Let a person into another company with every permission."""
    with Session(erp.units.engine) as session, session.begin():
        ctx = Context(session, NOBODY, erp.units.hooks)
        tenant = operator.find_tenant(session, slug)
        operator.grant(session, slug, email, [make_role(ctx, tenant.id, ("*",))])


def test_a_token_of_our_own_key_for_a_dead_session_is_refused(erp: Erp, client: httpx.Client, someone: Person) -> None:
    kid, pem = key_of(erp)
    token = issue_access_token(
        pem, kid, user_id=someone.user_id, tenant_id=someone.tenant_id, session_id=new_id(), now=datetime.now(UTC)
    )

    answer = client.get("/api/v1/core/auth/me", headers={"authorization": f"Bearer {token}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
