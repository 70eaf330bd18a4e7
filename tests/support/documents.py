"""Knows the pages that people read: the README and the documentation, and the code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.project import ROOT

PATHS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in PATHS}
"""The text of each page, by its path from the root."""


@dataclass(frozen=True)
class Block:
    """A block of code on a page, and the line that it begins in."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        """Where it stands."""
        return f"{self.page}:{self.line}"


def blocks(language: str) -> Iterator[Block]:
    """Every block of code in a language, of all pages."""
    for page, text in PAGES.items():
        for found in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            if found[1] == language:
                yield Block(page, text[: found.start()].count("\n") + 1, language, found[2])


def languages() -> set[str]:
    """Every language that a block is marked with; "" where one has no mark."""
    marks = [
        mark for text in PAGES.values() for mark in re.findall(r"^```(.*)$", text, re.MULTILINE)
    ]
    return set(marks[::2])


def by_hand(text: str) -> str:
    """A page without its generated blocks: what people wrote."""
    pattern = r"<!-- generated:(\w+) -->.*?<!-- /generated:\1 -->"
    return re.sub(pattern, "", text, flags=re.DOTALL)


def read(path: str) -> str:
    """The text of a file of the project."""
    return Path(ROOT / path).read_text(encoding="utf-8")
