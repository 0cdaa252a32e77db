"""The public signing keys, where every verifier looks for them."""

from __future__ import annotations

from typing import Any

from erp_core.auth.keys import jwks
from erp_core.kernel.context import Context
from erp_core.kernel.http.routing import PUBLIC, Route, route


@route("GET", "/.well-known/jwks.json", PUBLIC)
def signing_keys(ctx: Context) -> dict[str, Any]:
    """Give the public keys that access tokens are signed with (JWKS)."""
    return jwks(ctx.session)


ROUTES: tuple[Route, ...] = (signing_keys,)
