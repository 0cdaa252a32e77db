"""The rules of identity without database or HTTP: emails, passwords, networks, throttling, permissions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from erp_core.auth.common_passwords import COMMON
from erp_core.auth.errors import (
    InvalidPermission,
    PasswordIsEmail,
    PasswordTooLong,
    PasswordTooShort,
    PasswordTooSimple,
    WeakPassword,
)
from erp_core.kernel.errors import InvalidEmail
from erp_core.kernel.http.routing import PERMISSION

PASSWORD_SHORTEST = 10
PASSWORD_LONGEST = 200
PASSWORD_DIFFERENT = 5
FAILURE_WINDOW = timedelta(minutes=15)
ACCOUNT_FAILURES = 5
NETWORK_FAILURES = 50
FIRST_BLOCK = timedelta(seconds=30)
LONGEST_BLOCK = timedelta(minutes=15)

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\Z")
_PREFIX = re.compile(r"[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*){0,2}\.\*\Z")


def fold_email(text: str) -> str:
    """Bring an email to the one form in which it is stored and compared; ``InvalidEmail`` when it is none."""
    email = unicodedata.normalize("NFC", text.strip()).lower()
    if len(email) > 254 or _EMAIL.match(email) is None:
        raise InvalidEmail(email=text[:254], pointer="/email")
    return email


def check_password(password: str, email: str) -> None:
    """Refuse a new password that is easy to guess (``WeakPassword``); length counts characters."""
    folded = unicodedata.normalize("NFKC", password).lower()
    if len(password) < PASSWORD_SHORTEST:
        raise PasswordTooShort(shortest=PASSWORD_SHORTEST, pointer="/password")
    if len(password) > PASSWORD_LONGEST:
        raise PasswordTooLong(longest=PASSWORD_LONGEST, pointer="/password")
    if len(set(folded)) < PASSWORD_DIFFERENT:
        raise PasswordTooSimple(different=PASSWORD_DIFFERENT, pointer="/password")
    if folded in {email, email.partition("@")[0]}:
        raise PasswordIsEmail(pointer="/password")
    if folded in COMMON:
        raise WeakPassword(pointer="/password")


def network_of(address: str) -> str | None:
    """Give the /24 (IPv4) or /64 (IPv6) that an address lies in; ``None`` when it is not an address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(ip_network((parsed, 24 if parsed.version == 4 else 64), strict=False))


@dataclass(frozen=True, slots=True)
class Tally:
    """Failed sign-ins under one key; ``blocked_until`` is the end of its latest block."""

    failures: int
    window_started_at: datetime
    blocked_until: datetime | None

    def wait(self, now: datetime) -> int:
        """Tell for how many whole seconds the key is still blocked; 0 when it is not."""
        if self.blocked_until is None or self.blocked_until <= now:
            return 0
        left = self.blocked_until - now
        return left.days * 86400 + left.seconds + (1 if left.microseconds else 0)


def count_failure(tally: Tally | None, now: datetime, limit: int) -> Tally:
    """Count one more failure; from the ``limit``-th on, each blocks twice as long as the one before.

    The count starts anew a quarter of an hour after the window began or the latest block ended, whichever is later: so
    that waiting out a block does not buy a fresh set of guesses.
    """
    if (
        tally is None
        or now - max(tally.window_started_at, tally.blocked_until or tally.window_started_at) > FAILURE_WINDOW
    ):
        tally = Tally(0, now, None)
    failures = tally.failures + 1
    if failures < limit:
        return Tally(failures, tally.window_started_at, tally.blocked_until)
    # The exponent is bounded before the multiplication, which would overflow long before the ceiling applied.
    block = min(FIRST_BLOCK * 2 ** min(failures - limit, 20), LONGEST_BLOCK)
    return Tally(failures, tally.window_started_at, now + block)


def check_permission_name(name: str) -> None:
    """Refuse what is neither a full name, nor a prefix ending in ``.*``, nor ``*`` itself."""
    if name != "*" and PERMISSION.match(name) is None and _PREFIX.match(name) is None:
        raise InvalidPermission(permission=name, pointer="/permissions")


def covers(held: Iterable[str], wanted: str) -> bool:
    """Tell whether somebody who holds these grants holds ``wanted`` too, which may itself be a prefix.

    The grants are compared as they are written, not as they expand in this process: a prefix of a plugin that is not
    loaded here expands to nothing, and would otherwise be free for everybody to give.
    """
    return any(grant in ("*", wanted) or (grant.endswith(".*") and wanted.startswith(grant[:-1])) for grant in held)


def expand(grants: Iterable[str], declared: frozenset[str]) -> frozenset[str]:
    """Turn grants into the declared permissions that they stand for; names that nobody declares are left out."""
    names: set[str] = set()
    for grant in grants:
        if grant == "*":
            return declared
        if grant.endswith(".*"):
            names.update(name for name in declared if name.startswith(grant[:-1]))
        elif grant in declared:
            names.add(grant)
    return frozenset(names)
