"""Rerankers that answer yes or no: decoders whose next token is the verdict (Qwen3-Reranker).

The score is the probability of "yes" against "no", which is the sigmoid of the difference of their logits. A
logit is the product of the last hidden state with the token's row of the output table; so two rows of that
table are read, and the model computes what an embedding model computes. Source: the card of
Qwen/Qwen3-Reranker-0.6B (``compute_logits``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.checkpoint.packed import unpack
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.errors import WeightMismatch
from mlx_jinabert.local.model import Reload
from mlx_jinabert.local.reranker import Activation, Reranker
from mlx_jinabert.local.spec import LocalSpec
from mlx_jinabert.text.judging import JudgingTokenizer

__all__ = ["JUDGE_MAX_LENGTH", "JudgingReranker", "verdict_weights"]

JUDGE_MAX_LENGTH = 8192
"""Tokens that the authors' own example takes; the positions of the model go further."""


class JudgingReranker(Reranker):
    """A loaded reranker that answers yes or no; made by ``mlx_jinabert.load_reranker``."""

    def __init__(  # noqa: PLR0917 - those of the base, and one
        self,
        spec: LocalSpec,
        tokenizer: JudgingTokenizer,
        owner: BackendOwner,
        reload: Reload,
        activation: Activation,
        direction: NDArray[np.float32],
    ) -> None:
        """``direction``: the row of "yes" in the output table less that of "no", (hidden,)."""
        super().__init__(spec, tokenizer, owner, reload, activation)
        self._direction = direction

    def _scores(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, hidden) last hidden states -> (n,) logit of yes less that of no."""
        return np.asarray(values @ self._direction, np.float32)


def verdict_weights(folder: ModelFolder, hidden: int, yes: int, no: int) -> NDArray[np.float32]:
    """The row of "yes" in the output table less that of "no", (hidden,) float32."""
    with Weights(folder.weights) as weights:
        table = _output_table(weights, folder.config)
        found: NDArray[np.float32] = _row(weights, table, yes, hidden) - _row(weights, table, no, hidden)
    return found


def _output_table(weights: Weights, config: Mapping[str, Any]) -> str:
    """The table of the input where config.json ties both, else one of its own."""
    wanted = "embed_tokens.weight" if config.get("tie_word_embeddings") else "lm_head.weight"
    for name in sorted(weights.names()):
        if name == wanted or name.endswith(f".{wanted}"):
            return name
    raise WeightMismatch(missing=[wanted], hint="yes and no are rows of it; load the original checkpoint")


def _row(weights: Weights, table: str, token: int, hidden: int) -> NDArray[np.float32]:
    parts = [table, *(f"{table.removesuffix('.weight')}.{part}" for part in ("scales", "biases"))]
    if parts[1] not in weights.names():
        return np.asarray(weights.rows(table, token, token + 1)[0], np.float32)
    words, scales, biases = (weights.rows(part, token, token + 1) for part in parts)
    row: NDArray[np.float32] = unpack(words, scales, biases, hidden)[0]
    return row
