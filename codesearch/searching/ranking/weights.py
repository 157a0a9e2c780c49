"""Every number of the ranking, and what each is worth.

Scores are relative: reciprocal rank fusion gives 1 to a chunk that leads both lists, and every signal
adds to that or multiplies it, so a weight reads as "worth that much of a perfect match".

Chosen on files, on graded spans of lines, on comments and commits of 15 repositories and on whole issues
together, never for one repository or one model; ``docs/retrieval.md`` has what each is worth, how it does
where it was not chosen, and what was tried and left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codesearch.quick_dataclass import dataclass

if TYPE_CHECKING:
    from codesearch.searching.question.query import Query

__all__ = ["WEIGHTS", "Weights"]


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of fusion and signals, in the order in which they apply."""

    columns: tuple[float, float, float] = (3.0, 2.0, 1.0)
    """BM25 weights of names defined, path words and text."""

    # -- which place of a file
    rrf_k: float = 40.0
    """The larger, the flatter the difference between ranks; 60 in the paper."""
    lexical_share: float = 0.7
    """Share of the lexical list for a question in words; the rest is the vectors'."""
    lexical_share_name: float = 0.7
    """The same for a query that is a name: its letters matter more than its meaning."""
    lexical_share_long: float = 0.6
    """The same for an issue: the words are chosen by rarity, the vector is of its title and prose."""
    closeness: float = 1.0
    """For the cosine of the nearest chunk, less for others in proportion: ranks know the order only."""
    closeness_within: float = 0.5
    """The same once more, where places of one file are compared and likeness is asked."""
    words: float = 0.35
    """For a chunk that holds every word of the question, rare words counting more."""
    names: float = 0.25
    """For a chunk whose names and signature hold every word of the question."""
    length: float = 0.2
    """For a chunk of ``full_length`` characters or more: a crumb seldom answers."""
    full_length: int = 800
    definition: float = 3.0
    """For the definition of the name that is the query: nothing else may come first."""
    mention: float = 1.0
    """For the definition of a name that a question mentions, less where many files define it."""
    weak_mention: float = 0.5
    """The same for a name that is a mere capitalised word."""
    verbatim: float = 0.3
    """For a chunk that holds the query word for word."""

    # -- words by their meaning, where questions in words are asked of vectors too
    likeness: float = 1.0
    """For the candidate whose words are most like the question's, less for others in proportion."""
    names_beside_likeness: float = 0.5
    """``names`` and ``further`` where likeness is asked: it knows better which second place is a good one."""
    further_beside_likeness: float = 0.8

    # -- which file
    coherence: float = 0.6
    """For the file that holds most of the candidates' evidence."""
    path: float = 3.0
    """For a file whose path says what the question says."""
    abbreviations: bool = True
    """Whether first letters in a path stand for words of the question (``client_ws.py``)."""
    named_file: float = 1.0
    """For a file that the question names: a path, a module, a frame of a traceback."""
    roles: Mapping[str, float] = field(
        default_factory=lambda: {
            "test": 0.3,
            "example": 0.3,
            "compat": 0.3,
            "generated": 0.3,
            "stub": 0.7,
            "boilerplate": 0.5,
            "prose": 0.5,
            "history": 0.3,
            "data": 0.5,
        }
    )
    """Factors for files of a role (path_roles) that the query does not ask for; the smallest counts."""
    code_beside_prose: float = 0.7
    """Factor for code where the question may be one for the documentation,"""
    code_below_prose: float = 0.6
    """and where it surely is."""

    code_beside_tests: float = 0.5
    """Factor for what is no test where the question is for tests."""

    # -- how many places of a file
    duplicate: float = 0.3
    """Factor for a chunk whose text a better one has already: a vendored copy, another worktree."""
    further: float = 0.7
    """Factor for a further place of a file whose evidence equals the best of all places,"""
    further_power: float = 2.0
    """less for a weaker one: its share of the best evidence to this power.

    These two are why questions about one file of many definitions (click's comments) rank below the vectors
    alone, MRR 0.403 against 0.434. 0.85 and 1.5 give 0.423 there and 0.795 for spans (0.774), but 0.898 for
    files (0.903), which count a second place of a file as a rank that is lost. (Before ``likeness``.)
    """
    further_nearest: float = 0.75
    """The least factor for a further place in code whose cosine is among the two best."""
    further_long: float = 1.0
    """``further`` and ``further_power`` for an issue, which is mended in several places more often than a
    question has several."""
    further_power_long: float = 1.0
    further_semantic: float = 0.9
    """``further`` where cosines alone decide: of one file they are near each other, and 0.7 hides good places
    (0.596 of lines for 0.666, with 0.819 of files for 0.818)."""

    def further_place(self, share: NDArray[np.float64], query: Query) -> NDArray[np.float64]:
        """The factors for further places of a file that have these shares of the best evidence, (n,)."""
        if query.is_long:
            return self.further_long * share**self.further_power_long
        return self.further * share**self.further_power

    def by_cosine(self) -> Weights:
        """The weights of a ranking by vectors alone."""
        return replace(self, further=self.further_semantic)

    def beside_likeness(self) -> Weights:
        """The weights of a ranking that asks for likeness."""
        return replace(self, names=self.names_beside_likeness, further=self.further_beside_likeness)

    def share_for(self, query: Query) -> float:
        """The share of the lexical list for a query of its kind."""
        if query.is_name:
            return self.lexical_share_name
        return self.lexical_share_long if query.is_long else self.lexical_share


WEIGHTS = Weights()
