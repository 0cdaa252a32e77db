"""The ways in which an operator's action on companies and people is refused."""

from __future__ import annotations

from erp_core.kernel.errors import Problem


class TenantExists(Problem):
    """The slug is taken."""

    code = "tenant_exists"
    status = 409
    message = "There is a tenant {slug} already; choose another slug."


class UnknownTenant(Problem):
    """No tenant has this slug."""

    code = "unknown_tenant"
    status = 404
    message = "There is no tenant {slug}; `erp tenants list` shows those that exist."


class UnknownUser(Problem):
    """No user has this email."""

    code = "unknown_user"
    status = 404
    message = "There is no user {email}; `erp users create` makes one."


class UnknownRole(Problem):
    """The tenant has no role of this name."""

    code = "unknown_role"
    status = 404
    message = "The tenant {tenant} has no role {role}; it has {known}."


class InvalidTenant(Problem):
    """A fact of the tenant is not usable."""

    code = "invalid_tenant"
    message = "{value} cannot be a tenant's {field}; {example} could."
