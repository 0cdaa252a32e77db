"""Signing in, staying signed in, changing company and password.

A refusal that must be remembered (a wrong password is counted, a reused refresh token ends its session) is given back
instead of raised, so that the transaction commits; every other refusal is raised.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from erp_core.auth.errors import RefreshReused, SessionEnded, WrongCredentials
from erp_core.auth.keys import delete_retired_keys
from erp_core.auth.membership import ACTIVE, choose_tenant
from erp_core.auth.models import RefreshToken, SignInSession, User
from erp_core.auth.passwords import hash_password, needs_rehash, password_matches
from erp_core.auth.revocations import delete_old_revocations
from erp_core.auth.rules import check_password, fold_email
from erp_core.auth.schemas import AccessToken, ChangePassword, Refresh, SignIn, SwitchTenant, TokenPair
from erp_core.auth.sessions import (
    access_token,
    delete_old_sessions,
    end_all_sessions,
    end_session,
    fingerprint,
    give_tokens,
    open_session,
)
from erp_core.auth.throttle import blocked, delete_old_throttles, forget_failures, hold_account, note_failure
from erp_core.kernel.context import Context
from erp_core.kernel.errors import Problem, Unauthenticated


def sign_in(ctx: Context, data: SignIn) -> TokenPair | Problem:
    """Check email and password and open a session; gives ``WrongCredentials`` or ``TooManySignIns`` back."""
    email = fold_email(data.email)
    hold_account(ctx.session, email)
    user = ctx.session.scalar(select(User).where(User.email == email))
    refusal = _check_password(ctx, email, user, data.password)
    if refusal is not None or user is None:
        return refusal or WrongCredentials()
    if needs_rehash(user.password_hash):
        user.password_hash = hash_password(data.password)
    return open_session(ctx, user, choose_tenant(ctx.session, user.id, slug=data.tenant))


def refresh(ctx: Context, data: Refresh) -> TokenPair | Problem:
    """Exchange a refresh token for new ones; one that was used before ends its session: ``RefreshReused``."""
    token = ctx.session.scalar(
        select(RefreshToken).where(RefreshToken.sha256 == fingerprint(data.refresh_token)).with_for_update()
    )
    if token is None:
        raise SessionEnded
    now = ctx.now()
    found = ctx.session.get_one(SignInSession, token.session_id, with_for_update=True)
    if token.used_at is not None:
        end_session(ctx.session, found, now)
        return RefreshReused()
    user = ctx.session.get_one(User, found.user_id)
    if found.revoked_at is not None or min(found.expires_at, token.expires_at) <= now or user.state != ACTIVE:
        raise SessionEnded
    tenant = choose_tenant(ctx.session, user.id, slug=data.tenant, preferred=found.tenant_id)
    token.used_at = now
    found.address, found.user_agent = ctx.actor.address[:64], ctx.actor.user_agent[:300]
    return give_tokens(ctx, found, user, tenant)


def switch_tenant(ctx: Context, data: SwitchTenant) -> AccessToken:
    """Give an access token for another company of the caller's, without a password; refreshing stays with that one."""
    if ctx.actor.session_id is None or ctx.user_id is None:
        raise SessionEnded
    tenant = choose_tenant(ctx.session, ctx.user_id, slug=data.tenant)
    found = ctx.session.get_one(SignInSession, ctx.actor.session_id, with_for_update=True)
    if found.revoked_at is not None:
        raise SessionEnded
    found.tenant_id, found.last_used_at = tenant.id, ctx.now()
    return access_token(ctx, ctx.user_id, found.id, tenant)


def sign_out_everywhere(ctx: Context) -> None:
    """End every session of the caller, this one too."""
    end_all_sessions(ctx.session, _caller(ctx), ctx.now())


def change_password(ctx: Context, data: ChangePassword) -> Problem | None:
    """Change the caller's password and end all other sessions; a wrong old one is counted like a failed sign-in."""
    user = _caller(ctx)
    check_password(data.password, user.email)
    hold_account(ctx.session, user.email)
    # Locked only now: a sign-in holds the account first and the row second, and so must this.
    ctx.session.refresh(user, with_for_update=True)
    refusal = _check_password(ctx, user.email, user, data.old_password)
    if refusal is not None:
        return refusal
    user.password_hash = hash_password(data.password)
    user.must_change_password = False
    end_all_sessions(ctx.session, user, ctx.now(), keep=ctx.actor.session_id)
    return None


def delete_expired(session: Session, now: datetime) -> dict[str, int]:
    """Delete what can no longer matter: old sessions, counts, news and keys; safe to repeat, gives the numbers."""
    return {
        "sessions": delete_old_sessions(session, now),
        "throttles": delete_old_throttles(session, now),
        "revocations": delete_old_revocations(session, now),
        "keys": delete_retired_keys(session, now),
    }


def _check_password(ctx: Context, email: str, user: User | None, password: str) -> Problem | None:
    """Refuse a blocked account or network, or a wrong password, which is counted; the caller holds the account."""
    now = ctx.now()
    refusal = blocked(ctx.session, email, ctx.actor.address, now)
    if refusal is not None:
        return refusal
    # The hash is always computed, whether the account exists, is disabled, or neither.
    matches = password_matches(user.password_hash if user is not None else None, password)
    if user is None or not matches or user.state != ACTIVE:
        note_failure(ctx.session, email, ctx.actor.address, now)
        return WrongCredentials()
    forget_failures(ctx.session, email)
    return None


def _caller(ctx: Context) -> User:
    user = None if ctx.user_id is None else ctx.session.get(User, ctx.user_id)
    if user is None:
        raise Unauthenticated
    return user
