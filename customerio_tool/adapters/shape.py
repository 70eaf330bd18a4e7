"""What all adapters share: what a framework is given, and what it is told if it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

from customerio_tool.calls.call import CallContext
from customerio_tool.version import installer

Envelope: TypeAlias = dict[str, Any]
Arguments: TypeAlias = "Mapping[str, Any] | str"


@contextmanager
def installed(*packages: str) -> Iterator[None]:
    """Let the import of a framework that fails say what to install.

    Raises:
        ImportError: The framework, or the part that is imported, is not there.
    """
    try:
        yield
    except ImportError as error:
        named = " ".join(packages)
        advice = f"This adapter needs {named}: {installer()} --upgrade {named}"
        raise ImportError(advice, name=error.name) from error


def context_of(door: str, run: object, cancelled: Callable[[], bool] | None = None) -> CallContext:
    """Return the context of a call; `run` is the framework's name for the conversation."""
    return CallContext(door=door, run_id=None if run is None else str(run), cancelled=cancelled)
