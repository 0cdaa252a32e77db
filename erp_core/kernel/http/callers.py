"""Where a request comes from, when proxies stand between."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address

from erp_core.kernel.settings import Network


def caller_address(peer: str, forwarded: str | None, proxies: Sequence[Network]) -> str:
    """Give the address of the caller: the peer's, or the last one in X-Forwarded-For that is none of our proxies.

    Everybody can write that header, so it is read from the right and only as far as our own proxies have written it.
    """
    if not proxies or forwarded is None or not _is_ours(peer, tuple(proxies)):
        return peer
    for part in reversed(forwarded.split(",")):
        address = part.strip()
        if not _is_address(address):
            return peer
        if not _is_ours(address, tuple(proxies)):
            return address
    return peer


@lru_cache(maxsize=1024)
def _is_ours(address: str, proxies: tuple[Network, ...]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in proxies)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
