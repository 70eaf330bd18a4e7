"""The base of each subtool's arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, PrivateAttr

if TYPE_CHECKING:
    from typing_extensions import Self


class Args(BaseModel):
    """Base of each subtool's arguments: immutable, without unknown members, checked before a send.

    `repr` and `str` show no values, because they may be personal data.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, hide_input_in_errors=True
    )

    _reading: str = PrivateAttr("")

    @property
    def reading(self) -> str:
        """Sentences on how values were read that say it in other words; else ""."""
        return self._reading

    def read_as(self, reading: str) -> Self:
        """Return these arguments with the sentences on how they were read."""
        self._reading = reading
        return self

    def __repr_args__(self) -> list[tuple[str, Any]]:
        return []
