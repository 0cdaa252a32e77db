"""What a package says about itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet

SLUG = re.compile(r"[a-z][a-z0-9]{1,30}\Z")
SCHEMA = re.compile(r"[a-z][a-z0-9_]{1,40}\Z")
USABLE = frozenset({"auth", "auth.tenants", "auth.users", "core", "core.partners", "core.products", "inventory"})


@dataclass(frozen=True, slots=True)
class Label:
    """A text that people read, in Spanish first and in English second."""

    es: str
    en: str

    def text(self, language: str) -> str:
        """Give the text for ``es_MX`` or ``en``; anything but English reads Spanish."""
        return self.en if language.startswith("en") else self.es


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of one installable package.

    ``core`` is the range of core versions it works with (``>=0.1,<0.2``); ``schemas`` are the PostgreSQL schemas that
    it owns, the first of which holds its version table; ``uses`` names the parts of the core that its database role
    may touch; ``requires`` names other plugins by slug. ``package`` is the import package that holds ``migrations``
    and ``locale``.
    """

    slug: str
    package: str
    label: Label
    version: str
    core: str
    api_port: int
    web_port: int
    schemas: tuple[str, ...]
    redis_db: int
    uses: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()

    def faults(self) -> list[str]:
        """List what is wrong with the manifest itself, in full sentences; empty when nothing is."""
        checks = [
            (SLUG.match(self.slug) is None, f"The slug {self.slug!r} is not lower-case letters and digits."),
            (not self.label.es or not self.label.en, "The label needs Spanish and English."),
            (not self.schemas, "It owns no schema; every package has at least one."),
            (not 1024 <= self.api_port <= 65535, f"The API port {self.api_port} is not between 1024 and 65535."),
            (not 1024 <= self.web_port <= 65535, f"The web port {self.web_port} is not between 1024 and 65535."),
            (not 0 <= self.redis_db <= 15, f"The Redis database {self.redis_db} is not between 0 and 15."),
        ]
        faults = [sentence for wrong, sentence in checks if wrong]
        faults += [f"The schema name {name!r} is not usable." for name in self.schemas if SCHEMA.match(name) is None]
        faults += [f"It uses {name!r}, which the core does not offer." for name in self.uses if name not in USABLE]
        try:
            SpecifierSet(self.core)
        except InvalidSpecifier:
            faults.append(f"The core range {self.core!r} is not a version range.")
        return faults
