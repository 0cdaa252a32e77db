"""Texts in Spanish and English, from the catalogues that each package brings."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

LANGUAGES = ("es_MX", "en")
REFERENCE = "es_MX"


@dataclass(frozen=True, slots=True)
class Catalogues:
    """Every text by language and key (``core.partners.name``, ``problem.not_found``)."""

    texts: dict[str, dict[str, str]]

    def text(self, key: str, language: str, default: str | None = None) -> str:
        """Give a text; falls back to the reference language, then to ``default``, then to the key itself."""
        found = self.texts[choose_language(language)].get(key)
        return found or self.texts[REFERENCE].get(key) or (default if default is not None else key)


def choose_language(accepted: str) -> str:
    """Choose a catalogue for an Accept-Language header or a stored preference; Spanish when in doubt."""
    for part in accepted.split(","):
        tag = part.split(";")[0].strip().lower()
        if tag.startswith("en"):
            return "en"
        if tag.startswith("es"):
            return REFERENCE
    return REFERENCE


def load_catalogues(packages: Iterable[str]) -> Catalogues:
    """Read ``locale/<language>.json`` of each import package; a later package cannot replace an earlier key."""
    texts: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    for package in packages:
        for language in LANGUAGES:
            source = files(package) / "locale" / f"{language}.json"
            if source.is_file():
                texts[language] = json.loads(source.read_text("utf-8")) | texts[language]
    return Catalogues(texts)
