"""Look at one entry of a folder: the file to index with its language, or the reason to leave it out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from codesearch.files.content.source import size_limit, skipped_by_name
from codesearch.files.language_of import language_of
from codesearch.records import SourceFile

__all__ = ["source_file", "with_headers"]


def source_file(entry: os.DirEntry[bytes], path: bytes, max_file_bytes: int) -> SourceFile | str:
    """Return the file at ``path`` below the root, or why it is not indexed. It is not opened."""
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError:
        return "name is not UTF-8"
    try:
        status = entry.stat(follow_symlinks=False)
        regular = entry.is_file(follow_symlinks=False)
    except OSError:
        return "unreadable"
    if not regular:
        return "special file"
    language = language_of(text)
    if reason := skipped_by_name(text):
        return reason
    if status.st_size > size_limit(text, language, max_file_bytes):
        return "too large"
    return SourceFile(text, status.st_size, status.st_mtime_ns, language, status.st_ctime_ns, status.st_ino)


def with_headers(files: Sequence[SourceFile]) -> list[SourceFile]:
    """Return the files of a tree: its ``.h`` are C++ where most of its other C sources are."""
    counts = Counter(file.language for file in files if not file.path.endswith(".h"))
    if counts["cpp"] <= counts["c"]:
        return list(files)
    return [replace(file, language="cpp") if file.path.endswith(".h") else file for file in files]
