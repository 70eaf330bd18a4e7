"""`pattern`: regular expressions that are compiled when they are first used.

Most calls need few of them, and to compile all would cost a start more than the first call itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from re import compile as pattern

__all__ = ["pattern"]

if not TYPE_CHECKING:

    class pattern:  # noqa: N801 - it stands for `re.compile`
        """A regular expression with the methods of a compiled one.

        Args:
            text: The expression.
            flags: Those of `re`.
        """

        def __init__(self, text: str | bytes, flags: int = 0) -> None:
            self._given = text, flags

        def __getattr__(self, name: str) -> Any:
            """Return a member of the compiled expression, and keep it for the next time."""
            member = getattr(re.compile(*self._given), name)
            setattr(self, name, member)
            return member
