"""`Secret` and `Environment`: values that show as `***` wherever Python prints or dumps them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

if TYPE_CHECKING:
    from pydantic_core import core_schema

T_co = TypeVar("T_co", covariant=True)


class Secret(Generic[T_co]):
    """A value that shows as `***` in repr, str and dumps; `reveal` returns it.

    Copies are the secret itself, and pickling raises `TypeError`. pydantic's own `Secret` does not
    suffice: it keeps the value in `__dict__`, prints another mask and can be pickled.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T_co) -> None:
        self._value = value

    def reveal(self) -> T_co:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return self._value == other._value if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret[T_co]:
        return self

    def __deepcopy__(self, memo: object) -> Secret[T_co]:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret is not pickled; load the connection where it is used.")

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: object
    ) -> core_schema.CoreSchema:
        """Return the schema with which pydantic wraps any value, and dumps it as `***`."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            cls,
            serialization=core_schema.plain_serializer_function_ser_schema(
                str, return_schema=core_schema.str_schema()
            ),
        )


class Environment(Mapping[str, str]):
    """A read-only mapping of environment variables, some of them API keys; `repr` is `***`.

    Args:
        environ: The variables; None means those of the process.
    """

    __slots__ = ("_variables",)

    def __init__(self, environ: Mapping[str, str] | None) -> None:
        self._variables = os.environ if environ is None else environ

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __repr__(self) -> str:
        return "***"
