"""Hashing passwords with argon2id."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

# 46 MiB, two passes, one lane: twice the work of the least that OWASP's password storage guide accepts, and small
# enough that all command threads of a process may hash at once.
HASHER = PasswordHasher(time_cost=2, memory_cost=47_104, parallelism=1, hash_len=32, salt_len=16, type=Type.ID)

# The hash of a random text that nobody kept, made with the parameters above. It is verified when there is no such
# account, so that the answer takes as long as for an account that exists.
NOBODY = "$argon2id$v=19$m=47104,t=2,p=1$60IYuZOfleRn5DU2R3/Wcg$pnRRGVTn+s5K5ZNJQcjvw+/ld6Pf6jnZykaIN382v/w"

# Without the letters and digits that people confuse when they read a password aloud.
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"


def hash_password(password: str) -> str:
    """Hash a password; salt and parameters are part of the result."""
    return HASHER.hash(password)


def password_matches(password_hash: str | None, password: str) -> bool:
    """Tell whether it is the password; ``None`` stands for an account that does not exist and takes as long."""
    try:
        HASHER.verify(password_hash or NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Tell whether the hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(password_hash)


def new_password() -> str:
    """Make an initial password: 16 characters, about 92 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(16))
