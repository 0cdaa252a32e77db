"""What an operator does: tenants are opened, suspended and resumed, people get accounts and roles.

An operator acts outside every tenant, with a plain session that the command line opens and commits. Everything may be
repeated: what is so already stays so, and only a taken slug or email is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from erp_core.auth.errors import EmailInUse
from erp_core.auth.models import Membership, Role, RoleAssignment, Tenant, User
from erp_core.auth.passwords import hash_password, new_password
from erp_core.auth.revocations import revoke
from erp_core.auth.roles import ADMINISTRATOR
from erp_core.auth.rules import check_password, fold_email
from erp_core.auth.sessions import end_all_sessions
from erp_core.kernel.ids import new_id
from erp_core.kernel.plugins.declarations import RoleTemplate
from erp_core.tenants.errors import TenantExists, UnknownRole, UnknownTenant, UnknownUser
from erp_core.tenants.rules import check_tenant

ACTIVE = "active"
SUSPENDED = "suspended"
ADMINISTRATOR_LABELS = {"es_MX": "Administrador", "en": "Administrator"}


def create_tenant(
    session: Session,
    slug: str,
    name: str,
    *,
    language: str = "es_MX",
    time_zone: str = "America/Mexico_City",
    currency: str = "MXN",
    country: str = "MX",
    role_templates: Sequence[tuple[str, RoleTemplate]] = (),
    tenant_id: UUID | None = None,
) -> Tenant:
    """Open a tenant with its administrator's role and the roles that each package offers.

    Packages hear of it through ``erp_core.app.open_tenant``, which calls this and then their hooks.
    """
    check_tenant(slug, name, language=language, time_zone=time_zone, currency=currency, country=country)
    if session.scalar(select(Tenant.id).where(Tenant.slug == slug)) is not None:
        raise TenantExists(slug=slug)
    tenant = Tenant(
        id=tenant_id or new_id(),
        slug=slug,
        name=name,
        language=language,
        time_zone=time_zone,
        currency=currency,
        country=country,
        state=ACTIVE,
    )
    session.add(tenant)
    session.flush()
    offer_roles(session, tenant, role_templates)
    return tenant


def offer_roles(session: Session, tenant: Tenant, role_templates: Sequence[tuple[str, RoleTemplate]]) -> list[str]:
    """Create the administrator's role and the offered ones that the tenant does not have yet; gives their names.

    A template's role is called ``<slug>.<name>``. Roles that exist are left as the tenant made them.
    """
    act_in(session, tenant.id)
    known = set(session.scalars(select(Role.name).where(Role.tenant_id == tenant.id)))
    offered: dict[str, tuple[str, tuple[str, ...]]] = {
        ADMINISTRATOR: (ADMINISTRATOR_LABELS[tenant.language], ("*",)),
    }
    for slug, template in role_templates:
        offered[f"{slug}.{template.name}"] = (template.label.text(tenant.language), template.permissions)
    missing = {name: facts for name, facts in offered.items() if name not in known}
    for name, (label, permissions) in missing.items():
        session.add(Role(tenant_id=tenant.id, id=new_id(), name=name, label=label, permissions=sorted(permissions)))
    session.flush()
    return sorted(missing)


def list_tenants(session: Session) -> list[Tenant]:
    """List every tenant by its slug."""
    return list(session.scalars(select(Tenant).order_by(Tenant.slug)))


def find_tenant(session: Session, slug: str, *, lock: bool = False) -> Tenant:
    """Give the tenant of a slug or refuse (``UnknownTenant``)."""
    wanted = select(Tenant).where(Tenant.slug == slug)
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise UnknownTenant(slug=slug)
    return found


def suspend_tenant(session: Session, slug: str) -> Tenant:
    """Stop all work in a tenant, within a second; its data stays."""
    return _set_state(session, slug, SUSPENDED)


def resume_tenant(session: Session, slug: str) -> Tenant:
    """Let a suspended tenant work again."""
    return _set_state(session, slug, ACTIVE)


def create_user(
    session: Session, email: str, name: str, password: str | None = None, *, language: str = "es_MX"
) -> tuple[User, str]:
    """Create an account; without a password it gets one that must be changed at the first sign-in.

    Gives the user and the password, which is kept nowhere in clear.
    """
    folded = fold_email(email)
    if session.scalar(select(User.id).where(User.email == folded)) is not None:
        raise EmailInUse(email=folded, pointer="/email")
    if password is not None:
        check_password(password, folded)
    chosen = password or new_password()
    user = User(
        id=new_id(),
        email=folded,
        name=name,
        password_hash=hash_password(chosen),
        must_change_password=password is None,
        language=language,
    )
    session.add(user)
    session.flush()
    return user, chosen


def find_user(session: Session, email: str, *, lock: bool = False) -> User:
    """Give the user of an email or refuse (``UnknownUser``)."""
    wanted = select(User).where(User.email == fold_email(email))
    found = session.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise UnknownUser(email=email)
    return found


def set_password(session: Session, email: str, password: str | None, now: datetime) -> str:
    """Give an account another password and end all its sessions; without one it gets a new initial password."""
    user = find_user(session, email, lock=True)
    if password is not None:
        check_password(password, user.email)
    chosen = password or new_password()
    user.password_hash = hash_password(chosen)
    user.must_change_password = password is None
    end_all_sessions(session, user, now)
    return chosen


def disable_user(session: Session, email: str, now: datetime) -> User:
    """Shut a person out everywhere, within a second."""
    user = find_user(session, email, lock=True)
    if user.state != "disabled":
        user.state = "disabled"
        end_all_sessions(session, user, now)
    return user


def enable_user(session: Session, email: str) -> User:
    """Let a disabled person sign in again."""
    user = find_user(session, email, lock=True)
    if user.state != ACTIVE:
        user.state = ACTIVE
        user.version += 1
        session.flush()
    return user


def grant(session: Session, tenant_slug: str, email: str, role_names: Sequence[str]) -> list[str]:
    """Make a person a member of a tenant with these roles; gives the names of the roles that are new to the person.

    The first company becomes the primary one. A membership that was disabled is active again.
    """
    tenant = find_tenant(session, tenant_slug)
    user = find_user(session, email, lock=True)
    act_in(session, tenant.id)
    roles = _roles(session, tenant, role_names)
    _join(session, tenant, user)
    held = set(
        session.scalars(
            select(RoleAssignment.role_id).where(
                RoleAssignment.tenant_id == tenant.id, RoleAssignment.user_id == user.id
            )
        )
    )
    added = [role for role in roles if role.id not in held]
    for role in added:
        session.add(RoleAssignment(tenant_id=tenant.id, id=new_id(), user_id=user.id, role_id=role.id))
    session.flush()
    revoke(session, "permissions", user.id, tenant.id)
    return [role.name for role in added]


def act_in(session: Session, tenant_id: UUID) -> None:
    """Let the rest of this transaction see the rows of one tenant."""
    # SET takes no parameters; the value is a UUID written anew from its number.
    session.execute(text(f"SET LOCAL app.current_tenant = '{UUID(int=tenant_id.int)}'"))


def _set_state(session: Session, slug: str, state: str) -> Tenant:
    tenant = find_tenant(session, slug, lock=True)
    if tenant.state != state:
        tenant.state = state
        tenant.version += 1
        session.flush()
        revoke(session, "tenant", tenant.id, tenant.id)
    return tenant


def _roles(session: Session, tenant: Tenant, names: Sequence[str]) -> list[Role]:
    known = {role.name: role for role in session.scalars(select(Role).where(Role.tenant_id == tenant.id))}
    for name in names:
        if name not in known:
            raise UnknownRole(tenant=tenant.slug, role=name, known=", ".join(sorted(known)))
    return [known[name] for name in dict.fromkeys(names)]


def _join(session: Session, tenant: Tenant, user: User) -> None:
    membership = session.get(Membership, (tenant.id, user.id))
    if membership is None:
        primary = select(Membership.tenant_id).where(Membership.user_id == user.id, Membership.is_primary)
        first = session.scalar(primary) is None
        session.add(Membership(tenant_id=tenant.id, user_id=user.id, is_primary=first, state=ACTIVE))
    else:
        membership.state = ACTIVE
    session.flush()
