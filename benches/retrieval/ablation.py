"""What each signal of the ranking is worth: the loss without it, with the rest as it is.

A signal earns its place if the 90 % interval of its worth excludes a loss, and if no language carries it
alone: its worth is also taken with each language left out, and the least of these is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benches.retrieval.features import Features
from benches.retrieval.metrics import Interval, bootstrap
from codesearch.searching.ranking.ranking import WEIGHTS, Weights

WITHOUT: Mapping[str, Weights] = {
    "file coherence": replace(WEIGHTS, coherence=0.0),
    "cosine beside its rank": replace(WEIGHTS, closeness=0.0),
    "meaning between places of a file": replace(WEIGHTS, closeness_within=0.0),
    "words in text and path": replace(WEIGHTS, words=0.0),
    "words in names and signature": replace(WEIGHTS, names=0.0, names_beside_likeness=0.0),
    "words by their meaning": replace(WEIGHTS, likeness=0.0),
    "length": replace(WEIGHTS, length=0.0),
    "definition of the name asked for": replace(WEIGHTS, definition=0.0),
    "definition of a name mentioned": replace(WEIGHTS, mention=0.0),
    "definition of a capitalised word": replace(WEIGHTS, weak_mention=0.0),
    "words of the path": replace(WEIGHTS, path=0.0),
    "first letters in the path": replace(WEIGHTS, abbreviations=False),
    "verbatim text": replace(WEIGHTS, verbatim=0.0),
    "roles of files": replace(WEIGHTS, roles=dict.fromkeys(WEIGHTS.roles, 1.0)),
    "copies come later": replace(WEIGHTS, duplicate=1.0),
    "further places by their evidence": replace(
        WEIGHTS, further=1.0, further_beside_likeness=1.0, further_power=0.0
    ),
    "further places that are nearest": replace(WEIGHTS, further_nearest=0.0),
    "further places at all": replace(WEIGHTS, further=0.0, further_beside_likeness=0.0),
    "files that the question names": replace(WEIGHTS, named_file=0.0),
    "prose where it is asked for": replace(WEIGHTS, code_beside_prose=1.0, code_below_prose=1.0),
    "tests where they are asked for": replace(WEIGHTS, code_beside_tests=1.0),
}
"""The ranking with one signal switched off each."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What is lost without a signal, in NDCG@10."""

    signal: str
    gain: Interval
    least: float
    """The smallest gain with one language left out,"""
    least_without: str
    """and that language."""


COLUMNS = ("names weigh more than text (columns)", replace(WEIGHTS, columns=(1.0, 1.0, 1.0)))
"""The one signal that other candidates come from: it takes a search of its own."""


def worths(rows: Sequence[Features], plain_columns: Sequence[float], languages: Sequence[str]) -> list[Worth]:
    """Every signal's worth, most first. ``plain_columns``: NDCG@10 of each query without COLUMNS."""
    full = [row.ndcg(WEIGHTS) for row in rows]
    without = {signal: [row.ndcg(weights) for row in rows] for signal, weights in WITHOUT.items()}
    without[COLUMNS[0]] = list(plain_columns)
    got = [worth(signal, full, values, languages) for signal, values in without.items()]
    return sorted(got, key=lambda row: -row.gain.mean)


def worth(signal: str, full: Sequence[float], without: Sequence[float], languages: Sequence[str]) -> Worth:
    """Paired over queries; ``languages`` says which language each query belongs to."""
    difference = np.asarray(full) - np.asarray(without)
    of = np.asarray(languages)
    left_out = {name: float(difference[of != name].mean()) for name in sorted(set(languages))}
    weakest = min(left_out, key=lambda name: left_out[name])
    return Worth(signal, bootstrap(difference), left_out[weakest], weakest)
