"""The rules for the facts of a tenant, without database."""

from __future__ import annotations

import re
from zoneinfo import available_timezones

from erp_core.kernel.i18n import LANGUAGES
from erp_core.tenants.errors import InvalidTenant

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")


def check_tenant(slug: str, name: str, *, language: str, time_zone: str, currency: str, country: str) -> None:
    """Refuse the first fact that is not usable (``InvalidTenant``)."""
    checks = [
        (2 <= len(slug) <= 60 and _SLUG.match(slug), "slug", slug, "abarrotes-la-esquina"),
        (0 < len(name.strip()) <= 200, "name", name, "Abarrotes La Esquina"),
        (language in LANGUAGES, "language", language, LANGUAGES[0]),
        (time_zone in available_timezones(), "time_zone", time_zone, "America/Mexico_City"),
        (_CURRENCY.match(currency), "currency", currency, "MXN"),
        (_COUNTRY.match(country), "country", country, "MX"),
    ]
    for right, field, value, example in checks:
        if not right:
            raise InvalidTenant(field=field, value=repr(value), example=example, pointer=f"/{field}")
