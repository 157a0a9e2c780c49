"""Every error that this package raises on purpose, beside ValueError and TypeError for wrong arguments.

JinabertError
├── UnsupportedConfig      a configuration value that the code does not implement
├── ModelFolderError       a model folder, alias or Hub id that cannot be used
├── WeightMismatch         tensors missing, left over or of the wrong shape
├── BackendUnavailable     no runtime for the asked-for backend
├── TooLong                texts over the limit with ``truncation="error"``
├── NonFinite              a text whose vector holds NaN or infinity
└── RemoteError            a remote model's service refuses, fails or answers wrongly

All survive ``pickle`` and with it the way out of a worker process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

__all__ = [
    "BackendUnavailable",
    "JinabertError",
    "ModelFolderError",
    "NonFinite",
    "RemoteError",
    "TooLong",
    "UnsupportedConfig",
    "WeightMismatch",
    "check_choice",
    "check_count",
    "naming_folder",
]

_SHOWN = 8


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


class JinabertError(Exception):
    """Base of all errors of this package."""

    folder = ""
    """The model folder that it is about, where that is known."""

    def __str__(self) -> str:
        message = super().__str__()
        return f"{self.folder}: {message}" if self.folder and self.folder not in message else message

    def __reduce__(self) -> tuple[Callable[..., JinabertError], tuple[Any, ...]]:
        # Exception's own would call the class with the message alone.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[JinabertError], args: tuple[Any, ...], state: dict[str, Any]) -> JinabertError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class UnsupportedConfig(JinabertError):
    """A configuration key holds a value that changes numbers and is not implemented."""

    def __init__(self, key: str, value: object, supported: Sequence[object] | str) -> None:
        self.key = key
        self.value = value
        self.supported = supported
        wanted = supported if isinstance(supported, str) else " or ".join(repr(s) for s in supported)
        super().__init__(f"config key {key!r} is {value!r}; supported: {wanted}")


class ModelFolderError(JinabertError):
    """A model folder (or a name that should lead to one) cannot be used."""

    def __init__(self, path: object, problem: str) -> None:
        self.path = str(path)
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class WeightMismatch(JinabertError):
    """The checkpoint's tensors are not those of the architecture.

    ``missing`` and ``extra`` are tensor names; ``shapes`` maps a name to (found, expected).
    """

    def __init__(
        self,
        missing: Sequence[str] = (),
        extra: Sequence[str] = (),
        shapes: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] | None = None,
        hint: str = "",
    ) -> None:
        self.missing = tuple(missing)
        self.extra = tuple(extra)
        self.shapes = dict(shapes or {})
        parts = []
        if self.missing:
            parts.append(f"missing: {_some(self.missing)}")
        if self.extra:
            parts.append(f"not expected: {_some(self.extra)}")
        if self.shapes:
            wrong = [f"{n} is {found}, expected {want}" for n, (found, want) in self.shapes.items()]
            parts.append(f"wrong shape: {_some(wrong)}")
        if hint:
            parts.append(hint)
        super().__init__("checkpoint does not fit the architecture; " + "; ".join(parts))


class BackendUnavailable(JinabertError):
    """The backend cannot run here; ``remedy`` says what to install or change."""

    def __init__(self, backend: str, remedy: str) -> None:
        self.backend = backend
        self.remedy = remedy
        super().__init__(f"backend {backend!r} is not available: {remedy}")


class TooLong(JinabertError):
    """Texts have more tokens than the model takes; ``texts`` are their positions in the call."""

    def __init__(self, texts: Sequence[int], lengths: Sequence[int], max_length: int) -> None:
        self.texts = tuple(texts)
        self.lengths = tuple(lengths)
        self.max_length = max_length
        found = _some([f"text {i} has {n}" for i, n in zip(self.texts, self.lengths, strict=True)])
        super().__init__(
            f"{len(self.texts)} text(s) over the limit of {max_length} tokens: {found}; "
            "split them, or pass truncation='warn' to cut them"
        )


class NonFinite(JinabertError):
    """The vector of a text is not finite; ``text`` is its position in the call."""

    def __init__(self, text: int, excerpt: str) -> None:
        self.text = text
        super().__init__(
            f"the vector of text {text} ({excerpt!r}) is not finite; "
            "try dtype='float32' and report the model and the text"
        )


class RemoteError(JinabertError):
    """A remote model's service cannot be reached, refuses, or answers with something else than vectors."""

    def __init__(self, host: str, problem: str) -> None:
        self.host = host
        self.problem = problem
        super().__init__(f"{host}: {problem}")


@contextmanager
def naming_folder(folder: object) -> Iterator[None]:
    """Let errors about a configuration or about weights name the folder that these are in."""
    try:
        yield
    except (UnsupportedConfig, WeightMismatch) as error:
        error.folder = error.folder or str(folder)
        raise


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """ValueError for an argument that is not one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; supported: {' or '.join(map(repr, choices))}")


def check_count(name: str, value: int | None) -> None:
    """ValueError for an argument that is neither None nor a positive int."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(f"{name} must be a positive int, not {value!r}")
