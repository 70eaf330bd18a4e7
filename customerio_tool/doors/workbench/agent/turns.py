"""What is said and done in a conversation, as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["act", "user", "agent", "call", "proof", "decided", "problem"]


@dataclass(frozen=True)
class Turn:
    """One turn; `repr` shows nothing of what it holds.

    Args:
        kind: `act` is a heading, `user` and `agent` are words, `call` is a call with its result,
            `proof` what the server holds afterwards, `decided` a person's decision about a call
            that waited, and `problem` why the conversation stopped.
        words: The words; of a call those of its result.
        is_good: Whether a call succeeded, or a proof holds.
        subtool: The name of the subtool that was called or decided about.
        arguments: The arguments of the call: JSON, or the text of a model that is no JSON.
        result: The envelope of the call.
    """

    kind: Kind
    words: str = field(default="", repr=False)
    is_good: bool = True
    subtool: str = ""
    arguments: Any = field(default=None, repr=False)
    result: Mapping[str, Any] | None = field(default=None, repr=False)
