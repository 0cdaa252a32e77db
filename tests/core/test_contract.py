"""The core keeps the promises that it asks of every package."""

from __future__ import annotations

from pathlib import Path

from erp_core.testing.contract import PluginContract


class TestContract(PluginContract):
    slug = "core"
    root = Path(__file__).parents[2] / "docs" / "reference"

    # The core stands under all others: it can neither be removed nor loaded without itself.
    test_it_can_be_removed_and_installed_again = None  # type: ignore[assignment]
