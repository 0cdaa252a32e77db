"""The conformance suite of the platform."""

from __future__ import annotations

from erp_core.testing.contract import PluginContract


class TestContract(PluginContract):
    slug = "mecanicas"
