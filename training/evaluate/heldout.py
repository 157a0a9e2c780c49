"""Held-out projects -> functions: the documented ones that are asked for, and the others they hide among."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from training.corpus.reading import is_test
from training.corpus.records import Text
from training.corpus.shards import read_rows

__all__ = ["Function", "documented_functions", "draw", "other_functions", "texts"]

_FUNCTIONS = frozenset({"function", "method"})
_HEADER_LINES = 2
_SEED = 1


@dataclass(frozen=True, slots=True)
class Function:
    """``text``: path, name, code, as a model sees them. ``question``: the first sentence about it, or ""."""

    repo: str
    path: str
    symbol: str
    language: str
    text: str
    question: str = ""


def texts(data: Path) -> list[Text]:
    """All chunks of the held-out projects."""
    return [Text(**row) for row in read_rows(data, "heldout_texts")]


def documented_functions(data: Path) -> list[Function]:
    """Whole functions without the comment that asks for them; of equal texts the first."""
    rows = read_rows(data, "heldout_pairs")
    found = [
        Function(row["repo"], row["path"], row["symbol"], row["language"], row["text"], row["query"])
        for row in rows
        if row["kind"] == "doc"
    ]
    return list({function.text: function for function in reversed(found)}.values())[::-1]


def other_functions(chunks: Iterable[Text], asked_for: Iterable[Function]) -> list[Function]:
    """Functions that are nobody's answer, as an index holds them: their own comments stay.

    A chunk is left out that has a documented function's name, or holds its longest line, in the same file.
    """
    answers: defaultdict[tuple[str, str], list[Function]] = defaultdict(list)
    for function in asked_for:
        answers[function.repo, function.path].append(function)
    return [
        Function(chunk.repo, chunk.path, chunk.symbol, chunk.language, chunk.text)
        for chunk in chunks
        if chunk.kind in _FUNCTIONS
        and not is_test(chunk.path)
        and not any(_held(answer, chunk) for answer in answers[chunk.repo, chunk.path])
    ]


def _held(answer: Function, chunk: Text) -> bool:
    longest = max((line.strip() for line in answer.text.split("\n")[_HEADER_LINES:]), key=len, default="")
    return answer.symbol == chunk.symbol or longest in chunk.text


def draw(functions: Iterable[Function], count: int) -> list[Function]:
    """A fixed random sample, in a fixed random order; more data changes little of it."""
    return sorted(functions, key=_lot)[:count]


def _lot(function: Function) -> bytes:
    told = f"{_SEED}\0{function.repo}\0{function.text}"
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8).digest()
