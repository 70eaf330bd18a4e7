"""The everyday requests, each with the subtool that does what is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

Half: TypeAlias = Literal["open", "held-out"]
"""`open`: wording may be written for these. `held-out`: it may not, so a win there is one."""

HALVES: tuple[Half, ...] = get_args(Half)

FILE = Path(__file__).parent / "requests.jsonl"
SCHEMA = Path(__file__).parent / "requests.schema.json"


@dataclass(frozen=True)
class Case:
    """One request of a person: `neighbours` are subtools that it is easily taken for."""

    request: str
    subtool: str
    neighbours: tuple[str, ...]
    language: str
    voice: str
    half: Half


def rows() -> Iterator[dict[str, Any]]:
    """Read the lines of the file, as they are."""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def cases(half: Half | None = None) -> list[Case]:
    """Return the requests of one half, or of both."""
    found = [Case(**{**row, "neighbours": tuple(row["neighbours"])}) for row in rows()]
    return [case for case in found if half in (None, case.half)]
