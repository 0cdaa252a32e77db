"""The ways in which a shop's data is refused."""

from __future__ import annotations

from erp_core.kernel.errors import Problem


class InvalidDeviceKey(Problem):
    """A device signs with an ECDSA key on the curve P-256; ``reason`` is unreadable, algorithm, curve or private."""

    code = "invalid_device_key"
    message = "This is not the public half of an ECDSA P-256 key: {reason}."


class UnknownTimeZone(Problem):
    """The time zone is not in the database of time zones."""

    code = "unknown_time_zone"
    message = "{time_zone} is not a known time zone, such as America/Mexico_City."


class CustomerUnnamed(Problem):
    """A customer on store credit is a partner, or a name with a telephone."""

    code = "customer_unnamed"
    message = "Send partner_id, or name and phone."
