"""The rules of identity, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_core.auth.errors import (
    InvalidPermission,
    PasswordIsEmail,
    PasswordTooLong,
    PasswordTooShort,
    PasswordTooSimple,
    WeakPassword,
)
from erp_core.auth.rules import (
    ACCOUNT_FAILURES,
    LONGEST_BLOCK,
    Tally,
    check_password,
    check_permission_name,
    count_failure,
    covers,
    expand,
    fold_email,
    network_of,
)
from erp_core.kernel.errors import InvalidEmail

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAMES = st.from_regex(r"[a-c]\.[a-c]\.[a-c]", fullmatch=True)
GRANTS = st.one_of(NAMES, st.sampled_from(["*", "a.*", "b.*", "a.b.*", "c.a.*"]))


def test_an_email_has_one_form_whatever_its_case_and_spaces() -> None:
    assert fold_email("  Ana.Lopez@Example.COM ") == "ana.lopez@example.com"


@pytest.mark.parametrize(
    "text", ["", "ana", "@example.com", "ana@", "a b@example.com", "a@b@c", "a\0@b.c", "x" * 250 + "@b.mx"]
)
def test_what_is_no_email_is_refused(text: str) -> None:
    with pytest.raises(InvalidEmail):
        fold_email(text)


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("corta-123", PasswordTooShort),
        ("a1-" * 67, PasswordTooLong),
        ("Password123", WeakPassword),
        ("CONTRASEÑA123", WeakPassword),
        ("1111111111", PasswordTooSimple),
        ("1212121212", PasswordTooSimple),
        ("Ana.Lopez@example.com", PasswordIsEmail),
    ],
)
def test_passwords_that_are_easy_to_guess_are_refused(password: str, refusal: type[WeakPassword]) -> None:
    with pytest.raises(WeakPassword) as caught:
        check_password(password, "ana.lopez@example.com")

    assert type(caught.value) is refusal


@pytest.mark.parametrize("password", ["correcto-caballo", "ñandú-azul-7", "x1-" * 66 + "yz"])
def test_other_passwords_pass(password: str) -> None:
    check_password(password, "ana@example.com")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", None),
        ("unix:", None),
    ],
)
def test_neighbours_share_a_network(address: str, network: str | None) -> None:
    assert network_of(address) == network


def test_each_failure_from_the_fifth_on_blocks_twice_as_long() -> None:
    tally, waits, now = None, [], NOON
    for _ in range(9):
        tally = count_failure(tally, now, ACCOUNT_FAILURES)
        waits.append(tally.wait(now))
        now += timedelta(seconds=tally.wait(now))

    assert waits == [0, 0, 0, 0, 30, 60, 120, 240, 480]


def test_a_quarter_of_an_hour_of_quiet_starts_the_count_anew() -> None:
    tally = Tally(7, NOON, NOON + timedelta(minutes=2))

    early = count_failure(tally, NOON + timedelta(minutes=16), ACCOUNT_FAILURES)
    late = count_failure(tally, NOON + timedelta(minutes=18), ACCOUNT_FAILURES)

    assert (early.failures, late.failures) == (8, 1)


@given(st.integers(0, 10_000))
def test_no_block_is_longer_than_the_longest(failures: int) -> None:
    tally = count_failure(Tally(failures, NOON, None), NOON, ACCOUNT_FAILURES)

    assert 0 <= tally.wait(NOON) <= LONGEST_BLOCK.total_seconds()


@given(st.lists(GRANTS), GRANTS, st.frozensets(NAMES))
def test_what_is_covered_never_expands_to_more_than_what_covers_it(
    held: list[str], wanted: str, declared: frozenset[str]
) -> None:
    if covers(held, wanted):
        assert expand([wanted], declared) <= expand(held, declared)


@given(st.lists(GRANTS), NAMES)
def test_a_single_permission_is_covered_exactly_when_it_is_held(held: list[str], name: str) -> None:
    assert covers(held, name) == (name in expand(held, frozenset({name})))


def test_a_prefix_is_not_covered_by_all_that_happens_to_be_below_it() -> None:
    assert not covers(["vidrio.quotes.read", "vidrio.quotes.send"], "vidrio.quotes.*")


def test_a_prefix_does_not_reach_a_name_that_only_begins_alike() -> None:
    assert not covers(["core.user.*"], "core.users.read")


@pytest.mark.parametrize("name", ["*", "vidrio.*", "vidrio.quotes.*", "vidrio.quotes.send"])
def test_well_formed_permissions_pass(name: str) -> None:
    check_permission_name(name)


@pytest.mark.parametrize(
    "name", ["", "**", ".*", "vidrio", "vidrio*", "*.read", "vidrio.*.read", "Vidrio.quotes.send", "a.b.c\n"]
)
def test_malformed_permissions_are_refused(name: str) -> None:
    with pytest.raises(InvalidPermission):
        check_permission_name(name)
