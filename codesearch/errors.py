"""Every error that this package raises on purpose.

CodesearchError
├── IndexNotFound          nothing is indexed there
├── IndexFormatError       the index was written by another format, or is damaged
├── ModelMismatch          the index holds another model's vectors
├── IndexBusy              another process is writing
├── StorageFailed          the disk is full, read-only or failing
├── ModelUnavailable       the embedding model cannot be loaded
├── BadQuery               a query, filter or location that cannot be searched for
├── TooManyFiles           a root that is larger than anyone means to index
├── PortableIndexError     a file that cannot be imported as an index
└── TooFewQuestions        a repository that says too little about itself to be a benchmark
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BadQuery",
    "CodesearchError",
    "IndexBusy",
    "IndexFormatError",
    "IndexNotFound",
    "ModelMismatch",
    "ModelUnavailable",
    "PortableIndexError",
    "StorageFailed",
    "TooFewQuestions",
    "TooManyFiles",
    "counted",
]


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 chunk, 2,000 chunks."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


class CodesearchError(Exception):
    """Base of all errors of this package; its class name is the ``kind`` of a JSON error."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors come back from other processes as they were, whatever their constructor takes."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[CodesearchError], args: tuple[Any, ...], state: dict[str, Any]) -> CodesearchError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class IndexNotFound(CodesearchError):
    """There is no index for this root."""

    def __init__(self, root: object) -> None:
        self.root = str(root)
        super().__init__(f"no index for {root}; run: codesearch index {root}")


class IndexFormatError(CodesearchError):
    """The index cannot be read by this version."""

    def __init__(self, found: object, expected: object, remedy: str = "") -> None:
        self.found = found
        self.expected = expected
        message = f"index format is {found}, expected {expected}"
        super().__init__(f"{message}; {remedy}" if remedy else message)


class ModelMismatch(CodesearchError):
    """The index was built with another model than the one given."""

    def __init__(self, index_model: str, given: str, remedy: str = "") -> None:
        self.index_model = index_model
        self.given = given
        message = f"the index holds vectors of {index_model}, but the model given is {given}"
        super().__init__(f"{message}; {remedy}" if remedy else message)


class IndexBusy(CodesearchError):
    """Another process holds the writer's lock."""

    def __init__(self, pid: int | None) -> None:
        self.pid = pid
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"{who} is writing this index; wait for it, or search with --no-refresh")


class StorageFailed(CodesearchError):
    """The file system refuses: it is full, read-only or failing. What was stored before is kept."""


class ModelUnavailable(CodesearchError):
    """The embedding model of that name cannot be loaded, or fails; the cause says why."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        super().__init__(f"model {name!r} cannot be used: {problem}")


class BadQuery(CodesearchError, ValueError):
    """The query, a filter or a location cannot be searched for."""


class TooManyFiles(CodesearchError):
    """The root holds more than anyone means to index by accident."""


class PortableIndexError(CodesearchError):
    """A file that was to be imported is not a portable index, or not the one that was expected."""

    def __init__(self, problem: str, source: str = "the file") -> None:
        self.problem = problem
        self.source = source
        super().__init__(f"{source} cannot be imported: {problem}")


class TooFewQuestions(CodesearchError):
    """A repository whose comments and history ask less than a benchmark, or tuning, needs."""

    def __init__(
        self, root: object, comments: int, commits: int, needed: int, purpose: str = "a benchmark"
    ) -> None:
        self.found = comments + commits
        super().__init__(
            f"{root} has {self.found} questions to ask ({comments} from documentation comments, {commits} "
            f"from commit subjects), {purpose} needs {needed}; give a larger part of the repository, or "
            "a clone with its history"
        )
