"""What the exit statuses of `erp` mean; the one place where they are given."""

from __future__ import annotations

from typing import Final

OK: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
AWAY: Final = 3
PLUGINS: Final = 4
FAULTS: Final = 5
INTERRUPTED: Final = 130

MEANINGS: Final[dict[int, str]] = {
    OK: "It was done; a service was asked to stop and stopped.",
    REFUSED: "It was refused or failed.",
    USAGE: "Wrong usage, or a setting is wrong.",
    AWAY: "The database or Redis is away.",
    PLUGINS: "Packages cannot be loaded.",
    FAULTS: "The checks ran and found faults.",
    INTERRUPTED: "It was interrupted before it was done.",
}
