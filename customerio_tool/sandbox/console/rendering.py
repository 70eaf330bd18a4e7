"""Jinja2 for the console: every value is escaped, and what is invisible in it is shown."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ..store.store import Row

FOLDER = Path(__file__).parent
_NAME, _SHORT, _LONG = 60, 160, 20_000  # characters of one value
_PERSON = Markup('<a href="/console/people/%s">%s</a>')
_NOBODY = Markup('<span class="none">&ndash;</span>')
# Controls, the marks that change the direction of a text, and halves of surrogate pairs.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


TEMPLATES = FileSystemLoader(FOLDER / "templates")


@cache
def environment() -> Environment:
    """The environment of the console's templates."""
    return environment_of(TEMPLATES)


def environment_of(loader: BaseLoader) -> Environment:
    """An environment in which every value is escaped, with the filters of this module."""
    found = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters = (text, short, compact, pretty, pill, link, person, time)
    found.filters.update({each.__name__: each for each in filters})
    return found


def text(value: Any, most: int = _LONG) -> Markup:
    """A value that came from outside, apart from the direction of the text around it."""
    whole = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    cut = str(escape(whole if len(whole) <= most else whole[:most]))
    if not cut.isprintable():
        cut = UNSEEN.sub(_mark, cut)
    more = ""
    if len(whole) > most:
        more = f'<span class="cut">… {len(whole):,} characters</span>'
    return Markup(f"<bdi>{cut}</bdi>{more}")  # noqa: S704 - escaped above


def _mark(found: re.Match[str]) -> str:
    return f'<span class="mark">U+{ord(found[0]):04X}</span>'


def short(value: Any) -> Markup:
    """A value for a cell of a table."""
    return text(value, _SHORT)


def compact(json_text: str) -> Markup:
    """JSON without spaces for a cell of a table: a line may end after each comma."""
    return short(json_text).replace(",", Markup(",<wbr>"))


def pretty(value: Any, most: int = _LONG) -> Markup:
    """JSON on several lines."""
    return text(json.dumps(value, ensure_ascii=False, indent=2), most)


@lru_cache
def pill(state: tuple[str, str]) -> Markup:
    """A state and its colour."""
    words, look = state
    return Markup('<span class="pill %s">%s</span>') % (look, words)


@lru_cache
def link(place: tuple[str, str]) -> Markup:
    """The words of a link, and where it leads; only the words without that."""
    words, path = place
    return Markup('<a href="%s">%s</a>') % (path, words) if path else escape(words)


def person(row: Row | None) -> Markup:
    """A person by the first identifier they have, and the link to their page."""
    if not row:
        return _NOBODY
    name = text(row["id"] or row["email"] or row["cio_id"], _NAME)
    return _PERSON % (row["cio_id"], name)


@lru_cache(4096)
def time(moment: float | None) -> Markup:
    """Unix seconds as UTC. A number that is no time stays a number."""
    if moment is None:
        return Markup("&ndash;")
    try:
        at = datetime.fromtimestamp(int(moment), timezone.utc).isoformat(" ")[:19]
    except (ValueError, OverflowError, OSError):
        return escape(moment)
    return Markup(f'<time datetime="{at.replace(" ", "T")}Z">{at}</time>')  # noqa: S704 - digits
