"""``load_reranker``: choose the backend and the type to compute in, put the parts of a Reranker together."""

from __future__ import annotations

import os
from typing import get_args

from mlx_jinabert.architectures import JinaBertConfig
from mlx_jinabert.architectures.tasks import check_name, check_tensors
from mlx_jinabert.backends import Backend, open_backend, resolve_backend
from mlx_jinabert.backends.owner import BackendOwner
from mlx_jinabert.checkpoint.licence import tell_terms
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.loading import DTYPES, choose_backend, choose_dtype
from mlx_jinabert.reranker import Activation, Reranker, default_activation
from mlx_jinabert.spec import open_source
from mlx_jinabert.text.pairs import PairTokenizer

__all__ = ["load_reranker"]


def load_reranker(  # noqa: PLR0917 - the public contract
    name: str | os.PathLike[str],
    backend: str = "auto",
    dtype: str = "auto",
    max_length: int | None = None,
    revision: str | None = None,
    activation: Activation | None = None,
) -> Reranker:
    """See ``mlx_jinabert.load_reranker``."""
    if dtype not in DTYPES:
        raise UnsupportedConfig("dtype", dtype, DTYPES)
    if activation is not None and activation not in get_args(Activation):
        raise UnsupportedConfig("activation", activation, get_args(Activation))
    check_name(name, "reranker")
    source = open_source(name, dtype=dtype, max_length=max_length, revision=revision)
    architecture, folder = source.architecture, source.folder
    check_tensors(architecture, "reranker")
    tell_terms(folder)
    assert isinstance(architecture, JinaBertConfig)  # the only one that reads a head so far
    tokenizer = PairTokenizer(folder.tokenizer, source.max_length, architecture.type_vocab_size)

    def open_here() -> Backend:
        chosen = resolve_backend(choose_backend(backend, folder)).name
        # What int8 costs in order has not been measured, so "auto" is float32 on ONNX, for aliases too.
        plain = dtype == "auto" and chosen == "onnx" and folder.quantization is None
        wanted = "float32" if plain else choose_dtype(dtype, chosen, folder)
        return open_backend(chosen, folder, wanted, architecture)

    return Reranker(
        source, tokenizer, BackendOwner(open_here), activation or default_activation(folder.config)
    )
