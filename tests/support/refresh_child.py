"""Processes that refresh an index and may be killed, started quickly: ``Starter`` in a test, ``main`` here.

A process that has imported everything waits for jobs (one JSON object a line) and forks one process for
each. That child refreshes slowly in tiny batches and writes down what it is about to do and what it has
committed, with one system call a line, so that a kill loses none of it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.support.paths import ROOT

BATCH = 4
"""Texts that the child embeds at a time at most."""


@dataclass(frozen=True)
class Job:
    """``slow`` seconds for each text and each progress report; ``file_limit`` bytes for each file."""

    root: str
    log: str
    slow: float = 0.0
    lock_wait: float = 10.0
    file_limit: int | None = None
    graph: bool = False
    hang_at_rename: bool = False


class Starter:
    """Starts refreshing processes. A context manager; one child at a time."""

    def __enter__(self) -> Starter:
        command = [sys.executable, "-m", "tests.support.refresh_child"]
        repository = ROOT
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=repository
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def start(self, job: Job) -> int:
        """Process id of a child that has just begun."""
        return self._ask(json.dumps(asdict(job)))

    def wait(self) -> int:
        """Its exit status; minus the signal that ended it. Until this is asked for, its id stays its own."""
        return self._ask("null")

    def kill(self, pid: int) -> int:
        """End it at once, wherever it is; its exit status."""
        os.kill(pid, signal.SIGKILL)
        return self.wait()

    def _ask(self, line: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def main() -> None:
    """Fork a child for each job and say its id; for each ``null``, wait for it and say how it ended."""

    pid = 0
    for line in sys.stdin:
        job = json.loads(line)
        if job is None:
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
            continue
        pid = os.fork()
        if not pid:
            _child(Job(**job))
        print(pid, flush=True)


def _child(job: Job) -> None:
    log = os.open(job.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        _limit(job.file_limit)
        _refresh(job, lambda *words: os.write(log, (" ".join(map(str, words)) + "\n").encode()))
        status = 0
    except BaseException as error:
        os.write(log, f"error {type(error).__name__}: {error}\n".encode())
        status = 1
    os._exit(status)


def _limit(size: int | None) -> None:
    if size is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _refresh(job: Job, write) -> None:
    from codesearch import open_index
    from codesearch.updating import text_stage, vectorize
    from codesearch.vectors import vector_index as vectors
    from tests.support.closeness import WordHashEmbedder

    class Slow(WordHashEmbedder):
        def encode_document(self, texts, /):
            write("encoding", len(texts))
            time.sleep(job.slow * len(texts))
            return super().encode_document(texts)

    def progress(stage: str, done: int, total: int) -> None:
        write(stage, done, total)
        time.sleep(job.slow)

    vectorize._FIRST_BATCH = vectorize._LARGEST_BATCH = BATCH
    vectorize._LOOKED_UP = 4 * BATCH
    text_stage._BATCH_FILES = 2
    if job.graph:
        vectors.VectorIndex.__init__.__kwdefaults__["graph_from"] = 0
    if job.hang_at_rename:
        _hang_at_rename(write)
    with open_index(job.root, Slow()) as index:
        stats = index.refresh(progress, lock_wait=job.lock_wait)
    write("finished", stats.embedded)


def _hang_at_rename(write) -> None:
    replace = Path.replace

    def hang(self: Path, target: Path) -> Path:
        write("renaming", Path(target).name)
        time.sleep(60)
        return replace(self, target)

    Path.replace = hang


if __name__ == "__main__":
    main()
