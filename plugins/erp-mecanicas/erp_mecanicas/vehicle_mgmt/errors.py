"""The ways in which a vehicle's data is refused."""

from __future__ import annotations

from erp_core.kernel.errors import Problem


class VinInvalid(Problem):
    """The text is no VIN; ``reason`` is length or illegal_character."""

    code = "vin_invalid"
    message = "This is no VIN: {reason}. It has 17 letters and digits, none of them I, O or Q."


class ReadingBelowLast(Problem):
    """A meter does not run backwards, unless it was replaced."""

    code = "reading_below_last"
    status = 409
    message = (
        "The {meter} of {sent} is lower than the last reading, {last}; "
        "send meter_replaced with a reason if the meter is a new one."
    )


class ReadingAboveNext(Problem):
    """A reading from before another cannot be higher than it."""

    code = "reading_above_next"
    status = 409
    message = "The {meter} of {sent} is higher than a later reading, {next}; check the time it was taken."


class ReadingInFuture(Problem):
    """Nobody has read a meter tomorrow."""

    code = "reading_in_future"
    message = "The reading would be taken at {taken_at}, which is still to come."


class ReasonMissing(Problem):
    """A replaced meter and a correction say why."""

    code = "reason_missing"
    message = "A replaced meter or a correction needs a reason."


class MeterMissing(Problem):
    """A reading has kilometres, engine hours, or both."""

    code = "meter_missing"
    message = "Send km, hours, or both."


class InvalidMeter(Problem):
    """A meter's figure cannot be kept as it was sent."""

    code = "invalid_meter"
    message = "A meter shows from 0 to {largest} with at most one decimal."
