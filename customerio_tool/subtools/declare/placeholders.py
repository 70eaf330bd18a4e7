"""Recognises placeholders: texts that a model sends where it has no identifier.

As an identifier, such a text would create a person "undefined", or make one event of all that came
with the id "<nil>".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from urllib.parse import unquote

from customerio_tool.errors import FieldProblem, Problem
from customerio_tool.patterns import pattern
from customerio_tool.subtools.declare.characters import visible

_NOTHING = frozenset(
    {
        "null",
        "nil",
        "nill",
        "nul",
        "none",
        "nonetype",
        "nullptr",
        "dbnull",
        "void",
        "nan",
        "nat",
        "na",
        "undefined",
        "undef",
        "omit",
        "omitted",
        "unset",
        "empty",
        "blank",
        "missing",
        "unknown",
        "unspecified",
        "unavailable",
        "placeholder",
        "tbd",
        "todo",
        "fixme",
        "changeme",
        "string",
    }
)
"""Words for no value, in the languages that models write."""

_PHRASES = frozenset(
    {
        "n a",
        "not given",
        "not provided",
        "not set",
        "not specified",
        "not available",
        "not applicable",
        "not known",
        "no value",
        "no id",
        "leave out",
        "leave blank",
        "change me",
        "replace me",
        "to be determined",
        "nothing",
        "just nothing",
        "some none",
        "void 0",
        "std nullopt",
        "pd na",
        "optional empty",
        "optional nil",
        "system dbnull",
        "noid",
        "object object",
        "object undefined",
        "object null",
        "object null prototype",
        "object promise",
        "promise pending",
        "object array",
    }
)
_NAMES = frozenset(
    {
        "id",
        "ids",
        "customer id",
        "customer ids",
        "primary id",
        "secondary id",
        "anonymous id",
        "device id",
        "device token",
        "push token",
        "event id",
        "idempotency key",
        "object id",
        "object type id",
        "transactional message id",
        "message id",
        "template id",
        "user id",
        "person id",
        "cio id",
        "uuid",
        "guid",
        "email address",
        "next cursor",
    }
)
"""Names of identifiers, which a model sends as their own values."""

_OWNERS = frozenset(
    ("insert", "enter", "actual", "real", "some", "any", "example", "sample", "my", "the")
)
_THINGS = frozenset(("id", "ids", "identifier", "uuid", "guid", "ulid", "email", "address"))
_YOURS = _THINGS | {"key", "token", "name", "value", "user", "customer", "person", "template"}

LAST_WORDS = frozenset(
    {phrase.split()[-1] for phrase in _PHRASES | _NAMES} | _NOTHING | _THINGS | _YOURS | {"here"}
)
"""The words with which placeholders end that have no digit."""

_TEMPLATE = pattern(
    r"\{\{.*\}\}|\{%.*%\}|[$#@%]\{.*\}|\$\(.*\)|<%.*%>|\[\[.*\]\]|^\{[\w.]*\}$"
    r"|^%(\(\w+\))?[sdr]$|^#[A-Z/0]+[!?]$",
    re.DOTALL,
)
"""A template's tag that was not filled in; it counts inside a longer text too."""

_IN_BRACKETS = pattern(r"[<\[{][A-Za-z '\"_.-]+[>\]}]|<.* at 0x[0-9a-f]+>")
_QUOTES_AND_BRACKETS = (
    " \t\r\n\"'`\\<>[](){}\u00b4\u00ab\u00bb\u2039\u203a"
    "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f"
)
_FILLER = pattern(r"\.{3,}|[-~\u2013\u2014_?*]+|[xX]{3,20}")
_ZEROS = pattern(r"0{26}|0{32}")
"""The ULID and the UUID of zeros, which identify nothing by definition."""

_ESCAPE = pattern(r"\\u([0-9A-Fa-f]{4})")

_NUMBERED = pattern(r"[A-Za-z0-9_.@+-]*[1-9][A-Za-z0-9_.@+-]*")
"""Most identifiers: such a text has no brackets, and no placeholder without them has a digit."""

_MAX_CHARS = 1000
"""Characters of a text that are examined; no placeholder is longer."""


def is_placeholder(text: str, argument: str = "") -> bool:
    """Return whether a text stands for no identifier, in any case and with anything round it.

    A text that only contains such a word, as `nullable-7` does, may be an identifier.

    Args:
        text: The text as it was sent.
        argument: The name of its argument, which is a placeholder as well.
    """
    if _NUMBERED.fullmatch(text, 0, _MAX_CHARS):
        return False
    plain = _unescaped(text[:_MAX_CHARS])
    if _TEMPLATE.search(plain) or _IN_BRACKETS.fullmatch(plain) or _FILLER.fullmatch(plain):
        return True
    if plain and not plain.strip(_QUOTES_AND_BRACKETS):
        return True
    own_name = " ".join(_words(argument))
    return any(_mean_nothing(words, own_name) for words in _readings(plain))


def _unescaped(text: str) -> str:
    """Return a text without escapes of HTML, URLs or JSON, and in its compatible form."""
    from html import unescape  # its table of names costs a start what few calls need

    plain = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    plain = unquote(unescape(plain))
    return unicodedata.normalize("NFKC", visible(plain)).strip()


def _readings(text: str) -> Iterator[list[str]]:
    """Yield the words of a text, first as it is and then with camelCase taken apart."""
    yield _words(text)
    yield _words(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text))


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\W_]+", text.casefold()) if word]


def _mean_nothing(words: list[str], own_name: str) -> bool:
    if not words:
        return False
    if words[0] == "cio" and len(words) > 1 and words[1] in _NOTHING:
        words = words[1:]  # what a model writes before an identifier that it does not have
    phrase = " ".join(words)
    return (
        phrase in _PHRASES
        or phrase in _NAMES
        or phrase == own_name
        or all(word in _NOTHING for word in words)
        or _describe_an_identifier(words)
        or _ZEROS.fullmatch("".join(words)) is not None
    )


def _describe_an_identifier(words: list[str]) -> bool:
    """Return whether words describe an identifier, as `your_customer_id` and `id_here` do."""
    if len(words) < 2 or not all(map(str.isalpha, words)):
        return False
    first, last = words[0], words[-1]
    if first == "your":
        return last in _YOURS
    return (first in _OWNERS and last in _THINGS) or (last == "here" and words[-2] in _THINGS)


ASK = "; ask the user if nobody named it"
"""Ends the fix of an identifier that only the user may know, so that no model makes one up."""


class Blank(Problem):
    """The problem of a text without anything in it."""


class Placeholder(Problem):
    """A placeholder where an identifier is needed."""

    def __init__(self, *path: str | int) -> None:
        super().__init__("is a placeholder and no identifier", f"send the real one{ASK}", *path)


def field_problem(found: Problem, field: str, optional: Collection[str]) -> FieldProblem:
    """Return a problem of a field; an optional one without a real value is better left out."""
    whole = found.of(field)
    if isinstance(found, Blank) and field in optional:
        return FieldProblem(field, whole.problem, f"{whole.fix}, or leave the argument out")
    if isinstance(found, Placeholder) and field in optional:
        return FieldProblem(field, whole.problem, "leave it out")
    if isinstance(found, Blank) and field.endswith(("_id", "_ids")):
        return FieldProblem(field, whole.problem, f"{whole.fix}{ASK}")
    return whole
