"""Folders that are called test and hold none: a framework's client for tests, its runner. A path cannot tell.

Such a folder lies in a package (``django/test/``), and nothing in it is named or reads like a test. Where a
test is seldom named so (C, Perl), or a build tool fixes the place (``src/test/``), the path decides.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from codesearch.records import Chunk
from codesearch.searching.signals.path_roles import is_test

__all__ = ["seeming_tests"]

_NAMES = frozenset({"test", "tests"})
_FIXED = frozenset({"src"})
_NAMED_BY_HABIT = frozenset(
    {
        ".py",
        ".rb",
        ".java",
        ".kt",
        ".js",
        ".mjs",
        ".cjs",
        ".ts",
        ".tsx",
        ".jsx",
        ".cs",
        ".php",
        ".scala",
        ".swift",
    }
    | {".go", ".ex", ".exs", ".dart", ".groovy"}
)
_READS_LIKE_A_TEST = re.compile(
    r"^\s*(?:async\s+)?def test_\w|^\s*class \w+\((?:\w+\.)*TestCase\)|@(?:Test|pytest\.fixture)\b"
    r"|^\s*(?:it|test|describe|context|specify)[ (]\s*[\"'`]|\bfunc(?:tion)? [tT]est[A-Z_]\w*\("
    r"|\[(?:Fact|Test|TestMethod|Theory)\b",
    re.MULTILINE,
)


def seeming_tests(chunks: Sequence[Chunk]) -> frozenset[str]:
    """Return the paths among the candidates that only their folder calls tests, where none of it is one."""
    below: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        if (folder := _test_folder(chunk.path)) is not None:
            below[folder].append(chunk)
    return frozenset(
        chunk.path
        for folder, inside in below.items()
        if not any(is_test(_renamed(chunk.path)) or _reads_like_a_test(chunk.text) for chunk in inside)
        for chunk in inside
    )


@lru_cache(maxsize=1 << 14)
def _test_folder(path: str) -> str | None:
    """Return the outermost such folder of a package, where the language names its tests."""
    where = PurePosixPath(path)
    if where.suffix not in _NAMED_BY_HABIT:
        return None
    folders = where.parts[:-1]
    at = next((at for at, name in enumerate(folders) if name.casefold() in _NAMES), 0)
    return "/".join(folders[: at + 1]) if at and folders[at - 1] not in _FIXED else None


@lru_cache(maxsize=1 << 10)
def _reads_like_a_test(text: str) -> bool:
    return _READS_LIKE_A_TEST.search(text) is not None


@lru_cache(maxsize=1 << 14)
def _renamed(path: str) -> str:
    """The path as if no folder of it were called test."""
    *folders, name = path.split("/")
    others = [folder for folder in folders if folder.casefold() not in _NAMES]
    return "/".join([*others, name])
