"""Embed texts with local models, on MLX and ONNX Runtime.

>>> import mlx_jinabert
>>> model = mlx_jinabert.load("embedded")
>>> model.encode(["def add(a, b): return a + b"]).shape
(1, 256)

Embedder               texts -> vectors: encode, encode_query, encode_document; dim, fingerprint
Reranker               (query, document) -> scores: predict, rank
LateInteractionModel   texts -> a vector per token: encode_query, encode_document, rank
load                   an Embedder by alias, Hub id, folder or address of a service
load_reranker, load_late_interaction
                       the others, likewise
available_models       the aliases and what is known of each
errors                 what is raised on purpose; every error is in this package, too

Importing this package imports neither a framework nor NumPy; ``load`` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlx_jinabert import errors as errors
    from mlx_jinabert.catalog import CatalogEntry as CatalogEntry
    from mlx_jinabert.catalog import available_models as available_models
    from mlx_jinabert.embedder import Embedder as Embedder
    from mlx_jinabert.errors import BackendUnavailable as BackendUnavailable
    from mlx_jinabert.errors import JinabertError as JinabertError
    from mlx_jinabert.errors import ModelFolderError as ModelFolderError
    from mlx_jinabert.errors import NonFinite as NonFinite
    from mlx_jinabert.errors import RemoteError as RemoteError
    from mlx_jinabert.errors import TooLong as TooLong
    from mlx_jinabert.errors import UnsupportedConfig as UnsupportedConfig
    from mlx_jinabert.errors import WeightMismatch as WeightMismatch
    from mlx_jinabert.loading.embedding import load as load
    from mlx_jinabert.loading.scoring import load_late_interaction as load_late_interaction
    from mlx_jinabert.loading.scoring import load_reranker as load_reranker
    from mlx_jinabert.local.late_interaction import LateInteractionModel as LateInteractionModel
    from mlx_jinabert.local.reranker import Reranker as Reranker

__version__ = "0.1.0"

__all__ = ["available_models", "load", "load_late_interaction", "load_reranker"]

_HOMES = {
    "Embedder": "mlx_jinabert.embedder",
    "LateInteractionModel": "mlx_jinabert.local.late_interaction",
    "Reranker": "mlx_jinabert.local.reranker",
    "CatalogEntry": "mlx_jinabert.catalog",
    "available_models": "mlx_jinabert.catalog",
    "load": "mlx_jinabert.loading.embedding",
    "load_late_interaction": "mlx_jinabert.loading.scoring",
    "load_reranker": "mlx_jinabert.loading.scoring",
    **dict.fromkeys(
        (
            "BackendUnavailable",
            "JinabertError",
            "ModelFolderError",
            "NonFinite",
            "RemoteError",
            "TooLong",
            "UnsupportedConfig",
            "WeightMismatch",
        ),
        "mlx_jinabert.errors",
    ),
}
"""Where each public name is; it is imported when it is first asked for."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name == "errors":
            return import_module("mlx_jinabert.errors")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return found

    def __dir__() -> list[str]:
        public = [
            name for name in _HOMES if _HOMES[name] not in ("mlx_jinabert.errors", "mlx_jinabert.catalog")
        ]
        public += ["available_models", "errors"]
        return [*public, "__all__", "__doc__", "__file__", "__name__", "__path__", "__version__"]
