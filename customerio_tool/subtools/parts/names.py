"""What to say of an id that looks like a person's name, which makes a person of that id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from customerio_tool.patterns import pattern
from customerio_tool.subtools.declare import Answer, shape_of

_WORD = r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*"
_SEVERAL_WORDS = pattern(rf"{_WORD}(?: {_WORD}){{1,4}}")
_CAPITAL = pattern(r"[^\W\d_]{3,}")


def name_caution(customer_id: str) -> str:
    """Return a sentence on an id that looks like a name; "" for any other identifier."""
    if shape_of(customer_id) != "id" or not (_is_capital(customer_id) or _is_several(customer_id)):
        return ""
    return (
        "customer_id looks like a name: if nobody has it as id, a new person may be made. Ask the "
        "user for the id or the address."
    )


def _is_capital(text: str) -> bool:
    is_like_it = text[:1].isupper() and text[1:].islower()
    return is_like_it and _CAPITAL.fullmatch(text) is not None


def _is_several(text: str) -> bool:
    return " " in text and _SEVERAL_WORDS.fullmatch(text) is not None


def of_person(caution: Callable[[Answer[Any]], str] | str) -> Callable[[Answer[Any]], str]:
    """Return a caution that also says if the id of its person looks like a name."""

    def both(answer: Answer[Any]) -> str:
        own = caution if isinstance(caution, str) else caution(answer)
        return f"{own} {name_caution(answer.args.customer_id)}".strip()

    return both
