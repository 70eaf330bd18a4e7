"""Finds the names that the Liquid of a template reads, and what cannot be told for certain.

It parses the tags itself: a renderer is an extra, and its rules are those of another Liquid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

_INSIDE = r"((?:(?!\{[{%]).)*?)"
"""The code of a tag. No other tag begins in it, so that no text is read more than twice."""

_TAG = re.compile(rf"\{{\{{-?{_INSIDE}-?\}}\}}|\{{%-?{_INSIDE}-?%\}}", re.DOTALL)
_OPENING = re.compile(r"\{[{%]")
_NAME = r"[^\W\d][\w-]*"
_STRING = r"'[^']*'|\"[^\"]*\""
_TOKEN = re.compile(
    rf"(?P<text>{_STRING})"
    rf"|(?P<path>{_NAME}\??(?:\s*\.\s*{_NAME}\??|\s*\[\s*(?:{_STRING}|-?\d+)\s*\])*)"
    r"|(?P<mark>\[|\||:)"
)
_STEP = re.compile(rf"\.\s*({_NAME})|\[\s*(?:'([^']*)'|\"([^\"]*)\"|(-?\d+))\s*\]")
_WORDS = frozenset(
    [
        *("true", "false", "nil", "null", "empty", "blank", "and", "or", "not", "contains", "in"),
        *("reversed", "with", "as", "forloop", "tablerowloop"),
    ]
)
_TESTS = frozenset(["if", "unless", "elsif", "case", "when"])
_LOOPS = frozenset(["for", "tablerow"])
_LOCALS = frozenset(["capture", "increment", "decrement"])
_OTHER_TEMPLATES = frozenset(["include", "render", "layout", "section"])
_UNREAD = frozenset(["raw", "comment"])
ENTRY = "[]"
"""A step that stands for each entry of a list."""

COMPUTED = "a name in it is computed"
UNCLOSED = "a tag in it does not end"
INCLUDED = "it includes another template"
WHOLE = "it uses an object as a whole"
DEEP = "a name in it has too many steps"
_MAX_STEPS = 32
"""Steps of a name that is told. Names that a loop lengthens would else take squared time."""


@dataclass
class Reads:
    """The names that templates read, each as the names that lead to it, such as `trigger`, `link`.

    Args:
        needed: Those that are printed without a default.
        optional: Those with a default, and those that are only tested or repeated.
        doubts: What may read more, each as the end of a sentence.
    """

    needed: set[tuple[str, ...]] = field(default_factory=set)
    optional: set[tuple[str, ...]] = field(default_factory=set)
    doubts: set[str] = field(default_factory=set)

    def under(self, root: str) -> tuple[list[str], list[str]]:
        """Return the needed and the optional names under a root, sorted, as paths with dots."""
        needed = {path[1:] for path in self.needed if path[0] == root}
        optional = {path[1:] for path in self.optional if path[0] == root} - needed
        every = needed | optional
        return _written(needed, every), _written(optional, every)

    def roots(self) -> set[str]:
        """The roots of all names."""
        return {path[0] for path in self.needed | self.optional}


def _written(paths: set[tuple[str, ...]], every: set[tuple[str, ...]]) -> list[str]:
    """Return paths as texts; one that only leads to another of them is left out."""
    leading = {path[:length] for path in every for length in range(len(path))}
    return sorted(".".join(p).replace(f".{ENTRY}", ENTRY) for p in paths - leading if p)


def reads_of(texts: Iterable[str]) -> Reads:
    """Return what these texts of one template read."""
    found = Reads()
    for text in texts:
        _Template(found).read(text)
    return found


def without_tags(text: str, is_hidden: Callable[[Sequence[str]], bool]) -> str:
    """Return a text with `***` for each tag that names a hidden attribute of the person.

    A text with a tag that does not end is `***` as a whole, as what is in that tag is not known.

    Args:
        text: The text of a template.
        is_hidden: Returns whether the names that lead to an attribute lead to a hidden one.
    """

    def shown(tag: re.Match[str]) -> str:
        paths = _paths_in(tag[1] or tag[2] or "")
        names = ([step for step in path if step != ENTRY] for path in paths)
        return "***" if any(is_hidden(each[each[0] == "customer" :]) for each in names) else tag[0]

    return _TAG.sub(shown, text) if not _OPENING.search(_TAG.sub("", text)) else "***"


class _Template:
    """One text with the names that its own tags give."""

    def __init__(self, found: Reads) -> None:
        self._found = found
        self._locals: dict[str, tuple[str, ...] | None] = {}

    def read(self, text: str) -> None:
        for printed, tag in self._tags(text):
            if printed is not None:
                self._value(printed)
            else:
                for line in _lines(tag or ""):
                    self._tag(line)
        codes = (re.sub(_STRING, "", each[1] or each[2] or "") for each in _TAG.finditer(text))
        if _OPENING.search(_TAG.sub("", text)) or any("'" in each or '"' in each for each in codes):
            self._found.doubts.add(UNCLOSED)

    def _tags(self, text: str) -> Iterator[tuple[str | None, str | None]]:
        unread = ""
        for each in _TAG.finditer(text):
            word = _word_of(each[2] or "")
            if unread:
                unread = "" if word == f"end{unread}" else unread
            elif word in _UNREAD:
                unread = word
            else:
                yield each[1], each[2]
        if unread:
            self._found.doubts.add(UNCLOSED)

    def _tag(self, code: str) -> None:
        word = _word_of(code)
        rest = code.strip()[len(word) :]
        if word in _TESTS:
            self._note(_paths_in(rest), is_needed=False)
        elif word in _LOOPS:
            self._loop(rest)
        elif word == "assign":
            name, _, value = rest.partition("=")
            self._locals[name.strip()] = self._alias_of(value)
            self._value(value)
        elif word in _LOCALS:
            self._locals[rest.strip().strip("'\"")] = None
        elif word in _OTHER_TEMPLATES:
            self._found.doubts.add(INCLUDED)
            self._value(rest)
        elif word and not word.startswith("end"):
            self._value(rest)

    def _loop(self, code: str) -> None:
        name, _, source = (*code.split(maxsplit=2), "", "", "")[:3]
        paths = _paths_in(source)
        is_range = source.lstrip().startswith("(")  # of numbers, which have no entries
        self._note(paths, is_needed=is_range)
        if is_range:
            self._locals[name] = None
            return
        first = self._meant(next(iter(paths), ()))
        self._locals[name] = (*first, ENTRY) if first else None

    def _alias_of(self, value: str) -> tuple[str, ...] | None:
        paths = _paths_in(value)
        is_plain = len(paths) == 1 and "|" not in value
        return self._meant(paths[0]) if is_plain else None

    def _value(self, code: str) -> None:
        """Read an expression with its filters; a default makes what it stands for optional."""
        value, *filters = _split(code)
        has_default = any(_word_of(each) == "default" for each in filters)
        self._note(_paths_in(value), is_needed=not has_default)
        for each in filters:
            self._note(_paths_in(each.strip()[len(_word_of(each)) :]), is_needed=True)

    def _note(self, paths: Sequence[tuple[str, ...]], *, is_needed: bool) -> None:
        for path in paths:
            meant = self._meant(path)
            if meant == (COMPUTED,):
                self._found.doubts.add(COMPUTED)
            elif len(meant) > _MAX_STEPS:
                self._found.doubts.add(DEEP)
            elif len(meant) == 1 and meant[0] in ("customer", "trigger", "event"):
                self._found.doubts.add(WHOLE)
            elif meant:
                (self._found.needed if is_needed else self._found.optional).add(meant)

    def _meant(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """Return a path with a local name replaced by what it stands for; () for a value of it."""
        alias = self._locals.get(path[0], path[:1]) if path else None
        return (*alias, *path[1:])[: _MAX_STEPS + 1] if alias else ()


def _lines(code: str) -> list[str]:
    """Return the tags in a tag: `liquid` has one on each line."""
    word = _word_of(code)
    return code.strip()[len(word) :].splitlines() if word == "liquid" else [code]


def _word_of(code: str) -> str:
    found = re.match(r"[a-z_]+", code.strip())
    return found[0] if found else ""


def _split(code: str) -> list[str]:
    """Return an expression and its filters: the parts between `|` that are in no text."""
    ends = [each.start() for each in _TOKEN.finditer(code) if each["mark"] == "|"]
    starts = [0, *(end + 1 for end in ends)]
    return [code[start:end] for start, end in zip(starts, [*ends, len(code)], strict=True)]


def _paths_in(code: str) -> list[tuple[str, ...]]:
    """Return the variables in an expression; `(COMPUTED,)` where a name is an expression."""
    found: list[tuple[str, ...]] = []
    tokens = list(_TOKEN.finditer(code))
    for i, token in enumerate(tokens):
        if token["mark"] == "[":
            found.append((COMPUTED,))
        after = tokens[i + 1]["mark"] if i + 1 < len(tokens) else None
        path = token["path"]
        is_start = after == "[" and path is not None and path.isidentifier()
        if path and after != ":" and not is_start and path not in _WORDS:
            found.append(_steps(path))
    return found


def _steps(path: str) -> tuple[str, ...]:
    root = re.match(_NAME, path)
    rest = path[root.end() :] if root else ""
    steps = (
        ENTRY if number else name or one or two for name, one, two, number in _STEP.findall(rest)
    )
    return ((root[0] if root else path), *steps)
