"""The parsing process itself: files come in over a pipe, spans go back, until the pipe is closed.

A grammar is C code that nothing in its own process can stop and that may bring its process down, so
files are parsed here, where parse_pool.py can kill it by a clock. A message is two big-endian 32-bit
lengths, that many bytes of JSON and that many bytes of file; an answer is one length and JSON. A job
asks for the spans of a file or for its documented definitions. Nothing that comes over the pipe is
executed or unpickled. The grammars of the languages it is given are
imported, numpy and the records are not.

The process ends when its parent does: the pipe closes, and should a grammar keep it from noticing, a
timer of its own that does not need the interpreter ends it a little later than the parent would have.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import struct
import sys
from collections.abc import Mapping
from typing import IO, Any, Literal

from codesearch.chunking.chunk import ChunkOptions, file_spans
from codesearch.chunking.spans import Span
from codesearch.chunking.syntax.doc_comments import DocumentedDefinition, Erasure, documented
from codesearch.chunking.workers.memory_limit import limit_self

__all__ = ["Task", "main", "perform", "read_answer", "wait_ready", "write_job"]

Task = Literal["spans", "documented"]
"""The task for a file; the answer is a list of ``Span`` or of ``DocumentedDefinition``."""

_JOB = struct.Struct(">II")
_ANSWER = struct.Struct(">I")
_READY = _ANSWER.pack(0)
"""Sent once, before the first job: what ends the process later is a file's doing."""
_GRACE_SECONDS = 5.0
_MOST_ANSWER_BYTES = 64 << 20


def perform(task: Task, data: bytes, language: str | None, options: ChunkOptions) -> list[Any]:
    """Do one job in this process; nothing can stop it."""
    if task == "spans":
        return file_spans(data, language, options)
    return documented(data, language) if language else []


def write_job(
    pipe: IO[bytes],
    task: Task,
    data: bytes,
    language: str | None,
    options: ChunkOptions,
    *,
    timeout_seconds: float,
) -> None:
    """Parent's side: send one file."""
    sizes = [options.target, options.alone_share, options.slack, options.tiny_share]
    asked = {"task": task, "language": language, "options": sizes, "seconds": timeout_seconds}
    header = json.dumps(asked).encode()
    pipe.write(_JOB.pack(len(header), len(data)) + header)
    pipe.write(data)
    pipe.flush()


def wait_ready(pipe: IO[bytes]) -> None:
    """Parent's side: wait until the process can take jobs. Raises EOFError when it ended before."""
    if _exactly(pipe, _ANSWER.size) != _READY:
        raise EOFError("it is not a parsing process")


def read_answer(pipe: IO[bytes], task: Task) -> list[Any]:
    """Parent's side: what ``perform`` returns for the file sent last.

    Raises EOFError when the process is gone, ValueError when it could not do the job, with its reason.
    """
    (length,) = _ANSWER.unpack(_exactly(pipe, _ANSWER.size))
    if length > _MOST_ANSWER_BYTES:
        raise EOFError(f"an answer of {length} bytes")
    answer = json.loads(_exactly(pipe, length))
    if isinstance(answer, str):
        raise ValueError(answer)
    return [_span(*row) if task == "spans" else _documented(*row) for row in answer]


def _span(*row: Any) -> Span:
    start, end, kind, symbol, scope, signature, names = row
    return Span(start, end, kind, symbol, tuple(scope), signature, tuple(names))


def _documented(*row: Any) -> DocumentedDefinition:
    kind, name, scope, start_line, end_line, comment, erasures = row
    gone = tuple(Erasure(*each) for each in erasures)
    return DocumentedDefinition(kind, name, tuple(scope), start_line, end_line, comment, gone)


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError("the pipe was closed")
    return data


def main() -> None:
    """Serve jobs until the pipe is closed."""
    limit_self()
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints gets among the answers
    answers.write(_READY)
    answers.flush()
    with contextlib.suppress(EOFError, BrokenPipeError), open(os.devnull, "w") as nowhere:  # noqa: PTH123
        while True:
            header_length, data_length = _JOB.unpack(_exactly(jobs, _JOB.size))
            header = json.loads(_exactly(jobs, header_length))
            data = _exactly(jobs, data_length)
            faulthandler.dump_traceback_later(header["seconds"] + _GRACE_SECONDS, exit=True, file=nowhere)
            raw = json.dumps(_answer(header, data), default=_row).encode()
            faulthandler.cancel_dump_traceback_later()
            answers.write(_ANSWER.pack(len(raw)) + raw)
            answers.flush()


def _answer(header: Mapping[str, Any], data: bytes) -> str | list[Any]:
    options = ChunkOptions(*header["options"])
    try:
        return perform(header["task"], data, header["language"], options)
    except MemoryError:  # what is left of this process is not worth keeping
        os._exit(1)
    except Exception as error:  # whatever a file provokes is this file's problem alone
        return f"{type(error).__name__}: {error}"


def _row(record: Any) -> list[Any]:
    return [getattr(record, name) for name in record.__slots__]


if __name__ == "__main__":
    main()
