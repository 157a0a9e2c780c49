"""Commits -> (subject, changed chunk): what developers call the change that a place has seen.

Only what still stands counts: a chunk is paired with a commit whose added lines are in it today.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codesearch.records import Chunk
from training.corpus.mining import chunk_id
from training.corpus.projects.checkout import HISTORY, git
from training.corpus.records import Pair

__all__ = ["commit_pairs", "subject_of"]

_MAX_FILES, _MAX_CHUNKS, _MIN_LINES, _MIN_LINE = 6, 2, 2, 14
_MAX_PER_CHUNK = 3
_PREFIX = re.compile(
    r"^(?:\[[^\]]*\]\s*|(?:[A-Z]+-\d+|#\d+|gh-\d+)[:,]?\s+|[a-z]+(?:\([^)]*\))?!?:\s+|fix(?:es|ed)?:?\s+#\d+[:,]?\s*)+",
    re.IGNORECASE,
)
_SUFFIX = re.compile(
    r"\s*[\[(]?(?:#\d+|gh-\d+|refs? #?\d+|close[sd]? #\d+|fix(?:es)? #\d+|[A-Z]+-\d+)[\])]?\.?$",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"(?i)\b(bump|release|version|merge|revert|changelog|typos?|lint|format(ting)?|whitespace|readme|ci"
    r"|travis|prettier|upgrade|dependenc(y|ies)|deps|cleanup|clean up|wip|rename|copyright|review|feedback"
    r"|nit|misc|spelling|tests?|docs?|documentation|comments?|rubocop|ktlint|black|pre-commit|autofix|backport)\b"
)


@dataclass(frozen=True, slots=True)
class _Change:
    subject: str
    added: Mapping[str, Sequence[str]]


def subject_of(line: str) -> str | None:
    """A subject line as a query: prefixes, issue numbers and housekeeping off; None for the rest."""
    said = _SUFFIX.sub("", _SUFFIX.sub("", _PREFIX.sub("", line.strip()))).strip(" .:`")
    words = said.split()
    if not 3 <= len(words) <= 16 or _EMPTY.search(said) or not said.isascii() or "http" in said:
        return None
    return said.replace("`", "")


def commit_pairs(repo: str, mirror: Path, commit: str, chunks: Mapping[str, Sequence[Chunk]]) -> list[Pair]:
    """Pairs of one repository; none where the clone has no history. ``chunks`` are by path."""
    used: Counter[str] = Counter()
    pairs = []
    for change in _changes(mirror, commit):
        touched = [
            chunk
            for path, added in change.added.items()
            if (chunk := _where(chunks.get(path, ()), added)) is not None
        ]
        for chunk in touched[:_MAX_CHUNKS]:
            identity = chunk_id(repo, chunk)
            used[identity] += 1
            if used[identity] <= _MAX_PER_CHUNK:
                pairs.append(
                    Pair(
                        identity,
                        change.subject,
                        chunk.embedded_text,
                        "commit",
                        chunk.language or "",
                        repo,
                        chunk.path,
                        chunk.symbol,
                    )
                )
    return pairs


def _changes(mirror: Path, commit: str) -> Iterator[_Change]:
    options = (
        "--no-merges",
        "-n",
        str(HISTORY),
        "--diff-filter=M",
        "-p",
        "-U0",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--no-renames",
    )
    try:
        log = git(mirror, "log", *options, "--format=%x00%s", commit).decode("utf-8", "replace")
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return  # shallow at the wrong place, or objects left out of the snapshot
    for record in log.split("\0"):
        line, _, diff = record.partition("\n")
        subject = subject_of(line)
        if subject is None:
            continue
        added = _added_lines(diff)
        if 1 <= len(added) <= _MAX_FILES:
            yield _Change(subject, added)


def _added_lines(diff: str) -> dict[str, list[str]]:
    added: defaultdict[str, list[str]] = defaultdict(list)
    path = ""
    for line in diff.split("\n"):
        if line.startswith("+++ b/"):
            path = line[6:]
            added[path] = []
        elif line.startswith("+") and path and len(line.strip()) >= _MIN_LINE:
            added[path].append(line[1:].strip())
    return added


def _where(chunks: Sequence[Chunk], added: Sequence[str]) -> Chunk | None:
    """The chunk that holds most of these lines, if that is more than chance."""
    telling = list(dict.fromkeys(added))[:60]
    best, most = None, 0
    for chunk in chunks:
        count = sum(line in chunk.text for line in telling)
        if count > most:
            best, most = chunk, count
    return best if most >= _MIN_LINES else None
