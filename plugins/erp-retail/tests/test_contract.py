"""This package keeps the platform's contract."""

from __future__ import annotations

from pathlib import Path

from erp_core.testing.contract import PluginContract


class TestContract(PluginContract):
    slug = "retail"
    root = Path(__file__).parents[1]
