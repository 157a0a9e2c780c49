"""Two agents without a language model: one greps and reads files, one searches first.

Both do what their tools give them, in a fixed order, and stop when they have seen every line that counts, or
have read as much as they may. A token is four characters of what a tool returns.
"""

from __future__ import annotations

import math
import re
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benches.agents.tasks import Task
from codesearch.serving.agents.tools import Here

__all__ = ["BUDGET", "Reading", "grep_and_read", "search_and_read"]

BUDGET = 60_000
_TERMS = 6
_GREP_LINES, _GREP_WIDTH = 100, 200
_WHOLE_LINES = 2000
_AROUND = 40
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}")
_HEADING = re.compile(r"(?P<path>\S.*?):\d+-\d+ ")
_COMMON = frozenset(
    {"the", "and", "for", "that", "with", "this", "from", "are", "not", "you", "can", "have", "but", "was"}
    | {"when", "use", "using", "where", "how", "does", "what", "which", "will", "there", "should", "would"}
    | {"could", "into", "than", "then", "been", "has", "its", "also", "only", "like", "some", "any", "all"}
    | {"get", "set", "new", "one"}
)


@dataclass
class Reading:
    """What an agent has read; tokens when it had seen one right line, and all, None where it never had."""

    task: Task
    tokens: int = 0
    calls: int = 0
    first: int | None = None
    last: int | None = None
    seconds: float = 0.0
    _missing: set[tuple[str, int]] = field(default_factory=set)
    _started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self._missing = {(s.path, n) for s in self.task.spans for n in range(s.first, s.last + 1)}

    @property
    def is_over(self) -> bool:
        return not self._missing or self.tokens >= BUDGET

    def take(self, text: str, lines: Iterable[tuple[str, int]]) -> None:
        """The answer of a call, and which lines of which files are in it."""
        self.calls += 1
        self.tokens += len(text) // 4
        found = self._missing.intersection(lines)
        if found and self.first is None:
            self.first = self.tokens
        self._missing -= found
        if not self._missing and self.last is None:
            self.last = self.tokens
        self.seconds = time.perf_counter() - self._started


def grep_and_read(task: Task, whole: bool, reading: Reading | None = None) -> Reading:
    """Grep the rarest words of the question, then read the files with most of them, whole or in windows."""
    reading = reading or Reading(task)
    matches: dict[str, dict[int, float]] = {}
    for term, weight in _terms(task):
        if reading.is_over:
            return reading
        shown = _grep(task.root, term)
        reading.take(
            "\n".join(f"{path}:{n}:{text[:_GREP_WIDTH]}" for path, n, text in shown[:_GREP_LINES]),
            [(path, n) for path, n, _ in shown[:_GREP_LINES]],
        )
        for path, n, _ in shown:
            matches.setdefault(path, {}).setdefault(n, 0.0)
            matches[path][n] += weight
    score = {path: sum(sorted(lines.values())[-_TERMS:]) for path, lines in matches.items()}
    for path in sorted(score, key=lambda path: (-score[path], path)):
        if reading.is_over:
            break
        _read(reading, path, None if whole else matches[path])
    return reading


def search_and_read(task: Task, tools: Here) -> Reading:
    """One search, then the hits' surroundings in their order, then as the other agent does."""
    reading = Reading(task)
    answer = tools.call("search", {"query": task.text[:20_000]}, [str(task.root)], lambda *_: None)
    reading.take(answer.text, _shown_lines(answer.text))
    hits: dict[str, dict[int, float]] = {}
    for hit in answer.structured["results"]:
        lines = range(hit["start_line"], hit["end_line"] + 1)
        hits.setdefault(hit["path"], {}).update(dict.fromkeys(lines, 1.0))
    for path, lines in hits.items():
        if reading.is_over:
            return reading
        _read(reading, path, lines)
    return grep_and_read(task, whole=False, reading=reading)


def _terms(task: Task) -> list[tuple[str, float]]:
    """The rarest words of the question that occur at all, with how much each tells."""
    words = dict.fromkeys(word for word in _WORD.findall(task.text) if word.lower() not in _COMMON)
    found = []
    for word in list(words)[:60]:
        files = _git_grep(task.root, "-il", word).count("\n")
        if files:
            found.append((files, word))
    total = _git_grep(task.root, "-l", "").count("\n")
    found.sort(key=lambda pair: pair[0])
    return [(word, math.log(1 + total / files)) for files, word in found[:_TERMS]]


def _grep(root: Path, term: str) -> list[tuple[str, int, str]]:
    shown = []
    for line in _git_grep(root, "-inI", term).splitlines():
        path, number, text = line.split(":", 2)
        shown.append((path, int(number), text))
    return shown


def _git_grep(root: Path, options: str, pattern: str) -> str:
    command = ["git", "-C", str(root), "grep", options, "-F", "-e", pattern]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout


def _read(reading: Reading, path: str, around: Iterable[int] | None) -> None:
    try:
        lines = (reading.task.root / path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    numbers = list(range(1, min(len(lines), _WHOLE_LINES) + 1))
    if around is not None:
        near = {n for at in around for n in range(at - _AROUND, at + _AROUND + 1)}
        numbers = [n for n in range(1, len(lines) + 1) if n in near]
    text = "\n".join(f"{n}\t{lines[n - 1]}" for n in numbers)
    reading.take(text, [(path, n) for n in numbers])


def _shown_lines(text: str) -> Iterator[tuple[str, int]]:
    path = ""
    for line in text.splitlines():
        number, tab, _ = line.partition("\t")
        if tab and number.isdigit():
            yield path, int(number)
        elif match := _HEADING.match(line):
            path = match["path"]
