"""Roles of a company and who has them; nobody gives or takes what they do not hold."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from msgspec import UNSET
from sqlalchemy import delete, func, select

from erp_core.auth.errors import AdministratorRoleFixed, BeyondOwnPermissions, LastAdministrator
from erp_core.auth.membership import ACTIVE
from erp_core.auth.models import Membership, Role, RoleAssignment
from erp_core.auth.revocations import revoke
from erp_core.auth.rules import check_permission_name, covers
from erp_core.auth.schemas import NewRole, PageQuery, RoleBrief, RoleChange, RolePage, RoleView
from erp_core.kernel.context import Context
from erp_core.kernel.errors import Duplicate, NotFound, StaleVersion
from erp_core.kernel.ids import new_id

ADMINISTRATOR = "admin"


def list_roles(ctx: Context, query: PageQuery) -> RolePage:
    """List the company's roles in the order of their making."""
    wanted = select(Role).where(Role.tenant_id == ctx.tenant_id).order_by(Role.id).limit(query.limit + 1)
    if query.cursor is not None:
        wanted = wanted.where(Role.id > query.cursor)
    rows = list(ctx.session.scalars(wanted))
    page = rows[: query.limit]
    return RolePage([_view(role) for role in page], page[-1].id if len(rows) > query.limit else None)


def create_role(ctx: Context, data: NewRole) -> RoleView:
    """Create a role out of permissions that the caller holds."""
    grants = _checked(data.permissions)
    ensure_holds(ctx, grants)
    taken = select(Role.id).where(Role.tenant_id == ctx.tenant_id, Role.name == data.name)
    if ctx.session.scalar(taken) is not None:
        raise Duplicate(fields="name", pointer="/name")
    role = Role(tenant_id=ctx.tenant_id, id=new_id(), name=data.name, label=data.label, permissions=grants)
    ctx.session.add(role)
    ctx.session.flush()
    return _view(role)


def update_role(ctx: Context, role_id: UUID, data: RoleChange) -> RoleView:
    """Change a role; the caller must hold what it granted before and what it grants afterwards."""
    role = ctx.get(Role, role_id, lock=True)
    if data.version is not None and data.version != role.version:
        raise StaleVersion
    ensure_holds(ctx, role.permissions)
    if data.label is not UNSET:
        role.label = data.label
    if data.permissions is not UNSET:
        if role.name == ADMINISTRATOR:
            raise AdministratorRoleFixed
        grants = _checked(data.permissions)
        ensure_holds(ctx, grants)
        role.permissions = grants
        revoke(ctx.session, "permissions", ctx.tenant_id, ctx.tenant_id)
    ctx.session.flush()
    return _view(role)


def assign_role(ctx: Context, user_id: UUID, role_id: UUID) -> None:
    """Give a member a role; giving it twice changes nothing."""
    _member(ctx, user_id)
    role = ctx.get(Role, role_id)
    ensure_holds(ctx, role.permissions)
    if role_id in {held.id for held in roles_of(ctx, user_id)}:
        return
    ctx.session.add(
        RoleAssignment(tenant_id=ctx.tenant_id, id=new_id(), user_id=user_id, role_id=role_id, created_by=ctx.user_id)
    )
    ctx.session.flush()
    ctx.audit("core.users", user_id, "assign_role", after={"role": role.name})
    revoke(ctx.session, "permissions", user_id, ctx.tenant_id)


def unassign_role(ctx: Context, user_id: UUID, role_id: UUID) -> None:
    """Take a role from a member; one that the member does not have is ``NotFound``."""
    _member(ctx, user_id)
    role = ctx.get(Role, role_id)
    ensure_holds(ctx, role.permissions)
    if role.name == ADMINISTRATOR:
        ensure_other_administrator(ctx, user_id)
    gone = (
        delete(RoleAssignment)
        .where(
            RoleAssignment.tenant_id == ctx.tenant_id,
            RoleAssignment.user_id == user_id,
            RoleAssignment.role_id == role_id,
        )
        .returning(RoleAssignment.id)
    )
    if ctx.session.scalar(gone) is None:
        raise NotFound(resource="role_assignments", id=str(role_id))
    ctx.audit("core.users", user_id, "unassign_role", before={"role": role.name})
    revoke(ctx.session, "permissions", user_id, ctx.tenant_id)


def roles_of(ctx: Context, user_id: UUID | None) -> list[Role]:
    """List the roles that a person has in this company, by name."""
    return list(
        ctx.session.scalars(
            select(Role)
            .join(
                RoleAssignment,
                (RoleAssignment.tenant_id == Role.tenant_id) & (RoleAssignment.role_id == Role.id),
            )
            .where(Role.tenant_id == ctx.tenant_id, RoleAssignment.user_id == user_id)
            .order_by(Role.name)
        )
    )


def brief(role: Role) -> RoleBrief:
    """Show a role by its name."""
    return RoleBrief(role.id, role.name, role.label)


def ensure_holds(ctx: Context, grants: Iterable[str]) -> None:
    """Refuse a caller who does not hold every one of the grants; an operator (no user) may do everything."""
    if ctx.user_id is None:
        return
    held = [grant for role in roles_of(ctx, ctx.user_id) for grant in role.permissions]
    for grant in grants:
        if not covers(held, grant):
            raise BeyondOwnPermissions(permission=grant)


def ensure_other_administrator(ctx: Context, user_id: UUID) -> None:
    """Refuse when nobody but this person administers the company.

    The role's row is locked, so that two administrators cannot remove each other at the same moment.
    """
    role = ctx.session.scalar(
        select(Role).where(Role.tenant_id == ctx.tenant_id, Role.name == ADMINISTRATOR).with_for_update()
    )
    if role is None or role.id not in {held.id for held in roles_of(ctx, user_id)}:
        return
    others = (
        select(func.count())
        .select_from(RoleAssignment)
        .join(
            Membership,
            (Membership.tenant_id == RoleAssignment.tenant_id) & (Membership.user_id == RoleAssignment.user_id),
        )
        .where(
            RoleAssignment.tenant_id == ctx.tenant_id,
            RoleAssignment.role_id == role.id,
            RoleAssignment.user_id != user_id,
            Membership.state == ACTIVE,
        )
    )
    if not ctx.session.scalar(others):
        raise LastAdministrator


def _member(ctx: Context, user_id: UUID) -> Membership:
    found = ctx.session.get(Membership, (ctx.tenant_id, user_id))
    if found is None:
        raise NotFound(resource="users", id=str(user_id))
    return found


def _checked(grants: list[str]) -> list[str]:
    for grant in grants:
        check_permission_name(grant)
    return sorted(set(grants))


def _view(role: Role) -> RoleView:
    return RoleView(role.id, role.name, role.label, list(role.permissions), role.version)
