"""Sessions: one for each sign-in, kept alive by refresh tokens, ended by their owner, an operator or a theft."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from erp_core.auth.keys import ensure_signing_key
from erp_core.auth.membership import list_tenants_of
from erp_core.auth.models import RefreshToken, SignInSession, User
from erp_core.auth.revocations import revoke
from erp_core.auth.schemas import AccessToken, SessionList, SessionView, TenantBrief, TokenPair
from erp_core.auth.tokens import ACCESS_LIFETIME, issue_access_token
from erp_core.kernel.context import Context
from erp_core.kernel.errors import NotFound
from erp_core.kernel.ids import new_id

REFRESH_LIFETIME = timedelta(days=30)
# Ended sessions stay for a while, so that a stolen refresh token is still recognised when it comes back.
ENDED_KEPT = timedelta(days=30)


def open_session(ctx: Context, user: User, tenant: TenantBrief) -> TokenPair:
    """Start a session of a person whose password was right, and give its first tokens."""
    now = ctx.now()
    opened = SignInSession(
        id=new_id(),
        user_id=user.id,
        tenant_id=tenant.id,
        created_at=now,
        last_used_at=now,
        address=ctx.actor.address[:64],
        user_agent=ctx.actor.user_agent[:300],
        expires_at=now + REFRESH_LIFETIME,
    )
    ctx.session.add(opened)
    ctx.session.flush()
    return give_tokens(ctx, opened, user, tenant)


def give_tokens(ctx: Context, opened: SignInSession, user: User, tenant: TenantBrief) -> TokenPair:
    """Give a new refresh token and an access token for the tenant; the session lives on from now."""
    now = ctx.now()
    secret = secrets.token_urlsafe(32)
    until = now + REFRESH_LIFETIME
    ctx.session.add(
        RefreshToken(id=new_id(), session_id=opened.id, sha256=fingerprint(secret), issued_at=now, expires_at=until)
    )
    opened.tenant_id, opened.last_used_at, opened.expires_at = tenant.id, now, until
    ctx.session.flush()
    access = access_token(ctx, user.id, opened.id, tenant)
    return TokenPair(
        access_token=access.access_token,
        expires_in=access.expires_in,
        refresh_token=secret,
        refresh_expires_at=until,
        tenant=tenant,
        tenants=list_tenants_of(ctx.session, user.id),
        must_change_password=user.must_change_password,
    )


def access_token(ctx: Context, user_id: UUID, session_id: UUID, tenant: TenantBrief) -> AccessToken:
    """Sign an access token with the current key."""
    key = ensure_signing_key(ctx.session)
    token = issue_access_token(
        key.private_pem, key.kid, user_id=user_id, tenant_id=tenant.id, session_id=session_id, now=ctx.now()
    )
    return AccessToken(token, int(ACCESS_LIFETIME.total_seconds()), tenant)


def fingerprint(secret: str) -> bytes:
    """Give the SHA-256 under which a refresh token is kept: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def list_sessions(ctx: Context) -> SessionList:
    """List the caller's sessions that are still alive, newest first."""
    rows = ctx.session.scalars(
        select(SignInSession)
        .where(
            SignInSession.user_id == ctx.user_id,
            SignInSession.revoked_at.is_(None),
            SignInSession.expires_at > ctx.now(),
        )
        .order_by(SignInSession.id.desc())
        .limit(200)
    )
    return SessionList([_view(row, ctx.actor.session_id) for row in rows])


def end_own_session(ctx: Context, session_id: UUID | None) -> None:
    """End one session of the caller; somebody else's answers as if there were none."""
    found = None if session_id is None else ctx.session.get(SignInSession, session_id, with_for_update=True)
    if found is None or found.user_id != ctx.user_id:
        raise NotFound(resource="sessions", id=str(session_id))
    end_session(ctx.session, found, ctx.now())


def end_session(session: Session, found: SignInSession, now: datetime) -> None:
    """End a session and tell every process; ending it twice changes nothing."""
    if found.revoked_at is None:
        found.revoked_at = now
        session.flush()
        revoke(session, "session", found.id)


def end_all_sessions(session: Session, user: User, now: datetime, *, keep: UUID | None = None) -> None:
    """End every session of a person but ``keep``, and refuse tokens without a session that were issued until now."""
    alive = update(SignInSession).where(SignInSession.user_id == user.id, SignInSession.revoked_at.is_(None))
    if keep is not None:
        alive = alive.where(SignInSession.id != keep)
    session.execute(alive.values(revoked_at=now).execution_options(synchronize_session="fetch"))
    user.signed_out_at = now
    user.version += 1
    session.flush()
    revoke(session, "user", user.id)


def delete_old_sessions(session: Session, now: datetime) -> int:
    """Delete sessions that ended or expired long ago, with their refresh tokens; gives their number."""
    gone = (SignInSession.expires_at < now) | (SignInSession.revoked_at < now - ENDED_KEPT)
    return len(session.scalars(delete(SignInSession).where(gone).returning(SignInSession.id)).all())


def _view(row: SignInSession, current: UUID | None) -> SessionView:
    return SessionView(
        id=row.id,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        address=row.address,
        user_agent=row.user_agent,
        current=row.id == current,
    )
