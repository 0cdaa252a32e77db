"""Behind proxies, the caller's address is taken from the header only as far as our own proxies wrote it."""

from __future__ import annotations

import pytest

from erp_core.kernel.errors import OperatorError
from erp_core.kernel.http.callers import caller_address
from erp_core.kernel.settings import load_settings, networks

OURS = networks(("10.0.0.0/8", "::1"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("10.0.0.5", "187.190.1.2", "187.190.1.2"),
        ("10.0.0.5", "1.1.1.1, 187.190.1.2, 10.0.0.9", "187.190.1.2"),
        ("::1", "2806:10ae::7", "2806:10ae::7"),
        ("187.190.1.2", "9.9.9.9", "187.190.1.2"),
        ("10.0.0.5", None, "10.0.0.5"),
        ("10.0.0.5", "10.0.0.7", "10.0.0.5"),
        ("10.0.0.5", "187.190.1.2, nonsense", "10.0.0.5"),
    ],
)
def test_the_last_address_that_is_not_ours_is_the_callers(peer: str, forwarded: str | None, caller: str) -> None:
    assert caller_address(peer, forwarded, OURS) == caller


def test_without_trusted_proxies_the_header_means_nothing() -> None:
    assert caller_address("187.190.1.2", "1.1.1.1", ()) == "187.190.1.2"


def test_a_network_that_cannot_be_read_stops_the_start() -> None:
    with pytest.raises(OperatorError) as refused:
        load_settings({"ERP_TRUSTED_PROXIES": "10.0.0.0/8, proxy.local"})

    assert (refused.value.status, "proxy.local" in str(refused.value)) == (2, True)
