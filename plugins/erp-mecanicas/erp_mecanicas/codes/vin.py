"""The vehicle identification number (VIN, número de serie): check digit, region, maker and model year.

Structure and check digit follow ISO 3779 and 49 CFR 565. A wrong check digit is told and never blocks: the digit is
compulsory only in North America and China, and real trucks carry stamped mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass

LENGTH = 17
CHECK_POSITION = 8
YEAR_POSITION = 9
FIRST_CHECKED_YEAR = 1981
MODULUS = 11
YEAR_CYCLE = 30
FIRST_YEAR = 1980

# Digits count as themselves; I, O and Q are not used because they look like 1 and 0.
VALUES: dict[str, int] = {
    **{str(digit): digit for digit in range(10)},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
# The letters and digits of model years in their order, from 1980; U, Z and 0 are no year.
YEAR_CODES = "ABCDEFGHJKLMNPRSTVWXY123456789"

# Exact prefixes only: two letters name whole groups of makers, and guess wrong for Mexican trucks.
MAKERS: dict[str, tuple[str, str]] = {
    "3AK": ("Freightliner", "MX"),
    "3AL": ("Freightliner", "MX"),
    "1FU": ("Freightliner", "US"),
    "3HS": ("International", "MX"),
    "3HA": ("International", "MX"),
    "3WK": ("Kenworth", "MX"),
    "3BK": ("Kenworth", "MX"),
    "1XK": ("Kenworth", "US"),
    "1XP": ("Peterbilt", "US"),
    "1M1": ("Mack", "US"),
    "4V4": ("Volvo", "US"),
    "3CE": ("Volvo Buses", "MX"),
    "9BM": ("Mercedes-Benz", "BR"),
    "953": ("Volkswagen / MAN", "BR"),
}


class MalformedVin(ValueError):
    """The text is no VIN at all; ``reason`` is length or illegal_character, ``position`` counts from 1."""

    def __init__(self, reason: str, position: int | None = None) -> None:
        self.reason = reason
        self.position = position
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class DecodedVin:
    """What a VIN says of itself.

    ``model_years`` starts with the likely one; the letter comes round every 30 years. ``warnings`` are check_digit,
    unknown_maker and no_model_year.
    """

    vin: str
    weighted_sum: int
    expected_digit: str
    found_digit: str
    check_required: bool
    region: str
    maker: str | None
    country: str | None
    model_years: tuple[int, ...]
    serial: str
    warnings: tuple[str, ...]

    @property
    def check_digit_valid(self) -> bool:
        return self.expected_digit == self.found_digit


def normalise_vin(text: str) -> str:
    """Give the seventeen capitals of a VIN, or refuse what is none (``MalformedVin``)."""
    vin = text.strip().upper()
    for position, character in enumerate(vin, start=1):
        if character not in VALUES:
            raise MalformedVin("illegal_character", position)
    if len(vin) != LENGTH:
        raise MalformedVin("length")
    return vin


def weighted_sum(vin: str) -> int:
    """Add up the values of the characters by the weights of their places."""
    return sum(VALUES[character] * weight for character, weight in zip(vin, WEIGHTS, strict=True))


def check_digit(vin: str) -> str:
    """Work out the ninth character from the other sixteen."""
    remainder = weighted_sum(vin) % MODULUS
    return "X" if remainder == MODULUS - 1 else str(remainder)


def with_check_digit(vin: str) -> str:
    """Give the VIN with the ninth character that belongs there."""
    return vin[:CHECK_POSITION] + check_digit(vin) + vin[CHECK_POSITION + 1 :]


def region_of(vin: str) -> str:
    """Name the part of the world that issued the prefix."""
    first, second = vin[0], vin[1]
    if first == "7":
        # Only the first five letters are New Zealand's; the others were given to the United States.
        return "oceania" if second in "ABCDE" else "north_america"
    for characters, region in _REGIONS:
        if first in characters:
            return region
    return "unassigned"


_REGIONS = (
    ("ABCDEFGH", "africa"),
    ("JKLMNPR", "asia"),
    ("STUVWXYZ", "europe"),
    ("12345", "north_america"),
    ("6", "oceania"),
    ("89", "south_america"),
)


def check_is_required(vin: str) -> bool:
    """Say whether the law of the region asks for the check digit: North America and China."""
    return region_of(vin) == "north_america" or vin[0] == "L"


def model_years(vin: str, this_year: int) -> tuple[int, ...]:
    """Give the model years that the tenth character may mean: the latest not after next year, then the one before."""
    position = YEAR_CODES.find(vin[YEAR_POSITION])
    if position < 0:
        return ()
    first = FIRST_YEAR + position
    years = range(first, this_year + 2, YEAR_CYCLE)
    return tuple(sorted(years, reverse=True)[:2])


def decode_vin(text: str, this_year: int) -> DecodedVin:
    """Decode a VIN, or refuse what is none (``MalformedVin``)."""
    vin = normalise_vin(text)
    expected, years = check_digit(vin), model_years(vin, this_year)
    maker, country = MAKERS.get(vin[:3], (None, None))
    doubts = (
        (expected != vin[CHECK_POSITION], "check_digit"),
        (maker is None, "unknown_maker"),
        (not years, "no_model_year"),
    )
    return DecodedVin(
        vin=vin,
        weighted_sum=weighted_sum(vin),
        expected_digit=expected,
        found_digit=vin[CHECK_POSITION],
        check_required=check_is_required(vin),
        region=region_of(vin),
        maker=maker,
        country=country,
        model_years=years,
        serial=vin[11:],
        warnings=tuple(name for doubtful, name in doubts if doubtful),
    )
