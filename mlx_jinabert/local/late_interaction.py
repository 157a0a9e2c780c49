"""Late interaction: a vector per token, and documents scored by the best match of each token of a query.

ColBERT (Khattab and Zaharia, arXiv:2004.12832), in the layout and by the rules of PyLate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.backends.forward import WINDOW, compute, limits_of
from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.errors import check_count
from mlx_jinabert.local.model import LocalModel, Reload
from mlx_jinabert.local.reranker import Ranked
from mlx_jinabert.local.spec import LocalSpec
from mlx_jinabert.text.marked import MarkedTokenizer, Role
from mlx_jinabert.text.pairs import Pair, list_pairs
from mlx_jinabert.text.progress import progress_bar
from mlx_jinabert.text.prompts import list_texts
from mlx_jinabert.text.truncation import Truncation, check_truncation, report_cut
from mlx_jinabert.vectors.dense import DenseChain
from mlx_jinabert.vectors.finite import check_finite
from mlx_jinabert.vectors.pooling import l2_normalize

__all__ = ["LateInteractionModel", "TokenOptions", "max_sim"]

Vectors = NDArray[np.float32]


class TokenOptions(TypedDict, total=False):
    """The keywords of ``LateInteractionModel.encode_query`` and ``encode_document``."""

    batch_size: int | None
    max_batch_tokens: int | None
    show_progress_bar: bool
    truncation: Truncation


class LateInteractionModel(LocalModel):
    """A loaded late-interaction model, of ``mlx_jinabert.load_late_interaction``. Any thread may call it."""

    def __init__(
        self, spec: LocalSpec, tokenizer: MarkedTokenizer, owner: BackendOwner, reload: Reload
    ) -> None:
        super().__init__(spec, owner, reload)
        self._tokenizer = tokenizer
        self._dense = DenseChain(spec.folder.dense)

    @property
    def dim(self) -> int:
        """Width of a token's vector."""
        return self._spec.full_dim

    @property
    def query_length(self) -> int:
        """Longest query in tokens, special tokens included; longer ones are cut."""
        return self._tokenizer.settings.query_length

    @property
    def document_length(self) -> int:
        """Longest document in tokens, special tokens included; longer ones are cut."""
        return self._tokenizer.settings.document_length

    @property
    def document_identity(self) -> str:
        """All that the vectors of a document depend on besides its text."""
        return f"{self.fingerprint} {self._tokenizer.settings!r}"

    def encode_query(self, texts: str | Iterable[str], **options: Unpack[TokenOptions]) -> list[Vectors]:
        """Embed queries, in their order: for each, (tokens, dim) float32 with rows of unit length.

        Options are those of ``Embedder.encode``; over-long queries are cut without a word unless
        ``truncation`` says otherwise. Raises ValueError or TypeError for an argument, NonFinite for a vector.
        """
        return self._encode(list_texts(texts), "query", options)

    def encode_document(self, texts: str | Iterable[str], **options: Unpack[TokenOptions]) -> list[Vectors]:
        """Embed documents, likewise; tokens that the model skips (punctuation) have no vector."""
        return self._encode(list_texts(texts), "document", options)

    def predict(
        self, pairs: Sequence[Pair] | Pair, *, activation: object = None, **options: Unpack[TokenOptions]
    ) -> Vectors:
        """Score (query, document) pairs by ``max_sim``, in their order: (n,) float32; one alone gives ().

        ``activation`` is taken and not used: scores are what they are, up to the number of query tokens.
        """
        listed, alone = list_pairs(pairs)
        queries = list(dict.fromkeys(query for query, _ in listed))
        by_query = dict(zip(queries, self.encode_query(queries, **options), strict=True))
        documents = self.encode_document([document for _, document in listed], **options)
        scores = np.array(
            [
                max_sim(by_query[query], [vectors])[0]
                for (query, _), vectors in zip(listed, documents, strict=True)
            ],
            np.float32,
        )
        return scores.reshape(()) if alone else scores

    def rank(
        self,
        query: str,
        documents: Iterable[str],
        *,
        top_k: int | None = None,
        **options: Unpack[TokenOptions],
    ) -> list[Ranked]:
        """Sort documents by their score to the query, best first; equal scores keep the order of the call."""
        check_count("top_k", top_k)
        (vectors,) = self.encode_query([query], **options)
        scores = max_sim(vectors, self.encode_document(documents, **options))
        order = np.argsort(-scores, kind="stable")[:top_k].tolist()
        return [{"corpus_id": position, "score": float(scores[position])} for position in order]

    def _encode(self, texts: Sequence[str], role: Role, options: TokenOptions) -> list[Vectors]:
        truncation = options.get("truncation", "silent")
        check_truncation(truncation)
        most = self.query_length if role == "query" else self.document_length
        limits = limits_of(options.get("batch_size"), options.get("max_batch_tokens"), most, self.device)
        found: list[Vectors] = [np.empty((0, self.dim), np.float32)] * len(texts)
        lengths: list[int] = []
        with progress_bar(len(texts), show=options.get("show_progress_bar", False)) as advance:
            for start in range(0, len(texts), WINDOW):
                marked = self._tokenizer.encode(texts[start : start + WINDOW], role)
                lengths += marked.lengths
                if truncation == "error":
                    report_cut(lengths, most, truncation)
                pad = self._tokenizer.pad_id
                for part in compute(self._owner, marked.ids, limits, pad, counts=marked.counts):
                    for position, hidden in zip(part.positions, part.values, strict=True):
                        rows = self._dense(hidden[: len(marked.ids[position])][marked.kept[position]])
                        check_finite(rows, [start + position] * len(rows), texts)
                        found[start + position] = l2_normalize(rows) if len(rows) else found[start + position]
                    advance(len(part.positions))
        report_cut(lengths, most, truncation)
        return found


def max_sim(query: Vectors, documents: Sequence[Vectors]) -> Vectors:
    """MaxSim of a query, (tokens, dim), to documents, (tokens, dim) each: (n,) float32.

    For each token of the query the largest product with a token of the document, summed. A document without
    tokens scores 0.
    """
    lengths = [len(document) for document in documents]
    scores = np.zeros(len(documents), np.float32)
    filled = [at for at, length in enumerate(lengths) if length]
    if filled and len(query):
        products = query @ np.concatenate([documents[at] for at in filled]).T
        starts = np.cumsum([0, *(lengths[at] for at in filled)])[:-1]
        scores[filled] = np.maximum.reduceat(products, starts, axis=1).sum(axis=0)
    return scores
