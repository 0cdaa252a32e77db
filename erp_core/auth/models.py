"""The tables of identity, all in the schema ``auth``; only roles and their assignments belong to a tenant.

The others are global because they are needed before a tenant is known; what a tenant may see of them is decided by
membership.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from erp_core.kernel.database.model import Base, MutableRow, TenantRow, reference


class Tenant(Base):
    """A company (empresa) whose rows are kept apart from all others'."""

    __tablename__ = "tenants"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("state IN ('active', 'suspended')", name="state"),
        {"schema": "auth"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str]
    name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'active'"))
    language: Mapped[str] = mapped_column(server_default=text("'es_MX'"))
    time_zone: Mapped[str] = mapped_column(server_default=text("'America/Mexico_City'"))
    currency: Mapped[str] = mapped_column(server_default=text("'MXN'"))
    country: Mapped[str] = mapped_column(server_default=text("'MX'"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    version: Mapped[int] = mapped_column(server_default=text("1"))


class User(Base):
    """A person with a password; ``email`` is stored folded.

    Tokens without a session that were issued before ``signed_out_at`` are refused.
    """

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("email"),
        CheckConstraint("state IN ('active', 'disabled')", name="state"),
        {"schema": "auth"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'active'"))
    must_change_password: Mapped[bool] = mapped_column(server_default=text("false"))
    language: Mapped[str] = mapped_column(server_default=text("'es_MX'"))
    signed_out_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    version: Mapped[int] = mapped_column(server_default=text("1"))


class Membership(Base):
    """A person's place in a company; the primary one is chosen when the person names none at sign-in."""

    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'disabled')", name="state"),
        Index(None, "user_id", "tenant_id"),
        Index("uq_memberships_primary", "user_id", unique=True, postgresql_where=text("is_primary")),
        {"schema": "auth"},
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("auth.users.id", ondelete="RESTRICT"), primary_key=True)
    is_primary: Mapped[bool] = mapped_column(server_default=text("false"))
    state: Mapped[str] = mapped_column(server_default=text("'active'"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Role(MutableRow):
    """A set of permissions with a name, such as ``vidrio.seller``; names in it may end in ``.*``, and ``*`` is all."""

    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("tenant_id", "name"), {"schema": "auth"})

    __resource__ = "core.roles"

    name: Mapped[str]
    label: Mapped[str]
    permissions: Mapped[Any] = mapped_column(JSONB, server_default=text("'[]'"))


class RoleAssignment(TenantRow):
    """A role that a member has."""

    __tablename__ = "role_assignments"
    __table_args__ = (
        UniqueConstraint("tenant_id", "user_id", "role_id"),
        Index(None, "tenant_id", "role_id"),
        reference("role_id", "auth.roles"),
        ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["auth.memberships.tenant_id", "auth.memberships.user_id"],
            ondelete="RESTRICT",
        ),
        {"schema": "auth"},
    )

    user_id: Mapped[UUID]
    role_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    created_by: Mapped[UUID | None]


class SignInSession(Base):
    """One sign-in on one device; it lives as long as its refresh tokens are used in time and nobody ends it.

    ``tenant_id`` is the company that the next refreshed token will be for.
    """

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "user_id", "id"), Index(None, "expires_at"), {"schema": "auth"})

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("auth.users.id", ondelete="RESTRICT"))
    tenant_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    last_used_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    address: Mapped[str] = mapped_column(server_default=text("''"))
    user_agent: Mapped[str] = mapped_column(server_default=text("''"))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class RefreshToken(Base):
    """A refresh token, known by its SHA-256 only; each is good for one use."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (UniqueConstraint("sha256"), Index(None, "session_id"), {"schema": "auth"})

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("auth.sessions.id", ondelete="CASCADE"))
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    issued_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]


class SigningKey(Base):
    """A key pair that signs access tokens; one is current, retired ones still verify what they signed."""

    __tablename__ = "signing_keys"
    __table_args__ = (
        Index("uq_signing_keys_current", "algorithm", unique=True, postgresql_where=text("retired_at IS NULL")),
        {"schema": "auth"},
    )

    kid: Mapped[str] = mapped_column(primary_key=True)
    algorithm: Mapped[str]
    public_jwk: Mapped[Any] = mapped_column(JSONB)
    private_pem: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    retired_at: Mapped[datetime | None]


class Revocation(Base):
    """News for every process: what it remembers of this session, user, tenant or permission is out of date.

    ``at`` is the database's clock when the row was written, so that the clocks of several machines do not matter.
    """

    __tablename__ = "revocations"
    __table_args__ = (
        CheckConstraint("kind IN ('session', 'user', 'tenant', 'permissions', 'keys')", name="kind"),
        Index(None, "at"),
        {"schema": "auth"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[UUID]
    tenant_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class LoginThrottle(Base):
    """Failed sign-ins of one account (``account:…``) or one network (``network:…``)."""

    __tablename__ = "login_throttles"
    __table_args__ = (Index(None, "window_started_at"), {"schema": "auth"})

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    window_started_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]
