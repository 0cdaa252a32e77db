"""Pure rules of parts: one spelling for a maker's number, and what a core deposit is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from erp_core.partners.rules import check_currency, tidy
from erp_core.products.rules import check_amount
from erp_mecanicas.parts_mgmt.errors import DepositWithoutCore, PartNumberEmpty

_IGNORED = str.maketrans("", "", " -")


def part_key(number: str) -> str:
    """Give a part number as it is searched: capitals, without spaces and hyphens."""
    return number.translate(_IGNORED).upper()


def prepare_part_profile(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy and check the facts about a part."""
    row = tidy(sent)
    if "oem_number" in row and not part_key(row["oem_number"] or ""):
        raise PartNumberEmpty(pointer="/oem_number")
    if row.get("currency"):
        row["currency"] = check_currency(row["currency"])
    if row.get("deposit_amount") is not None:
        check_amount(row["deposit_amount"], pointer="/deposit_amount")
        if row["deposit_amount"] > Decimal(0) and row.get("core_required") is False:
            raise DepositWithoutCore(pointer="/deposit_amount")
    return row
