"""The documents of the project, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial"
REFERENCE = ROOT / "docs" / "reference"

_FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^`([\w./\-]+)`:\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it stands, its language and its text."""

    path: Path
    language: str
    text: str

    @property
    def place(self) -> str:
        line = self.path.read_text("utf-8").split(self.text)[0].count("\n") + 1
        return f"{self.path.relative_to(ROOT)}:{line}"


def documents() -> list[Path]:
    """List every document that we wrote for people."""
    named = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [*named, *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "deploy").rglob("*.md"))]


def blocks(path: Path) -> list[Block]:
    """List the fenced blocks of a document."""
    return [Block(path, language, text) for language, text in _FENCE.findall(path.read_text("utf-8"))]


def prose(path: Path) -> str:
    """Give a document without its fenced blocks and comments."""
    return _COMMENT.sub("", _FENCE.sub("", path.read_text("utf-8")))


def files_in(path: Path) -> dict[str, str]:
    """Give the files that a document shows: a line with the name in backticks and a colon, then a block."""
    return dict(_FILE.findall(path.read_text("utf-8")))


def shell_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Give place and text of every command in the shell blocks of a document; continued lines are joined."""
    for block in blocks(path):
        if block.language in {"bash", "console", "sh"}:
            text = block.text.replace("\\\n", " ")
            for line in map(str.strip, text.splitlines()):
                if block.language != "console" or line.startswith("$ "):
                    yield block.place, line.removeprefix("$ ")


def anchors(path: Path) -> set[str]:
    """Give the names of a document's headings as links use them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    plain = [re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}
