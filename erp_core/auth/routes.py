"""The addresses of identity below ``/api/v1/core``: the caller's own, and those of who administers a company."""

from __future__ import annotations

from uuid import UUID

from erp_core.auth import members, roles, services, sessions
from erp_core.auth.errors import (
    AdministratorRoleFixed,
    BeyondOwnPermissions,
    EmailInUse,
    InvalidPermission,
    LastAdministrator,
    NotAMember,
    RefreshReused,
    SessionEnded,
    TenantSuspended,
    TooManySignIns,
    WeakPassword,
    WrongCredentials,
)
from erp_core.auth.schemas import (
    AccessToken,
    AssignRole,
    ChangePassword,
    CreatedMember,
    Me,
    Member,
    MemberPage,
    NewMember,
    NewRole,
    PageQuery,
    Refresh,
    RoleChange,
    RolePage,
    RoleView,
    SessionList,
    SignIn,
    SwitchTenant,
    TokenPair,
)
from erp_core.kernel.context import Context
from erp_core.kernel.errors import Duplicate, InvalidEmail, NotFound, Problem, StaleVersion, UnknownReference
from erp_core.kernel.http.routing import PUBLIC, SIGNED_IN, Route, route

_TENANT = (NotAMember, TenantSuspended)
_PASSWORD = (WrongCredentials, TooManySignIns)


@route("POST", "/auth/sign-in", PUBLIC, secret=True, problems=(*_PASSWORD, *_TENANT, InvalidEmail))
def sign_in(ctx: Context, data: SignIn) -> TokenPair | Problem:
    """Sign in with email and password."""
    return services.sign_in(ctx, data)


@route("POST", "/auth/refresh", PUBLIC, secret=True, problems=(RefreshReused, SessionEnded, *_TENANT))
def refresh(ctx: Context, data: Refresh) -> TokenPair | Problem:
    """Exchange a refresh token, once, for new tokens."""
    return services.refresh(ctx, data)


@route("POST", "/auth/switch-tenant", SIGNED_IN, secret=True, problems=(SessionEnded, *_TENANT))
def switch_tenant(ctx: Context, data: SwitchTenant) -> AccessToken:
    """Work in another company, without a password."""
    return services.switch_tenant(ctx, data)


@route("POST", "/auth/sign-out", SIGNED_IN, status=204)
def sign_out(ctx: Context) -> None:
    """End this session."""
    sessions.end_own_session(ctx, ctx.actor.session_id)


@route("POST", "/auth/sign-out-everywhere", SIGNED_IN, status=204)
def sign_out_everywhere(ctx: Context) -> None:
    """End all sessions of the caller."""
    services.sign_out_everywhere(ctx)


@route("GET", "/auth/sessions", SIGNED_IN)
def list_sessions(ctx: Context) -> SessionList:
    """List the caller's sessions."""
    return sessions.list_sessions(ctx)


@route("DELETE", "/auth/sessions/{session_id:uuid}", SIGNED_IN, status=204, problems=(NotFound,))
def end_session(ctx: Context, session_id: UUID) -> None:
    """End one of the caller's sessions."""
    sessions.end_own_session(ctx, session_id)


@route("POST", "/auth/password", SIGNED_IN, status=204, secret=True, problems=(*_PASSWORD, WeakPassword))
def change_password(ctx: Context, data: ChangePassword) -> Problem | None:
    """Change the caller's password and end all other sessions."""
    return services.change_password(ctx, data)


@route("GET", "/auth/me", SIGNED_IN)
def describe_caller(ctx: Context) -> Me:
    """Tell who the caller is and what the caller may do."""
    return members.describe_caller(ctx)


@route("GET", "/users", "core.users.read")
def list_members(ctx: Context, query: PageQuery) -> MemberPage:
    """List the company's people."""
    return members.list_members(ctx, query)


@route(
    "POST",
    "/users",
    "core.users.create",
    secret=True,
    status=201,
    problems=(EmailInUse, InvalidEmail, UnknownReference, BeyondOwnPermissions),
)
def create_member(ctx: Context, data: NewMember) -> CreatedMember:
    """Create a person's account in the company."""
    return members.create_member(ctx, data)


@route(
    "POST",
    "/users/{user_id:uuid}/disable",
    "core.users.update",
    problems=(NotFound, LastAdministrator, BeyondOwnPermissions),
)
def disable_member(ctx: Context, user_id: UUID) -> Member:
    """Shut a person out of the company."""
    return members.disable_member(ctx, user_id)


@route("POST", "/users/{user_id:uuid}/enable", "core.users.update", problems=(NotFound, BeyondOwnPermissions))
def enable_member(ctx: Context, user_id: UUID) -> Member:
    """Let a person back into the company."""
    return members.enable_member(ctx, user_id)


@route(
    "POST",
    "/users/{user_id:uuid}/roles",
    "core.roles.assign",
    status=204,
    problems=(NotFound, BeyondOwnPermissions),
)
def assign_role(ctx: Context, user_id: UUID, data: AssignRole) -> None:
    """Give a person a role."""
    roles.assign_role(ctx, user_id, data.role_id)


@route(
    "DELETE",
    "/users/{user_id:uuid}/roles/{role_id:uuid}",
    "core.roles.assign",
    status=204,
    problems=(NotFound, BeyondOwnPermissions, LastAdministrator),
)
def unassign_role(ctx: Context, user_id: UUID, role_id: UUID) -> None:
    """Take a role from a person."""
    roles.unassign_role(ctx, user_id, role_id)


@route("GET", "/roles", "core.roles.read")
def list_roles(ctx: Context, query: PageQuery) -> RolePage:
    """List the company's roles."""
    return roles.list_roles(ctx, query)


@route(
    "POST",
    "/roles",
    "core.roles.create",
    status=201,
    problems=(Duplicate, InvalidPermission, BeyondOwnPermissions),
)
def create_role(ctx: Context, data: NewRole) -> RoleView:
    """Create a role."""
    return roles.create_role(ctx, data)


@route(
    "PATCH",
    "/roles/{role_id:uuid}",
    "core.roles.update",
    problems=(NotFound, StaleVersion, InvalidPermission, BeyondOwnPermissions, AdministratorRoleFixed),
)
def update_role(ctx: Context, role_id: UUID, data: RoleChange) -> RoleView:
    """Change a role."""
    return roles.update_role(ctx, role_id, data)


ROUTES: tuple[Route, ...] = (
    sign_in,
    refresh,
    switch_tenant,
    sign_out,
    sign_out_everywhere,
    list_sessions,
    end_session,
    change_password,
    describe_caller,
    list_members,
    create_member,
    disable_member,
    enable_member,
    assign_role,
    unassign_role,
    list_roles,
    create_role,
    update_role,
)
