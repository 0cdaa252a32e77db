"""Identity: tenants, users, memberships, roles, sessions, signing keys, revocations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from erp_core.kernel.migrations.ops import mutable_columns, open_table, protect, tenant_columns, text_c

revision = "core_0002"
down_revision = "core_0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("now()")
WRITTEN = "SELECT, INSERT, UPDATE"
PRUNED = "SELECT, INSERT, UPDATE, DELETE"


def upgrade() -> None:
    """Create the tables of the schema ``auth``."""
    _tenants()
    _users()
    _memberships()
    _roles()
    _role_assignments()
    _sessions()
    _refresh_tokens()
    _signing_keys()
    _revocations()
    _login_throttles()


def downgrade() -> None:
    """Drop them, those that refer to others first."""
    for table in (
        "login_throttles",
        "revocations",
        "signing_keys",
        "refresh_tokens",
        "sessions",
        "role_assignments",
        "roles",
        "memberships",
        "users",
        "tenants",
    ):
        op.drop_table(table, schema="auth")


def _text(name: str, default: str | None = None) -> sa.Column[str]:
    quoted = None if default is None else sa.text(f"'{default}'")
    return sa.Column(name, text_c(), nullable=False, server_default=quoted)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, MOMENT, nullable=False, server_default=NOW)


def _version() -> sa.Column[int]:
    return sa.Column("version", sa.BigInteger(), nullable=False, server_default=sa.text("1"))


def _tenants() -> None:
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid(), nullable=False),
        _text("slug"),
        _text("name"),
        _text("state", "active"),
        _text("language", "es_MX"),
        _text("time_zone", "America/Mexico_City"),
        _text("currency", "MXN"),
        _text("country", "MX"),
        _moment("created_at"),
        _version(),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
        sa.UniqueConstraint("slug", name="uq_tenants_slug"),
        sa.CheckConstraint("state IN ('active', 'suspended')", name=op.f("ck_tenants_state")),
        schema="auth",
    )
    open_table("auth.tenants", app=WRITTEN)


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        _text("email"),
        _text("name"),
        _text("password_hash"),
        _text("state", "active"),
        sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        _text("language", "es_MX"),
        sa.Column("signed_out_at", MOMENT),
        _moment("created_at"),
        _version(),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
        sa.CheckConstraint("state IN ('active', 'disabled')", name=op.f("ck_users_state")),
        schema="auth",
    )
    open_table("auth.users", app=WRITTEN)


def _memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        _text("state", "active"),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", name="pk_memberships"),
        sa.ForeignKeyConstraint(["user_id"], ["auth.users.id"], name="fk_memberships_user_id", ondelete="RESTRICT"),
        sa.CheckConstraint("state IN ('active', 'disabled')", name=op.f("ck_memberships_state")),
        schema="auth",
    )
    op.create_index("ix_memberships_user_id_tenant_id", "memberships", ["user_id", "tenant_id"], schema="auth")
    op.create_index(
        "uq_memberships_primary",
        "memberships",
        ["user_id"],
        unique=True,
        schema="auth",
        postgresql_where=sa.text("is_primary"),
    )
    open_table("auth.memberships", app=WRITTEN)


def _roles() -> None:
    op.create_table(
        "roles",
        *mutable_columns(),
        _text("name"),
        _text("label"),
        sa.Column("permissions", postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_roles"),
        sa.UniqueConstraint("tenant_id", "name", name="uq_roles_tenant_id_name"),
        schema="auth",
    )
    protect("auth.roles")


def _role_assignments() -> None:
    op.create_table(
        "role_assignments",
        *tenant_columns(),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role_id", sa.Uuid(), nullable=False),
        _moment("created_at"),
        sa.Column("created_by", sa.Uuid()),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_role_assignments"),
        sa.UniqueConstraint("tenant_id", "user_id", "role_id", name="uq_role_assignments_tenant_id_user_id_role_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "role_id"],
            ["auth.roles.tenant_id", "auth.roles.id"],
            name="fk_role_assignments_tenant_id_role_id",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["auth.memberships.tenant_id", "auth.memberships.user_id"],
            name="fk_role_assignments_tenant_id_user_id",
            ondelete="RESTRICT",
        ),
        schema="auth",
    )
    op.create_index(
        "ix_role_assignments_tenant_id_role_id", "role_assignments", ["tenant_id", "role_id"], schema="auth"
    )
    protect("auth.role_assignments")


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        _moment("created_at"),
        _moment("last_used_at"),
        _text("address", ""),
        _text("user_agent", ""),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["auth.users.id"], name="fk_sessions_user_id", ondelete="RESTRICT"),
        schema="auth",
    )
    op.create_index("ix_sessions_user_id_id", "sessions", ["user_id", "id"], schema="auth")
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], schema="auth")
    open_table("auth.sessions", app=PRUNED)


def _refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refresh_tokens"),
        sa.UniqueConstraint("sha256", name="uq_refresh_tokens_sha256"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["auth.sessions.id"], name="fk_refresh_tokens_session_id", ondelete="CASCADE"
        ),
        schema="auth",
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"], schema="auth")
    open_table("auth.refresh_tokens", app=PRUNED)


def _signing_keys() -> None:
    op.create_table(
        "signing_keys",
        _text("kid"),
        _text("algorithm"),
        sa.Column("public_jwk", postgresql.JSONB(), nullable=False),
        _text("private_pem"),
        _moment("created_at"),
        sa.Column("retired_at", MOMENT),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
        schema="auth",
    )
    # One current key for each algorithm, also when two processes make the first one at the same moment.
    op.create_index(
        "uq_signing_keys_current",
        "signing_keys",
        ["algorithm"],
        unique=True,
        schema="auth",
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    open_table("auth.signing_keys", app=PRUNED)


def _revocations() -> None:
    op.create_table(
        "revocations",
        sa.Column("id", sa.Uuid(), nullable=False),
        _text("kind"),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid()),
        sa.Column("at", MOMENT, nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.PrimaryKeyConstraint("id", name="pk_revocations"),
        sa.CheckConstraint(
            "kind IN ('session', 'user', 'tenant', 'permissions', 'keys')", name=op.f("ck_revocations_kind")
        ),
        schema="auth",
    )
    op.create_index("ix_revocations_at", "revocations", ["at"], schema="auth")
    open_table("auth.revocations", app="SELECT, INSERT, DELETE")


def _login_throttles() -> None:
    op.create_table(
        "login_throttles",
        _text("key"),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("window_started_at", MOMENT, nullable=False),
        sa.Column("blocked_until", MOMENT),
        sa.PrimaryKeyConstraint("key", name="pk_login_throttles"),
        schema="auth",
    )
    op.create_index("ix_login_throttles_window_started_at", "login_throttles", ["window_started_at"], schema="auth")
    open_table("auth.login_throttles", app=PRUNED)
