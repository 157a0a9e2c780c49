"""The one place where codesearch reaches for mlx_jinabert: a name in, an Embedder out, late.

A ``Model`` is what an index was opened with. Naming it costs nothing, its fingerprint costs reading
a record, and only the first text to embed loads it. What a foreign model returns is checked here:
shape, width and finiteness, before anything is stored.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from codesearch import caller
from codesearch.errors import CodesearchError, ModelUnavailable
from codesearch.models.names import is_service
from codesearch.quick_dataclass import dataclass
from codesearch.records import Embedder, Vectors

__all__ = [
    "SHIPPED",
    "EmbeddedTexts",
    "Model",
    "Runtime",
    "encode_documents",
    "encode_query",
]

SHIPPED = "embedded"
"""Name of the model that comes with the package: the only one that may change below an index."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The backend of a loaded model; "" where it does not say."""

    backend: str
    device: str
    dtype: str


@dataclass(frozen=True, slots=True)
class EmbeddedTexts:
    """Vectors of some texts, in order. Rows listed in ``failed`` have no usable vector (zeros)."""

    vectors: Vectors
    """(n, dim) float32, rows of unit length."""
    failed: tuple[int, ...]
    truncated: int
    """Texts longer than the model takes; 0 where the model cannot count tokens."""


class Model:
    """A model by name (of mlx_jinabert) or as an object with the Embedder protocol. Thread-safe."""

    def __init__(self, model: str | Embedder) -> None:
        self._lock = threading.Lock()
        self._fingerprint: str | None = None
        self._embedder: Embedder | None = None
        self._finish: Callable[[], Embedder] | None = None
        """Finishes a load that was begun."""
        self.named = True
        """Whether ``name`` alone brings the model back."""
        self._by_name = isinstance(model, str)
        if isinstance(model, str):
            self.name = model
            return
        if not isinstance(model, Embedder):
            raise CodesearchError(
                f"model is a {type(model).__name__}; expected a name or an object with dim, fingerprint, "
                "max_length, encode_query and encode_document"
            )
        self.name = str(getattr(model, "model_id", None) or type(model).__name__)
        self.named = _is_ours(model)
        self._embedder = model

    @classmethod
    def absent(cls, name: str, fingerprint: str) -> Model:
        """Another program's model that an index names, and that is not at hand."""
        model = cls(name)
        model.named = False
        model._fingerprint = fingerprint
        return model

    @classmethod
    def recorded(cls, name: str, named: bool, fingerprint: str) -> Model:
        """The model of a record: by its name where it has one, else the absent object of that fingerprint."""
        return cls(name) if named else cls.absent(name, fingerprint)

    @classmethod
    def default(cls) -> Model:
        """$CODESEARCH_MODEL, else the shipped one."""
        return cls(caller.variable("CODESEARCH_MODEL") or SHIPPED)

    @property
    def is_shipped(self) -> bool:
        """Whether this is the model that comes with the package."""
        return self.named and self.name == SHIPPED

    @property
    def is_loaded(self) -> bool:
        """Whether texts can be embedded without loading anything."""
        return self._embedder is not None

    @property
    def fingerprint(self) -> str:
        """Identity of the vectors. Read from a record where there is one, without loading the weights."""
        if self._embedder is not None:
            return self._embedder.fingerprint
        if self._fingerprint is None:
            self._fingerprint = _named_fingerprint(self.name)
        return self._fingerprint

    @property
    def cache_identity(self) -> str:
        """All that a vector depends on besides its text, as the cache that all indexes share has to know it.

        A model of this machine is known by its content and the code that computes it. A service and
        another program's object only say what they are: they share with nobody but themselves.
        """
        if not self.named:
            return f"object {self.name} {self.fingerprint}"
        if is_service(self.name):
            return f"service {self.name} {self.fingerprint}"
        from mlx_jinabert.architectures.graphs import builder_version

        return f"model {self.fingerprint} {builder_version()}"

    @property
    def stamp(self) -> str:
        """Cheap sign that the shipped model's files are the same, without an import; "" for other models."""
        spec = find_spec("mlx_jinabert") if self.is_shipped and self._by_name else None
        if spec is None or spec.origin is None:
            return ""
        folder = Path(spec.origin).parent / SHIPPED
        return "\n".join([str(folder), *(stats for _, stats in sorted(_files_in(str(folder), ())))])

    def load(self) -> Embedder:
        """The embedder; loaded once, by the first caller. ModelUnavailable says what is wrong."""
        with self._lock:
            if self._embedder is None and not self.named:
                raise ModelUnavailable(
                    self.name,
                    "it was given as an object when the index was built; pass it to open_index again, "
                    "or rebuild with a model that has a name (codesearch index --model NAME --rebuild)",
                )
            if self._embedder is None:
                finish, self._finish = self._finish or _begin_to_load(self.name), None
                with _failing_as(self.name):
                    self._embedder = finish()
            return self._embedder

    def load_ahead(self) -> bool:
        """Begin to load the model, if it is not there: ``load`` finishes that, and raises what is wrong.

        Returns whether it has been begun and not finished.
        """
        with self._lock, suppress(ModelUnavailable):
            if self._embedder is None and self._finish is None and self.named:
                self._finish = _begin_to_load(self.name)
            return self._finish is not None
        return False

    def runtime(self) -> Runtime:
        """Load the model and return what it runs on."""
        embedder = self.load()
        backend, device, dtype = (str(getattr(embedder, key, "")) for key in ("backend", "device", "dtype"))
        return Runtime(backend, device, dtype)


def _files_in(folder: str, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the parts of each file's path below ``folder``, and its name, size and time."""
    with suppress(OSError), os.scandir(folder) as entries:  # pathlib takes five times as long, at every start
        for entry in entries:
            parts = (*above, entry.name)
            if entry.is_dir():
                yield from _files_in(entry.path, parts)
            elif entry.is_file():
                found = entry.stat()
                yield parts, f"{entry.name} {found.st_size} {found.st_mtime_ns}"


def encode_documents(embedder: Embedder, texts: list[str]) -> EmbeddedTexts:
    """Embed texts to be searched; a text whose vector is not finite fails alone, not its batch."""
    cut: list[int] = []
    options = {"truncation": cut.extend} if _is_ours(embedder) else {}
    failed: list[int] = []
    left = list(range(len(texts)))
    while left:
        try:
            found = embedder.encode_document([texts[i] for i in left], **options)
            break
        except Exception as error:
            position = _failed_position(error)
            if position is None:
                _raise_ours(error, embedder)
                raise
            failed.append(left.pop(position))
    vectors = np.zeros((len(texts), embedder.dim), np.float32)
    if left:
        vectors[left] = _checked(found, len(left), embedder.dim)
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1)).tolist()
    vectors[broken] = 0.0
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    truncated = len(cut) if options else _count_truncated(embedder, texts)
    return EmbeddedTexts(vectors, tuple(sorted({*failed, *broken})), truncated)


def encode_query(embedder: Embedder, text: str) -> Vectors:
    """The vector of a question, (dim,) float32. ModelUnavailable where the model fails, or its service."""
    whole = text.encode("utf-8", "replace").decode("utf-8")  # half a character has no UTF-8 form
    try:
        vectors = embedder.encode_query([whole])
    except Exception as error:
        _raise_ours(error, embedder)
        raise
    vector: Vectors = _checked(vectors, 1, embedder.dim)[0]
    return vector


def _raise_ours(error: Exception, embedder: Embedder) -> None:
    """Turn errors of mlx_jinabert, such as a service that is down, into errors of ours."""
    from mlx_jinabert.errors import JinabertError

    if isinstance(error, JinabertError):
        name = str(getattr(embedder, "model_id", type(embedder).__name__))
        raise ModelUnavailable(name, str(error)) from error


def _is_ours(model: object) -> bool:
    return type(model).__module__.partition(".")[0] == "mlx_jinabert"


def _checked(vectors: object, count: int, dim: int) -> Vectors:
    array = np.asarray(vectors, np.float32)
    if array.shape != (count, dim):
        raise CodesearchError(
            f"the model returned an array of shape {array.shape} for {count} text(s), expected {(count, dim)}"
        )
    return array


def _failed_position(error: Exception) -> int | None:
    """Which text of the call mlx_jinabert blames, None for every other error."""
    from mlx_jinabert.errors import NonFinite

    return error.text if isinstance(error, NonFinite) else None


def _count_truncated(embedder: Embedder, texts: list[str]) -> int:
    count_tokens = getattr(embedder, "count_tokens", None)
    if count_tokens is None:
        return 0
    return sum(int(count) > embedder.max_length for count in count_tokens(texts))


def _named_fingerprint(name: str) -> str:
    from mlx_jinabert.loading.embedding import fingerprint_of

    with _failing_as(name):
        return fingerprint_of(name)


def _begin_to_load(name: str) -> Callable[[], Embedder]:
    from mlx_jinabert.loading.embedding import begin_to_load

    with _failing_as(name):
        return begin_to_load(name)


@contextmanager
def _failing_as(name: str) -> Iterator[None]:
    from mlx_jinabert.errors import JinabertError

    try:
        yield
    except JinabertError as error:
        raise ModelUnavailable(name, str(error)) from error
