"""Records: a question mined from a repository, its answers, and how many to sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from codesearch.chunking.syntax.doc_comments import Erasure
from codesearch.quick_dataclass import dataclass
from codesearch.records import Hit

__all__ = ["COMMENTS", "COMMITS", "Place", "Question", "sample", "sample_both", "unambiguous"]

COMMENTS, COMMITS = "comments", "commits"
"""Kinds of questions: first sentences of documentation comments, subjects of commits."""


@dataclass(frozen=True, slots=True)
class Place:
    """An answer to a question: a file, or lines of one (1-based, inclusive)."""

    path: str
    start_line: int | None = None
    end_line: int | None = None

    def found_in(self, hit: Hit) -> bool:
        """Whether the hit shows one of the lines."""
        if hit.path != self.path:
            return False
        if self.start_line is None or self.end_line is None:
            return True
        return hit.start_line <= self.end_line and self.start_line <= hit.end_line

    def __str__(self) -> str:
        lines = "" if self.start_line is None else f":{self.start_line}-{self.end_line}"
        return f"{self.path}{lines}"


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its answers, of which any one will do."""

    kind: str
    text: str
    answers: tuple[Place, ...]
    erasures: tuple[Erasure, ...] = ()
    """Text to remove from the file of the (only) answer before the question is fair."""


def unambiguous(questions: Iterable[Question]) -> list[Question]:
    """Those whose text no other has, compared by its words: twins have no answer of their own."""
    found: dict[str, list[Question]] = {}
    for question in questions:
        found.setdefault(" ".join(question.text.lower().split()), []).append(question)
    return [same[0] for same in found.values() if len(same) == 1]


def sample(questions: Sequence[Question], limit: int, seed: int) -> list[Question]:
    """Up to ``limit`` of them, by a hash: what else there is to choose from moves a few, not all."""
    return sorted(questions, key=lambda question: _draw(question, seed))[:limit]


def sample_both(
    comments: Sequence[Question], commits: Sequence[Question], limit: int, seed: int
) -> list[Question]:
    """Half of each kind; what one kind lacks the other makes up for."""
    some = min(len(commits), max(limit // 2, limit - len(comments)))
    return [*sample(comments, limit - some, seed), *sample(commits, some, seed)]


def _draw(question: Question, seed: int) -> bytes:
    identity = f"{seed}\0{question.kind}\0{question.answers[0].path}\0{question.text}"
    return blake2b(identity.encode("utf-8", "surrogateescape"), digest_size=8).digest()
