"""Hashing passwords."""

from __future__ import annotations

from argon2 import PasswordHasher, extract_parameters

from erp_core.auth.passwords import HASHER, NOBODY, hash_password, needs_rehash, new_password, password_matches
from erp_core.auth.rules import check_password


def test_only_the_password_matches_its_hash() -> None:
    hashed = hash_password("caballo-bateria")

    assert password_matches(hashed, "caballo-bateria")
    assert not password_matches(hashed, "caballo-bateriA")


def test_the_hash_is_argon2id_and_another_one_each_time() -> None:
    first, second = hash_password("caballo-bateria"), hash_password("caballo-bateria")

    assert first.startswith("$argon2id$v=19$m=47104,t=2,p=1$")
    assert first != second


def test_an_unknown_account_costs_the_same_work_and_never_matches() -> None:
    assert extract_parameters(NOBODY) == extract_parameters(HASHER.hash("x"))
    assert not password_matches(None, "caballo-bateria")


def test_a_hash_of_other_parameters_asks_to_be_made_anew() -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("caballo-bateria")

    assert password_matches(old, "caballo-bateria")
    assert needs_rehash(old)
    assert not needs_rehash(hash_password("caballo-bateria"))


def test_a_damaged_hash_matches_nothing() -> None:
    assert not password_matches("not a hash", "caballo-bateria")


def test_initial_passwords_pass_the_rules_and_differ() -> None:
    made = {new_password() for _ in range(200)}

    for password in made:
        check_password(password, "ana@example.com")
    assert len(made) == 200
