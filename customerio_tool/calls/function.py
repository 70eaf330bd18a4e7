"""A subtool in the form in which toolkits hold a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Function:
    """A subtool as toolkits hold a function.

    Args:
        name: The name of the subtool.
        description: The description for the model.
        parameters: The JSON Schema of the arguments.
        entrypoint: The bound method, which takes the arguments by name.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    entrypoint: Callable[..., dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return the name, the description and the parameters."""
        return {
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }
