"""The corpus -> the rows that are trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from codesearch.searching.signals.path_roles import roles_of
from training.corpus.shards import read_rows
from training.data.kinds import KINDS
from training.data.prepare import Row

__all__ = ["wanted_rows"]

_ABOUT_PLACES = frozenset({"topic", "question", "comment"})
_LONGEST_QUERY, _LONGEST_TEXT = 700, 1_300
"""Characters: no more of them than the tokens that are kept hold."""


def wanted_rows(corpus: Path) -> Iterator[Row]:
    """Who asks where something is done wants the code, not its test: pairs with tests and the like go out."""
    for row in read_rows(corpus, "pairs"):
        if row["kind"] in KINDS and not (row["kind"] in _ABOUT_PLACES and roles_of(row["path"])):
            yield Row(
                query=row["query"][:_LONGEST_QUERY],
                text=row["text"][:_LONGEST_TEXT],
                kind=row["kind"],
                language=row["language"],
                repo=row["repo"],
                path=row["path"],
                chunk=row["id"] or row["text"],
            )
