"""One subtool of a tool as a callable, for hosts that register functions by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from customerio_tool.calls import hints


class Handler:
    """One subtool of a tool as a callable: it takes the arguments, and returns the envelope.

    Its `__name__` is the name of the subtool, for hosts that register functions by name.

    Args:
        call: `CustomerIoTool.call` of the tool.
        name: The name of the subtool.
    """

    def __init__(self, call: Callable[..., dict[str, Any]], name: str) -> None:
        self._call = call
        self._name = self.__name__ = self.__qualname__ = name

    def __repr__(self) -> str:
        return f"<subtool {self._name}>"

    def __call__(
        self,
        arguments: Mapping[str, Any] | str | bytes | None = None,
        *,
        context: hints.CallContext | None = None,
        **named: Any,
    ) -> dict[str, Any]:
        """Run the subtool as `CustomerIoTool.call` does.

        Args:
            arguments: A mapping or JSON text, or none where each argument has its own name.
            context: As in `CustomerIoTool.call`.
            named: The arguments by name, as in `handler(customer_id="u1")`.

        Raises:
            TypeError: There is a mapping or text, and named arguments too.
        """
        if named and arguments is not None:
            raise TypeError("give the arguments as one mapping, or each by its name")
        return self._call(self._name, named or arguments, context=context)
