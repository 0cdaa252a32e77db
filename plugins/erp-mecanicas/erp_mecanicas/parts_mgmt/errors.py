"""The ways in which a part's data is refused."""

from __future__ import annotations

from erp_core.kernel.errors import Problem


class PartNumberEmpty(Problem):
    """A number of nothing but spaces and hyphens finds nothing."""

    code = "part_number_empty"
    message = "A part number has at least one letter or digit besides spaces and hyphens."


class DepositWithoutCore(Problem):
    """A deposit is held for an old part that has to come back."""

    code = "deposit_without_core"
    message = "A deposit needs core_required: it is the money held until the old part comes back."
