"""The ways in which a patient's data is refused; none repeats it, because refusals are logged elsewhere."""

from __future__ import annotations

from erp_core.kernel.errors import Problem


class InvalidCurp(Problem):
    """A CURP is not valid in itself; ``reason`` is length, format, component or check_digit."""

    code = "clinicas_invalid_curp"
    message = "This is not a valid CURP: its {reason} is wrong."


class CurpContradicts(Problem):
    """A valid CURP says something else than the record."""

    code = "clinicas_curp_contradicts"
    message = (
        "The CURP contradicts these facts of the record: {fields}; correct one of them, or look at the document and"
        " send curp_confirmed."
    )


class CurpOfAnimal(Problem):
    """Only people have a CURP."""

    code = "clinicas_curp_of_animal"
    message = "An animal has no CURP; leave it out or change the kind."


class BornInFuture(Problem):
    """A birth date has not come yet."""

    code = "clinicas_born_in_future"
    message = "The birth date has not come yet; today is {today}."


class SurnameMissing(Problem):
    """A person needs at least one surname."""

    code = "clinicas_surname_missing"
    message = "A person has at least a first surname."


class InvalidPhone(Problem):
    """A text cannot be a telephone number."""

    code = "clinicas_invalid_phone"
    message = "A telephone number has ten digits, or begins with + and its country's code."
