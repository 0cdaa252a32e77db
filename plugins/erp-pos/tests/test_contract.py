"""The conformance suite of the platform."""

from __future__ import annotations

from pathlib import Path

from erp_core.testing.contract import PluginContract


class TestContract(PluginContract):
    slug = "pos"
    root = Path(__file__).parents[1]
