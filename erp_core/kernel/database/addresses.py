"""The two ways in which libraries spell the same database address."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def libpq_address(url: str) -> str:
    """Give the address as libpq and psycopg read it: ``postgresql://…``."""
    return _with_scheme(url, "postgresql")


def sqlalchemy_address(url: str) -> str:
    """Give the address as SQLAlchemy reads it, naming the psycopg 3 driver."""
    return _with_scheme(url, "postgresql+psycopg")


def _with_scheme(url: str, scheme: str) -> str:
    parts = urlsplit(url)
    if parts.scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        msg = "A database address starts with postgresql://"
        raise ValueError(msg)
    # `urlunsplit` drops the slashes of an address without a host, which libpq allows.
    text = urlunsplit(parts._replace(scheme=scheme))
    return text if "://" in text else text.replace(":", "://", 1)
