"""The corpus -> what training reads: vocabulary, token ids of pairs, the teacher's vectors of short texts.

Each part is written once and kept; delete a file to have it made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from codesearch.searching.signals.path_roles import roles_of
from training import teacher, tokenizer
from training.corpus.shards import read_rows
from training.encoded import Pairs, encode

__all__ = ["KINDS", "prepare_pairs", "prepare_teacher", "prepare_vocabulary"]

KINDS = ("doc", "question", "topic", "file", "comment", "commit", "code")
_LONGEST_QUERY, _LONGEST_TEXT = 48, 192
_EVERY = 3
"""Words are counted in one text of so many."""
_ASKED_OF_TEACHER = ("doc", "topic", "commit")
_ABOUT_PLACES = ("topic", "question", "comment")


def prepare_vocabulary(corpus: Path, out: Path, size: int) -> None:
    """tokenizer.json, vocabulary.json and counts.npy (int64, how often each token stands in the corpus)."""
    if (out / "counts.npy").exists():
        return
    texts = (row["text"] for row in islice(read_rows(corpus, "texts"), 0, None, _EVERY))
    words = tokenizer.count_words(texts)
    words.update(tokenizer.count_words(row["query"] for row in read_rows(corpus, "pairs")))
    base = json.loads((teacher.folder() / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    vocabulary = tokenizer.choose_vocabulary(sorted(base, key=base.__getitem__), words, size=size)
    tokenizer.build(vocabulary, out / "tokenizer.json")
    (out / "vocabulary.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    built = Tokenizer.from_file(str(out / "tokenizer.json"))
    counts = np.zeros(len(vocabulary), np.int64)
    for word, count in words.items():
        for n in built.encode(word, add_special_tokens=False).ids:
            counts[n] += count
    np.save(out / "counts.npy", counts)


def prepare_pairs(corpus: Path, out: Path) -> Pairs:
    """pairs.npz."""
    path = out / "pairs.npz"
    if not path.exists():
        rows = list(_wanted(corpus))
        built = Tokenizer.from_file(str(out / "tokenizer.json"))
        pairs = Pairs(
            queries=encode(built, [row["query"] for row in rows], _LONGEST_QUERY),
            texts=encode(built, [row["text"] for row in rows], _LONGEST_TEXT),
            kind=np.array([KINDS.index(row["kind"]) for row in rows], np.int32),
            language=_codes([row["language"] for row in rows]),
            repository=_codes([row["repo"] for row in rows]),
            file=_codes([f"{row['repo']}:{row['path']}" for row in rows]),
            text_hash=np.array([_hash(row["id"] or row["text"]) for row in rows], np.int64),
        )
        pairs.save(path)
    return Pairs.load(path)


def prepare_teacher(corpus: Path, out: Path, most: int) -> np.ndarray:
    """teacher_of_pairs.npy: (pairs, 384) float16, zeros where the teacher was not asked.

    At most ``most`` different queries are embedded, an even sample of those in words (not templates).
    """
    path = out / "teacher_of_pairs.npy"
    if not path.exists():
        rows = [(row["query"], row["kind"]) for row in _wanted(corpus)]
        asked = sorted({query for query, kind in rows if kind in _ASKED_OF_TEACHER}, key=_hash)[:most]
        said = teacher.vectors(asked, out / "teacher_queries.npy")
        place = {query: n for n, query in enumerate(asked)}
        table = np.zeros((len(rows), said.shape[1]), np.float16)
        for n, (query, _) in enumerate(rows):
            if query in place:
                table[n] = said[place[query]]
        np.save(path, table)
    said_of_pairs: np.ndarray = np.load(path, mmap_mode="r")
    return said_of_pairs


def _wanted(corpus: Path) -> Iterator[dict[str, Any]]:
    """Who asks where something is done wants the code, not its test: pairs with tests and the like go out."""
    for row in read_rows(corpus, "pairs"):
        if row["kind"] in KINDS and not (row["kind"] in _ABOUT_PLACES and roles_of(row["path"])):
            yield row


def _codes(names: Sequence[str]) -> np.ndarray:
    return np.unique(np.array(names), return_inverse=True)[1].astype(np.int32)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)
