"""What identity takes and gives over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

Email = Annotated[str, Meta(min_length=3, max_length=254, examples=["ana@example.com"])]
Secret = Annotated[str, Meta(min_length=1, max_length=200)]
Slug = Annotated[str, Meta(min_length=2, max_length=60, examples=["abarrotes-la-esquina"])]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
RoleName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.]{0,59}$", examples=["vidrio.seller"])]
Grants = Annotated[list[str], Meta(max_length=500, examples=[["vidrio.quotes.read", "core.partners.*"]])]
Limit = Annotated[int, Meta(ge=1, le=200)]


class SignIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Who signs in, and into which company; without one it is the primary."""

    email: Email
    password: Secret
    tenant: Slug | None = None

    def __repr__(self) -> str:
        """Leave the password out of logs and tracebacks."""
        return f"SignIn(email={self.email!r}, tenant={self.tenant!r})"


class Refresh(Struct, frozen=True, forbid_unknown_fields=True):
    """The refresh token, good for one use; with a company the new access token is for that one."""

    refresh_token: Secret
    tenant: Slug | None = None

    def __repr__(self) -> str:
        """Leave the token out of logs and tracebacks."""
        return f"Refresh(tenant={self.tenant!r})"


class SwitchTenant(Struct, frozen=True, forbid_unknown_fields=True):
    """The company to work in from now on."""

    tenant: Slug


class ChangePassword(Struct, frozen=True, forbid_unknown_fields=True):
    """The old password and the new one (10 to 200 characters)."""

    old_password: Secret
    password: Secret

    def __repr__(self) -> str:
        """Leave both passwords out of logs and tracebacks."""
        return "ChangePassword()"


class TenantBrief(Struct, frozen=True):
    """A company as its members see it."""

    id: UUID
    slug: str
    name: str
    is_primary: bool


class AccessToken(Struct, frozen=True):
    """An access token for one company; ``expires_in`` is in seconds."""

    access_token: str
    expires_in: int
    tenant: TenantBrief
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme

    def __repr__(self) -> str:
        """Leave the token out of logs and tracebacks."""
        return f"AccessToken(tenant={self.tenant.slug!r})"


class TokenPair(Struct, frozen=True):
    """Both tokens, and the companies to choose from; with ``must_change_password`` only that is allowed."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_at: datetime
    tenant: TenantBrief
    tenants: list[TenantBrief]
    must_change_password: bool
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme

    def __repr__(self) -> str:
        """Leave both tokens out of logs and tracebacks."""
        return f"TokenPair(tenant={self.tenant.slug!r})"


class SessionView(Struct, frozen=True):
    """One sign-in of the caller; ``current`` marks the one that asks."""

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    address: str
    user_agent: str
    current: bool


class SessionList(Struct, frozen=True):
    """The caller's sessions that are still alive, newest first."""

    items: list[SessionView]


class UserBrief(Struct, frozen=True):
    """A person as the API shows one."""

    id: UUID
    email: str
    name: str
    language: str
    must_change_password: bool


class RoleBrief(Struct, frozen=True):
    """A role by its id, name and label."""

    id: UUID
    name: str
    label: str


class Me(Struct, frozen=True):
    """Who the caller is, where, and what the caller may do there."""

    user: UserBrief
    tenant: TenantBrief
    roles: list[RoleBrief]
    permissions: list[str]
    tenants: list[TenantBrief]


class PageQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of a list; ``cursor`` is the ``next_cursor`` of the page before."""

    limit: Limit = 50
    cursor: UUID | None = None


class Member(Struct, frozen=True):
    """A person's place in the caller's company; ``state`` is active or disabled."""

    user_id: UUID
    email: str
    name: str
    state: str
    created_at: datetime
    roles: list[RoleBrief]


class MemberPage(Struct, frozen=True):
    """A page of members."""

    items: list[Member]
    next_cursor: UUID | None


class NewMember(Struct, frozen=True, forbid_unknown_fields=True):
    """A person to give an account and roles in the caller's company."""

    email: Email
    name: Name
    role_ids: Annotated[list[UUID], Meta(min_length=1, max_length=50)]
    language: Annotated[str, Meta(pattern="^(es_MX|en)$")] = "es_MX"


class CreatedMember(Struct, frozen=True):
    """The new member and the initial password, shown this once; it must be changed at the first sign-in."""

    member: Member
    initial_password: str

    def __repr__(self) -> str:
        """Leave the password out of logs and tracebacks."""
        return f"CreatedMember(user_id={self.member.user_id!r})"


class NewRole(Struct, frozen=True, forbid_unknown_fields=True):
    """A role to create; permissions are full names or end in ``.*``."""

    name: RoleName
    label: Name
    permissions: Grants


class RoleChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a role; with ``version`` only if nobody changed it since."""

    label: Name | UnsetType = UNSET
    permissions: Grants | UnsetType = UNSET
    version: int | None = None


class RoleView(Struct, frozen=True):
    """A role with what it grants."""

    id: UUID
    name: str
    label: str
    permissions: list[str]
    version: int


class RolePage(Struct, frozen=True):
    """A page of roles."""

    items: list[RoleView]
    next_cursor: UUID | None


class AssignRole(Struct, frozen=True, forbid_unknown_fields=True):
    """The role to give."""

    role_id: UUID
