"""The models that choose a subtool, each by its name on the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from evals.wordings import Definitions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Ranking: TypeAlias = list[str]
"""Names of subtools, likeliest first. A chat model names one only."""


class Model(Protocol):
    """What chooses among definitions."""

    def rankings(self, definitions: Definitions, requests: Sequence[str]) -> list[Ranking]:
        """Return a ranking for each request."""


class Embedder(Protocol):
    """What turns texts into rows of numbers with a length of one."""

    def requests(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a row for each request."""

    def definitions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a row for each definition."""


class Nearest:
    """Ranks definitions by the angle between their title and description and the request."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[tuple[str, ...], NDArray[np.float32]] = {}

    def rankings(self, definitions: Definitions, requests: Sequence[str]) -> list[Ranking]:
        """Return a ranking of all definitions for each request."""
        names = list(definitions)
        texts = [f"{each['title']}: {each['description']}" for each in definitions.values()]
        near = self._rows(requests) @ self._embedder.definitions(texts).T
        return [[names[at] for at in order] for order in (-near).argsort(axis=1, kind="stable")]

    def _rows(self, requests: Sequence[str]) -> NDArray[np.float32]:
        """Return the requests' rows, worked out once for all wordings that are compared."""
        key = tuple(requests)
        if key not in self._known:
            self._known[key] = self._embedder.requests(requests)
        return self._known[key]


def _e5() -> Model:
    from evals.e5 import E5

    return Nearest(E5())


def _minilm() -> Model:
    from evals.minilm import MiniLm

    return Nearest(MiniLm())


MODELS: dict[str, Callable[[], Model]] = {"e5": _e5, "minilm": _minilm}
"""Those that packages bring; evals.chat reaches one behind a URL."""
