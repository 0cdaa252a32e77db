"""The ways in which identity refuses."""

from __future__ import annotations

from erp_core.kernel.errors import Problem, Unauthenticated


class WrongCredentials(Problem):
    """Unknown email, wrong password or disabled account: all three answer the same."""

    code = "wrong_credentials"
    status = 401
    message = "The email or the password is wrong."


class TooManySignIns(Problem):
    """Too many failed sign-ins of this account or from this network."""

    code = "too_many_sign_ins"
    status = 429
    message = "Too many failed sign-ins; try again in {retry_after} seconds."


class TokenExpired(Unauthenticated):
    """The access token is past its time."""

    code = "token_expired"
    message = "The access token has expired; exchange the refresh token for a new one."


class SessionEnded(Unauthenticated):
    """The session was ended, has expired, or its account was disabled."""

    code = "session_ended"
    message = "This session has ended; sign in again."


class RefreshReused(Unauthenticated):
    """A refresh token came a second time: somebody else may hold a copy, so the whole session ends."""

    code = "refresh_reused"
    message = "This refresh token was used before, so its session was ended; sign in again."


class TenantSuspended(Unauthenticated):
    """The company is suspended; its members cannot work in it until an operator resumes it."""

    code = "tenant_suspended"
    status = 403
    message = "This company is suspended; ask the operator of the service."


class NotAMember(Unauthenticated):
    """The person does not belong to that company; an unknown company answers the same."""

    code = "not_a_member"
    status = 403
    message = "You are not a member of that company."


class WeakPassword(Problem):
    """The new password is easy to guess: one of the commonest."""

    code = "weak_password"
    message = "This password is one of the commonest; choose another."


class PasswordTooShort(WeakPassword):
    """The new password has too few characters."""

    code = "password_too_short"
    message = "A password has at least {shortest} characters."


class PasswordTooLong(WeakPassword):
    """The new password has too many characters."""

    code = "password_too_long"
    message = "A password has at most {longest} characters."


class PasswordTooSimple(WeakPassword):
    """The new password repeats a few characters."""

    code = "password_too_simple"
    message = "A password has at least {different} different characters."


class PasswordIsEmail(WeakPassword):
    """The new password is the account's email."""

    code = "password_is_email"
    message = "The password is the email; choose another."


class EmailInUse(Problem):
    """There is an account with this email already."""

    code = "email_in_use"
    status = 409
    message = "An account with the email {email} exists already; the operator can add it with `erp users grant`."


class BeyondOwnPermissions(Problem):
    """Nobody gives, changes or takes away what they do not hold themselves."""

    code = "beyond_own_permissions"
    status = 403
    message = "You do not hold {permission} yourself, so you cannot give it or take it away."


class InvalidPermission(Problem):
    """A permission's name is not shaped like one."""

    code = "invalid_permission"
    message = "{permission} is neither a permission such as vidrio.quotes.send nor a prefix such as vidrio.*."


class LastAdministrator(Problem):
    """The company would be left without anybody who administers it."""

    code = "last_administrator"
    status = 409
    message = "This is the last active administrator; make somebody else administrator first."


class AdministratorRoleFixed(Problem):
    """The administrator's role grants everything, always."""

    code = "administrator_role_fixed"
    status = 409
    message = "The role admin always grants everything; create another role instead."
