"""Pairs across files: a test and what it tests, prose and what it names, one name in two projects."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from codesearch.records import Chunk
from training.corpus.mining import chunk_id
from training.corpus.prose.phrases import split_name
from training.corpus.prose.sentences import sentence_of
from training.corpus.reading import is_test, share_of
from training.corpus.records import Kind, Pair, Text

__all__ = ["prose_pairs", "same_name_pairs", "test_pairs"]

_DEFINES = frozenset({"function", "method", "class", "interface", "struct", "trait", "enum", "macro", "type"})
_MAX_PER_REPOSITORY = 400
_MAX_SAME, _PER_NAME, _SHARED_WORDS, _MIN_TEXT = 40, 4, 5, 160
_TEST_WORDS = frozenset({"test", "tests", "spec", "suite", "should", "it", "benchmark"})
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])|\n\s*\n|\n(?=[-*#])")
_QUOTED = re.compile(r"``?([A-Za-z_][\w.:#]*?)(?:\(\))?``?")


def test_pairs(repo: str, chunks: Sequence[Chunk]) -> list[Pair]:
    """A test -> the one definition of the repository that its name names."""
    defined = _unique(chunk for chunk in chunks if share_of(chunk.path, chunk.language) == "code")
    pairs = []
    for chunk in chunks:
        if not is_test(chunk.path) or chunk.kind not in _DEFINES or not chunk.symbol:
            continue
        words = tuple(word for word in split_name(chunk.symbol) if word not in _TEST_WORDS)
        tested = next((defined[words[:n]] for n in range(len(words), 1, -1) if words[:n] in defined), None)
        if tested is None and len(words) == 1 and chunk.kind == "class":
            tested = defined.get(words)
        if tested is not None and tested.language == chunk.language and tested.symbol in chunk.text:
            pairs.append(_pair(repo, "code", chunk.embedded_text, tested))
    return pairs[:_MAX_PER_REPOSITORY]


def prose_pairs(repo: str, chunks: Sequence[Chunk]) -> list[Pair]:
    """A sentence of the documentation -> the definition that it names in code type."""
    defined = {chunk.symbol: chunk for chunk in _unique(chunks, code_only=True).values()}
    pairs = []
    for chunk in chunks:
        if share_of(chunk.path, chunk.language) != "prose":
            continue
        for sentence in _SENTENCE.split(re.sub(r"```.*?(```|\Z)", "", chunk.text, flags=re.DOTALL)):
            named = {name for quoted in _QUOTED.findall(sentence) if (name := _last(quoted)) in defined}
            said = sentence_of([_QUOTED.sub(_in_words, sentence)], minimum=5) if len(named) == 1 else None
            if said is not None and "|" not in said:
                pairs.append(_pair(repo, "file", said, defined[named.pop()]))
    return pairs[:_MAX_PER_REPOSITORY]


def _last(quoted: str) -> str:
    return re.split(r"[.:#]", quoted)[-1]


def _in_words(quoted: re.Match[str]) -> str:
    """A name as a question says it: in words, so that it cannot be found as a string."""
    return " ".join(split_name(_last(quoted[1]))) or quoted[1]


def same_name_pairs(texts: Iterable[Text]) -> Iterator[Pair]:
    """Definitions of one name, in words, from different projects, whose bodies share words too."""
    groups: defaultdict[tuple[str, ...], list[Text]] = defaultdict(list)
    for text in texts:
        if text.kind in _DEFINES and len(text.text) >= _MIN_TEXT and not is_test(text.path):
            words = split_name(text.symbol)
            if len(words) >= 2:
                groups[words].append(text)
    for words, group in sorted(groups.items()):
        if len({text.repo for text in group}) >= 2 and len(group) <= _MAX_SAME:
            yield from _related(words, group)


def _related(words: tuple[str, ...], group: Sequence[Text]) -> Iterator[Pair]:
    dice = random.Random(" ".join(words))
    bodies = [_words(text.text) - set(words) for text in group]
    order = [(a, b) for a in range(len(group)) for b in range(a) if group[a].repo != group[b].repo]
    dice.shuffle(order)
    made = 0
    for a, b in order:
        if made >= _PER_NAME:
            return
        shared = len(bodies[a] & bodies[b])
        smaller = min(len(bodies[a]), len(bodies[b]))
        if shared >= _SHARED_WORDS and shared >= 0.25 * smaller and bodies[a] != bodies[b]:
            made += 1
            to = group[b]
            yield Pair(to.id, group[a].text, to.text, "code", to.language, to.repo, to.path, to.symbol)


def _words(text: str) -> set[str]:
    body = text.split("\n", 2)[-1]
    return {
        word for name in re.findall(r"[A-Za-z_]\w{2,}", body) for word in split_name(name) if len(word) > 2
    }


def _unique(chunks: Iterable[Chunk], code_only: bool = False) -> Mapping[tuple[str, ...], Chunk]:
    """Definitions whose name, in words, only one chunk has."""
    found: dict[tuple[str, ...], Chunk | None] = {}
    for chunk in chunks:
        if code_only and share_of(chunk.path, chunk.language) != "code":
            continue
        if chunk.kind in _DEFINES and chunk.symbol:
            words = split_name(chunk.symbol)
            found[words] = None if words in found else chunk
    return {words: chunk for words, chunk in found.items() if chunk is not None}


def _pair(repo: str, kind: Kind, query: str, chunk: Chunk) -> Pair:
    return Pair(
        chunk_id(repo, chunk),
        query,
        chunk.embedded_text,
        kind,
        chunk.language or "",
        repo,
        chunk.path,
        chunk.symbol,
    )
