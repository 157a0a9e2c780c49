"""Rows of the corpus -> what training reads: vocabulary, token ids of pairs and of the teacher's questions.

Each part is written once and kept; delete a file to have it made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from training.data.encoded import Pairs, Ragged, encode
from training.data.kinds import KINDS
from training.model import teacher, tokenizer

__all__ = ["Row", "ordered", "prepare_pairs", "prepare_teacher", "prepare_vocabulary"]

_LONGEST_QUERY, _LONGEST_TEXT, _LONGEST_FOR_TEACHER = 64, 224, 40
_EVERY = 3
"""Words are counted in one text of so many."""
_AT_ONCE = 5_000
_SAME_QUERY = 4
_ASKED_OF_TEACHER = frozenset({"doc", "topic", "commit", "comment", "message", "question"})


@dataclass(frozen=True, slots=True)
class Row:
    """A pair, as training looks at it. ``chunk``: equal for pairs that the same place answers."""

    query: str
    text: str
    kind: str
    language: str
    repo: str
    path: str
    chunk: str


def ordered(rows: Iterable[Row]) -> list[Row]:
    """In the order of their chunks; of equal queries the first few."""
    asked: Counter[str] = Counter()
    kept = []
    for row in sorted(rows, key=lambda row: (row.repo, row.path, row.chunk, row.text, row.query)):
        query = row.query.lower()
        asked[query] += 1
        if asked[query] <= _SAME_QUERY:
            kept.append(row)
    return kept


def prepare_vocabulary(
    rows: Sequence[Row], base: Mapping[str, int], out: Path, sizes: tuple[int, int], processes: int = 2
) -> None:
    """tokenizer.json, vocabulary.json and counts.npy (int64, how often each token stands in the corpus).

    ``base``: the teacher's vocabulary. ``sizes``: tokens in all, and how many for other scripts than Latin.
    """
    if (out / "counts.npy").exists():
        return
    texts = list(dict.fromkeys(row.text for row in rows))[::_EVERY]
    words: Counter[str] = Counter()
    with ProcessPoolExecutor(processes) as pool:
        for counted in pool.map(tokenizer.count_words, _pieces([*texts, *(row.query for row in rows)])):
            words.update(counted)
    vocabulary = tokenizer.choose_vocabulary(
        sorted(base, key=base.__getitem__), words, size=sizes[0], foreign=sizes[1]
    )
    tokenizer.build(vocabulary, out / "tokenizer.json")
    (out / "vocabulary.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    built = Tokenizer.from_file(str(out / "tokenizer.json")).model
    counts = np.zeros(len(vocabulary), np.int64)
    for word, count in words.items():
        for token in built.tokenize(word):
            counts[token.id] += count
    np.save(out / "counts.npy", counts)


def prepare_pairs(rows: Sequence[Row], out: Path, longest_text: int = _LONGEST_TEXT) -> Pairs:
    """pairs.npz, a pair a row; texts are cut to ``longest_text`` tokens."""
    path = out / "pairs.npz"
    if not path.exists():
        built = Tokenizer.from_file(str(out / "tokenizer.json"))
        place = {text: n for n, text in enumerate(dict.fromkeys(row.text for row in rows))}
        pairs = Pairs(
            queries=encode(built, [row.query for row in rows], _LONGEST_QUERY),
            texts=encode(built, list(place), longest_text),
            text=np.array([place[row.text] for row in rows], np.int32),
            kind=np.array([KINDS.index(row.kind) for row in rows], np.int32),
            language=_codes(row.language for row in rows),
            repository=_codes(row.repo for row in rows),
            file=_codes(f"{row.repo}:{row.path}" for row in rows),
            chunk=_codes(f"{row.repo}:{row.chunk}" for row in rows),
        )
        pairs.save(path)
    return Pairs.load(path)


def prepare_teacher(
    rows: Sequence[Row], reader: Tokenizer, weights: Mapping[str, np.ndarray], out: Path, most: int
) -> None:
    """teacher.npz: the teacher's weights, packed, and token ids (by ``reader``) of what it is asked.

    Asked are every token of the vocabulary and at most ``most`` different queries in Latin letters;
    ``of_pairs``: (pairs,) int32, which of the queries a pair's is, -1 for none.
    """
    path = out / "teacher.npz"
    if path.exists():
        return
    asked = sorted({row.query for row in rows if row.kind in _ASKED_OF_TEACHER}, key=_hash)[:most]
    place = {query: n for n, query in enumerate(asked)}
    vocabulary = json.loads((out / "vocabulary.json").read_text(encoding="utf-8"))
    reader.no_padding()
    columns: dict[str, Any] = dict(weights)
    for name, texts in (("queries", asked), ("words", [teacher.in_words(t) for t in vocabulary])):
        ragged: Ragged = encode(reader, texts, _LONGEST_FOR_TEACHER)
        columns |= {f"{name}_ids": ragged.ids, f"{name}_lengths": ragged.lengths().astype(np.uint16)}
    columns["of_pairs"] = np.array([place.get(row.query, -1) for row in rows], np.int32)
    columns["counts"] = np.load(out / "counts.npy")
    columns["unknown"] = np.array([not teacher.is_known(token) for token in vocabulary])
    np.savez(path, **columns)


def _pieces(texts: Sequence[str]) -> Iterator[list[str]]:
    return (list(texts[at : at + _AT_ONCE]) for at in range(0, len(texts), _AT_ONCE))


def _codes(names: Iterable[str]) -> np.ndarray:
    places: dict[str, int] = {}
    return np.array([places.setdefault(name, len(places)) for name in names], np.int32)


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()
