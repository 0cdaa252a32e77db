"""The people of a company: who they are, adding one, shutting one out and letting one back in."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from erp_core.auth.errors import EmailInUse
from erp_core.auth.membership import ACTIVE, choose_tenant, list_tenants_of
from erp_core.auth.models import Membership, Role, RoleAssignment, User
from erp_core.auth.passwords import hash_password, new_password
from erp_core.auth.revocations import revoke
from erp_core.auth.roles import brief, ensure_holds, ensure_other_administrator, roles_of
from erp_core.auth.rules import fold_email
from erp_core.auth.schemas import (
    CreatedMember,
    Me,
    Member,
    MemberPage,
    NewMember,
    PageQuery,
    RoleBrief,
    UserBrief,
)
from erp_core.kernel.context import Context
from erp_core.kernel.errors import NotFound, Unauthenticated, UnknownReference
from erp_core.kernel.ids import new_id

DISABLED = "disabled"


def describe_caller(ctx: Context) -> Me:
    """Tell who the caller is, in which company, with which roles and permissions, and where else."""
    user = None if ctx.user_id is None else ctx.session.get(User, ctx.user_id)
    if user is None:
        raise Unauthenticated
    return Me(
        user=UserBrief(user.id, user.email, user.name, user.language, user.must_change_password),
        tenant=choose_tenant(ctx.session, user.id, preferred=ctx.tenant_id),
        roles=[brief(role) for role in roles_of(ctx, user.id)],
        permissions=sorted(ctx.actor.permissions),
        tenants=list_tenants_of(ctx.session, user.id),
    )


def list_members(ctx: Context, query: PageQuery) -> MemberPage:
    """List the company's people in the order of their accounts' making."""
    wanted = (
        select(Membership, User)
        .join(User, User.id == Membership.user_id)
        .where(Membership.tenant_id == ctx.tenant_id)
        .order_by(Membership.user_id)
        .limit(query.limit + 1)
    )
    if query.cursor is not None:
        wanted = wanted.where(Membership.user_id > query.cursor)
    rows = [(row[0], row[1]) for row in ctx.session.execute(wanted)]
    page = rows[: query.limit]
    roles = _roles_by_user(ctx, [user.id for _, user in page])
    items = [_view(membership, user, roles.get(user.id, [])) for membership, user in page]
    return MemberPage(items, page[-1][1].id if len(rows) > query.limit else None)


def create_member(ctx: Context, data: NewMember) -> CreatedMember:
    """Create an account with roles in this company; its initial password is given this once.

    An email that has an account already is refused: whoever made that account may know its password, so joining it to
    another company is left to the operator (``EmailInUse``).
    """
    email = fold_email(data.email)
    if ctx.session.scalar(select(User.id).where(User.email == email)) is not None:
        raise EmailInUse(email=email, pointer="/email")
    roles = _roles_to_give(ctx, data.role_ids)
    password = new_password()
    user = User(
        id=new_id(),
        email=email,
        name=data.name,
        password_hash=hash_password(password),
        must_change_password=True,
        language=data.language,
    )
    ctx.session.add(user)
    ctx.session.flush()
    membership = Membership(tenant_id=ctx.tenant_id, user_id=user.id, is_primary=True)
    ctx.session.add(membership)
    ctx.session.flush()
    for role in roles:
        ctx.session.add(
            RoleAssignment(
                tenant_id=ctx.tenant_id, id=new_id(), user_id=user.id, role_id=role.id, created_by=ctx.user_id
            )
        )
    ctx.session.flush()
    names = [role.name for role in roles]
    ctx.audit("core.users", user.id, "create", after={"email": email, "name": data.name, "roles": names})
    return CreatedMember(_view(membership, user, [brief(role) for role in roles]), password)


def disable_member(ctx: Context, user_id: UUID) -> Member:
    """Shut a person out of this company, within a second; the account and other companies are not touched."""
    ensure_other_administrator(ctx, user_id)
    return _set_state(ctx, user_id, DISABLED)


def enable_member(ctx: Context, user_id: UUID) -> Member:
    """Let a person back into this company with the roles of before."""
    return _set_state(ctx, user_id, ACTIVE)


def _set_state(ctx: Context, user_id: UUID, state: str) -> Member:
    membership = ctx.session.get(Membership, (ctx.tenant_id, user_id), with_for_update=True)
    if membership is None:
        raise NotFound(resource="users", id=str(user_id))
    roles = roles_of(ctx, user_id)
    ensure_holds(ctx, [grant for role in roles for grant in role.permissions])
    if membership.state != state:
        ctx.audit("core.users", user_id, "update", before={"state": membership.state}, after={"state": state})
        membership.state = state
        ctx.session.flush()
        revoke(ctx.session, "permissions", user_id, ctx.tenant_id)
    return _view(membership, ctx.session.get_one(User, user_id), [brief(role) for role in roles])


def _roles_to_give(ctx: Context, role_ids: list[UUID]) -> list[Role]:
    wanted = set(role_ids)
    found = ctx.session.scalars(
        select(Role).where(Role.tenant_id == ctx.tenant_id, Role.id.in_(wanted)).order_by(Role.name)
    ).all()
    if len(found) != len(wanted):
        raise UnknownReference(field="role_ids", pointer="/role_ids")
    ensure_holds(ctx, [grant for role in found for grant in role.permissions])
    return list(found)


def _roles_by_user(ctx: Context, user_ids: list[UUID]) -> dict[UUID, list[RoleBrief]]:
    rows = ctx.session.execute(
        select(RoleAssignment.user_id, Role)
        .join(Role, (Role.tenant_id == RoleAssignment.tenant_id) & (Role.id == RoleAssignment.role_id))
        .where(RoleAssignment.tenant_id == ctx.tenant_id, RoleAssignment.user_id.in_(user_ids))
        .order_by(Role.name)
    )
    found: dict[UUID, list[RoleBrief]] = {}
    for user_id, role in rows:
        found.setdefault(user_id, []).append(brief(role))
    return found


def _view(membership: Membership, user: User, roles: list[RoleBrief]) -> Member:
    return Member(user.id, user.email, user.name, membership.state, membership.created_at, roles)
