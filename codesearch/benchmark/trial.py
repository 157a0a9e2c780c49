"""A temporary index of a tree from which the questions' own text has been removed.

The files that belong to the index are copied, without the comments that are asked for, into a folder of
the system's for temporary files; the index beside them is thrown away with them, however the run ends.
The user's own index is not touched. The cache of vectors is shared: it goes by text, so what the copy has
in common with the tree is not embedded again, and the next run embeds nothing.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from codesearch.benchmark.questions import Question
from codesearch.chunking.syntax.doc_comments import Erasure
from codesearch.files.content.source import SourceText
from codesearch.index.index import Index
from codesearch.quick_dataclass import dataclass
from codesearch.records import Embedder, Progress
from codesearch.storage.folders.locations import Location

__all__ = ["Trial", "erase", "opened_trial"]


@dataclass(frozen=True, slots=True)
class Trial:
    """An index to ask, and how large it is."""

    index: Index
    files: int
    chunks: int


@contextmanager
def opened_trial(
    sources: Iterable[SourceText],
    questions: Sequence[Question],
    model: str | Embedder,
    progress: Progress,
    *,
    vectors: bool = True,
) -> Iterator[Trial]:
    """The index of ``sources``, filled, for as long as the block runs."""
    with _temporary_folder() as folder:
        tree = folder / "tree"
        largest = _copy(sources, tree, _erasures(questions))
        settings = {"allow_large": True, "hidden": True, "ignore": False, "max_file_bytes": largest}
        location = Location(tree, folder / "index", "")
        location.create()
        with Index(location, model, settings, create=True) as index:
            index.refresh(progress, vectors=vectors)
            counts = index.counts()
            yield Trial(index, counts.files, counts.chunks)


def erase(data: bytes, erasures: Iterable[Erasure]) -> bytes:
    """``data`` without these stretches; every line keeps its number."""
    for part in sorted(erasures, key=lambda each: -each.start):
        newlines = data.count(b"\n", part.start, part.end)
        data = data[: part.start] + part.filler.encode() + b"\n" * newlines + data[part.end :]
    return data


def _erasures(questions: Iterable[Question]) -> dict[str, list[Erasure]]:
    by_path: dict[str, list[Erasure]] = {}
    for question in questions:
        if question.erasures:
            by_path.setdefault(question.answers[0].path, []).extend(question.erasures)
    return by_path


def _copy(sources: Iterable[SourceText], tree: Path, erasures: dict[str, list[Erasure]]) -> int:
    """Write the tree; the size of its largest file."""
    largest = 1
    tree.mkdir()
    for source in sources:
        data = erase(source.data, erasures.get(source.file.path, ()))
        target = tree / source.file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        largest = max(largest, len(data))
    return largest


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Private to the user, and gone afterwards even if Ctrl-C is pressed twice."""
    folder = Path(tempfile.mkdtemp(prefix="codesearch-bench-")).resolve()
    try:
        yield folder
    finally:
        with _deaf():
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _deaf() -> Iterator[None]:
    """Ctrl-C does nothing meanwhile (signals are the main thread's: elsewhere it has no effect anyway)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
