"""The ways in which sites and practitioners are refused."""

from __future__ import annotations

from erp_core.kernel.errors import Problem


class UnknownTimeZone(Problem):
    """A time zone is not in the IANA list."""

    code = "clinicas_unknown_time_zone"
    message = "{time_zone} is not a time zone; write one such as America/Mexico_City, with its capitals."


class InvalidClues(Problem):
    """A text is not the official code of a place of care."""

    code = "clinicas_invalid_clues"
    message = "A CLUES has five letters and six digits, and may have a check character."


class InvalidLicence(Problem):
    """A text is not a professional licence number."""

    code = "clinicas_invalid_licence"
    message = "A licence number has five to eight digits."
