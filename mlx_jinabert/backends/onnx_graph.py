"""Which ONNX graph a model folder runs: the one it holds, or one built from its weights and cached.

Names no framework: the session is opened by the caller's function, ``onnx`` is reached through
``mlx_jinabert.architectures.graphs`` when a graph has to be built.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mlx_jinabert.architectures import graphs
from mlx_jinabert.architectures.shared.onnx.dtypes import DTYPES
from mlx_jinabert.backends.graph_cache import cached_graph, discard
from mlx_jinabert.checkpoint.fingerprint import stored_content
from mlx_jinabert.checkpoint.sentence_files import read_json
from mlx_jinabert.checkpoint.weights import Weights
from mlx_jinabert.errors import BackendUnavailable, ModelFolderError

if TYPE_CHECKING:
    from mlx_jinabert.architectures import ArchitectureConfig
    from mlx_jinabert.checkpoint.folder import ModelFolder

__all__ = ["GraphFile", "computed_dtype"]

S = TypeVar("S")

_MAPPED_BYTES = 1 << 20
"""Weights beyond this lie beside a cached graph, where they are mapped: few rows of a table are read."""


def computed_dtype(dtype: str) -> str:
    """``dtype`` if graphs compute in it, float32 for "auto"; raises BackendUnavailable otherwise."""
    if dtype == "auto":
        return "float32"
    if dtype in DTYPES:
        return dtype
    raise BackendUnavailable(
        "onnx",
        f"it does not compute in {dtype} on a CPU (half types would be converted to float32 at every "
        f"operator); pass dtype={' or '.join(map(repr, DTYPES))}, or backend='mlx'",
    )


class GraphFile:
    """The graph of one folder in one dtype; ``bytes`` is the size of its files once it was opened.

    ``tiles``: of a graph that is built, see ``build_graph``.
    """

    def __init__(
        self, folder: ModelFolder, architecture: ArchitectureConfig, dtype: str, *, tiles: bool | None = None
    ) -> None:
        self._folder = folder
        self._architecture = architecture
        self._dtype = dtype
        self._tiles = tiles
        self.bytes = 0

    def open(self, session: Callable[[str, bool], S]) -> S:
        """``session(path, foreign)`` on the folder's own graph, else on the cached one, built if need be."""
        finished = self._finished()
        if finished is not None:
            return self._open_finished(finished, session)
        key = self._key()
        try:
            return self._open_cached(key, session)
        except _Unreadable:
            # Whole, and still refused: written by a version that knew more.
            discard(key)
            return self._open_cached(key, session)

    def _open_cached(self, key: str, session: Callable[[str, bool], S]) -> S:
        with cached_graph(key, self._build) as path:
            self.bytes = _size(path)
            try:
                return session(str(path), False)
            except Exception as error:  # the errors of a runtime share no base
                raise _Unreadable(self._folder.path, f"its graph cannot be opened: {error}") from error

    def _open_finished(self, path: Path, session: Callable[[str, bool], S]) -> S:
        self.bytes = _size(path)
        try:
            return session(str(path), True)
        except ModelFolderError:
            raise
        except Exception as error:  # the errors of a runtime share no base
            raise ModelFolderError(path, f"cannot be opened ({error}); convert the model again") from error

    def _finished(self) -> Path | None:
        """The folder's own graph, if it is in the dtype that is asked for."""
        folder = self._folder
        if folder.onnx is None:
            return None
        record = read_json(folder.onnx.with_name("mlx_jinabert.json")) or {}
        if record.get("dtype") == self._dtype:
            return folder.onnx
        if folder.weights:
            return None
        raise ModelFolderError(
            folder.onnx,
            f"computes in {record.get('dtype')}, not {self._dtype}, and there are no safetensors to build "
            f"another graph from; pass dtype={record.get('dtype')!r} or convert the original again",
        )

    def _key(self) -> str:
        """Hash what the graph depends on: the bytes that it is built from and how they are read."""
        stored = self._folder.quantization
        depends = [
            stored_content(self._folder).weights,
            repr(self._architecture),
            [stored.bits, stored.group_size] if stored else None,
            self._folder.pooling,
            self._dtype,
            graphs.builder_version(),
            _MAPPED_BYTES,
            self._tiles,
        ]
        return hashlib.sha256(json.dumps(depends).encode()).hexdigest()[:32]

    def _build(self, path: Path) -> None:
        with Weights(self._folder.weights) as weights:
            try:
                graph = graphs.build_graph(
                    weights,
                    self._architecture,
                    pooling=self._folder.pooling,
                    dtype=self._dtype,
                    tiles=self._tiles,
                    data=path.with_name(f"{path.name}.data"),
                )
            except ImportError as error:
                remedy = f"pip install 'mlx-jinabert[onnx]' to build the graph ({error})"
                raise BackendUnavailable("onnx", remedy) from error
            graph.save(path, inline_bytes=_MAPPED_BYTES)


class _Unreadable(ModelFolderError):
    """A cached graph that the runtime refuses."""


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))
