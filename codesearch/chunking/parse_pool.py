"""Files in, chunks (or documented definitions) out, through parsing processes that a clock can kill.

A file whose parse takes too long, or brings its process down, is cut at lines instead and a note says
so; the process is replaced. A language that does this again and again is cut at lines from then on,
and where no process can be started at all, languages that are trusted are parsed here. Processes are
started when they are needed, by running this package (not by spawning the user's program again: a
script without a main guard is fine). A small job of trusted languages needs none.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from codesearch.chunking.chunk import ChunkOptions, chunks_from_spans
from codesearch.chunking.doc_comments import Documented
from codesearch.chunking.parse_worker import Task, perform, read_answer, write_job
from codesearch.chunking.spans import Span, line_spans
from codesearch.languages import LANGUAGES, Language
from codesearch.records import Chunk, SourceFile

__all__ = ["ChunkPool", "ChunkedFile", "DocumentedFile"]

SMALL_JOB_FILES, SMALL_JOB_BYTES = 24, 200_000
"""A job within both is parsed in this process (about 0.1 s), as far as its languages are trusted ..."""
SMALL_FILE_BYTES = 32_000
"""... and the file is no larger: the worst that is known of them then stays near a second."""
_MAX_STRIKES = 4
"""Files of one language that may kill their process before the language is given up."""
_MAX_STILLBORN = 3
"""Processes that may die without a single answer before no more are started."""
_AHEAD_FILES, _AHEAD_BYTES = 16, 8_000_000
"""How far reading may be ahead of the consumer: files per process, and bytes."""

_START = """\
import sys
sys.path.insert(0, sys.argv[1])
import codesearch  # this one, not another that is installed
sys.path.append(sys.path.pop(0))
from codesearch.chunking.parse_worker import main
main()
"""


class ChunkedFile(NamedTuple):
    """One file's chunks. ``note`` says what the user should know about how they came about."""

    file: SourceFile
    chunks: list[Chunk]
    note: str | None


class DocumentedFile(NamedTuple):
    """One file's documented definitions; none where it cannot be parsed."""

    file: SourceFile
    data: bytes
    definitions: list[Documented]


_Result = TypeVar("_Result")


class ChunkPool:
    """Up to ``workers`` parsing processes. A context manager; leaving it ends the processes."""

    def __init__(
        self, workers: int | None = None, timeout_seconds: float = 10.0, options: ChunkOptions | None = None
    ) -> None:
        self._count = max(1, workers if workers is not None else min(4, _cores()))
        self._timeout = timeout_seconds
        self._options = options or ChunkOptions()
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="codesearch-parse")
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._processes: set[_Process] = set()
        self._lock = threading.Lock()
        self._strikes: Counter[str] = Counter()
        self._stillborn = 0
        self._closed = threading.Event()

    def __enter__(self) -> ChunkPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; what they were at is lost."""
        self._closed.set()
        with self._lock:
            processes = list(self._processes)
        for process in processes:
            process.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for process in list(self._processes):
            self._discard(process)

    def chunk_many(self, files: Iterable[tuple[SourceFile, bytes]]) -> Iterator[ChunkedFile]:
        """Chunks of every file, in the order given. ``files`` is read in this thread, a little ahead."""
        return self._in_order(self._chunk, files)

    def documented_many(self, files: Iterable[tuple[SourceFile, bytes]]) -> Iterator[DocumentedFile]:
        """The documented definitions of every file, likewise."""
        return self._in_order(self._documented, files)

    def _in_order(
        self,
        work: Callable[[SourceFile, bytes, bool], _Result],
        files: Iterable[tuple[SourceFile, bytes]],
    ) -> Iterator[_Result]:
        source = iter(files)
        first = list(islice(source, SMALL_JOB_FILES + 1))
        small = len(first) <= SMALL_JOB_FILES and sum(len(data) for _, data in first) <= SMALL_JOB_BYTES
        waiting: deque[tuple[Future[_Result], int]] = deque()
        ahead = 0
        for file, data in chain(first, source):
            waiting.append((self._threads.submit(work, file, data, small), len(data)))
            ahead += len(data)
            while len(waiting) > _AHEAD_FILES * self._count or ahead > _AHEAD_BYTES:
                future, size = waiting.popleft()
                ahead -= size
                yield future.result()
        while waiting:
            yield waiting.popleft()[0].result()

    def _chunk(self, file: SourceFile, data: bytes, small: bool) -> ChunkedFile:
        spans, problem = self._spans(data, file.language, small)
        note = None if problem is None else f"{file.path}: {problem}; cut at lines"
        return ChunkedFile(file, chunks_from_spans(file.path, data, file.language, spans), note)

    def _documented(self, file: SourceFile, data: bytes, small: bool) -> DocumentedFile:
        known = LANGUAGES.get(file.language) if file.language else None
        found = self._performed("documented", data, known, small) if known and known.grammar else []
        return DocumentedFile(file, data, found if isinstance(found, list) else [])

    def _spans(self, data: bytes, language: str | None, small: bool) -> tuple[list[Span], str | None]:
        known = LANGUAGES.get(language) if language else None
        if known is None or not known.grammar:
            return line_spans(data, language, self._options), None
        answer = self._performed("spans", data, known, small)
        if isinstance(answer, list):
            return answer, None
        return line_spans(data, language, self._options), answer

    def _performed(self, task: Task, data: bytes, known: Language, small: bool) -> list[Any] | str:
        """The answer, or why there is none."""
        helpless = self._stillborn >= _MAX_STILLBORN or not sys.executable
        if known.trusted and len(data) <= SMALL_FILE_BYTES and (small or helpless):
            return perform(task, data, known.name, self._options)
        if self._strikes[known.name] >= _MAX_STRIKES:
            return f"the {known.name} grammar failed too often"
        if helpless:
            return "no parsing process can be started"
        return self._ask(task, data, known.name)

    def _ask(self, task: Task, data: bytes, language: str) -> list[Any] | str:
        """The answer, or what went wrong. A process that failed is gone afterwards."""
        process: _Process | None = None
        try:
            process = self._take()
            answer = process.ask(task, data, language, self._options, self._timeout)
        except ValueError as error:
            if process is not None:
                self._idle.put(process)
            return f"parsing failed ({error})"
        except (OSError, EOFError):
            return self._failed(process, language)
        self._idle.put(process)
        return answer

    def _failed(self, process: _Process | None, language: str) -> str:
        if process is None or (not process.answered and not process.overdue):
            self._stillborn += 1
        if process is None:
            return "no parsing process can be started"
        code = self._discard(process)
        self._strikes[language] += 1
        if process.overdue:
            return f"parsing as {language} took longer than {self._timeout:g} s"
        return f"the process that parsed it as {language} ended ({code})"

    def _take(self) -> _Process:
        with contextlib.suppress(queue.Empty):
            while True:
                process = self._idle.get_nowait()
                if process.is_running():
                    return process
                self._discard(process)  # it died between two jobs: no file's fault
        process = _Process()
        with self._lock:
            self._processes.add(process)
            if len(self._processes) == 1:
                threading.Thread(target=self._watch, name="codesearch-parse-clock", daemon=True).start()
        if self._closed.is_set():
            process.kill()
        return process

    def _discard(self, process: _Process) -> int | None:
        with self._lock:
            self._processes.discard(process)
        return process.end()

    def _watch(self) -> None:
        """The clock: kills what is overdue, until no process is left or the pool is closed."""
        while not self._closed.wait(min(0.1, self._timeout / 4)):
            with self._lock:
                processes = list(self._processes)
                if not processes:
                    return
            now = time.monotonic()
            for process in processes:
                process.kill_if_overdue(now)


class _Process:
    """One parsing process; used by one thread at a time, killed from any."""

    def __init__(self) -> None:
        package_home = str(Path(__file__).resolve().parents[2])
        self._popen = subprocess.Popen(
            # -P: a file called json.py in the folder that is searched must not be imported.
            [sys.executable, "-P", "-c", _START, package_home],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._lock = threading.Lock()
        self._deadline: float | None = None
        self.overdue = False
        """The clock ended it."""
        self.answered = False
        """It has done at least one job."""

    def ask(
        self, task: Task, data: bytes, language: str, options: ChunkOptions, timeout_seconds: float
    ) -> list[Any]:
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        # Starting is not the file's fault: the first job may take longer.
        with self._lock:
            self._deadline = time.monotonic() + timeout_seconds * (1 if self.answered else 2)
        try:
            write_job(self._popen.stdin, task, data, language, options, timeout_seconds=timeout_seconds)
            answer = read_answer(self._popen.stdout, task)
        finally:
            with self._lock:
                self._deadline = None
        self.answered = True
        return answer

    def is_running(self) -> bool:
        return self._popen.poll() is None

    def kill_if_overdue(self, now: float) -> None:
        with self._lock:
            if self._deadline is not None and now > self._deadline:
                self.overdue = True
                self._popen.kill()

    def kill(self) -> None:
        self._popen.kill()

    def end(self) -> int | None:
        """Close the pipes, reap, and return the exit code (negative: the signal)."""
        self._popen.kill()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # unsent bytes of the last job
                    pipe.close()
        return self._popen.wait()


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
