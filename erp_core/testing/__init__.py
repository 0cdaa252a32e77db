"""Fixtures and the conformance suite that plugin authors use."""
