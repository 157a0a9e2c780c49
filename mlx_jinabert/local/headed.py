"""Rerankers whose score comes from modules behind the pooling: an encoder, Pooling, Dense and LayerNorm.

That is how sentence-transformers saves cross-encoders that were built from its modules, such as the ettin
rerankers: the transformer is a plain encoder, whose pooled vector goes through layers of which the last is
one wide. Source: the blog post about them (huggingface/blog, ettin-reranker.md, "Architecture Details").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.local.model import Reload
from mlx_jinabert.local.reranker import Activation, Reranker
from mlx_jinabert.local.spec import LocalSpec
from mlx_jinabert.text.pairs import PairTokenizer
from mlx_jinabert.vectors.dense import DenseChain

__all__ = ["HeadedReranker"]


class HeadedReranker(Reranker):
    """A loaded reranker of this kind; made by ``mlx_jinabert.load_reranker``."""

    def __init__(
        self,
        spec: LocalSpec,
        tokenizer: PairTokenizer,
        owner: BackendOwner,
        reload: Reload,
        activation: Activation,
    ) -> None:
        super().__init__(spec, tokenizer, owner, reload, activation)
        self._head = DenseChain(spec.folder.dense)

    def _scores(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, hidden) pooled vectors -> (n,) logits."""
        return self._head(values)[:, 0]
