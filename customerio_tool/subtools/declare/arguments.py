"""The base of each subtool's arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from typing_extensions import Self


T = TypeVar("T")


class Args(BaseModel):
    """Base of each subtool's arguments: immutable, without unknown members, checked before a send.

    `repr` and `str` show no values, because they may be personal data.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, hide_input_in_errors=True
    )

    @property
    def reading(self) -> str:
        """Sentences on how values were read that say it in other words; else ""."""
        return str(vars(self).get("_reading", ""))

    def given(self) -> dict[str, Any]:
        """Return the arguments that are not None, by name."""
        # What pydantic's own iteration yields, at half of its cost.
        return {n: value for n, value in vars(self).items() if value is not None and n[0] != "_"}

    def once(self, what: str, make: Callable[[], T]) -> T:
        """Return what `make` works out of these arguments; later times, what it returned first."""
        known: dict[str, T] = vars(self).setdefault("_once", {})
        if what not in known:
            known[what] = make()
        return known[what]

    def read_as(self, reading: str) -> Self:
        """Return these arguments with the sentences on how they were read."""
        if reading:  # a private attribute would cost every call what few need
            vars(self)["_reading"] = reading
        return self

    def __repr_args__(self) -> list[tuple[str, Any]]:
        return []
