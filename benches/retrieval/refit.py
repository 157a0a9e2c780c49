"""Would the weights be as good on a language that they were not chosen on?

    python -m benches.retrieval.refit --checkouts DIR --annotations DIR --homes DIR \\
        --model NAME [--model NAME ...] --folds FILE

For each language: coordinate search from round numbers on all the others, then the score on the one that
was held out. The objective is the mean NDCG@10 of the hybrid search with each model and of the lexical
search, so that no weight leans on one model. Each fold is a line of ``--folds``: a run that was stopped goes
on with the next one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benches import program, records
from benches.retrieval.data.gathering import Measurement, arguments, measured
from benches.retrieval.features import Features
from codesearch.searching.ranking.ranking import WEIGHTS, Weights

GRIDS: Mapping[str, tuple[float, ...]] = {
    "lexical_share": (0.3, 0.4, 0.5, 0.6, 0.7),
    "rrf_k": (10, 30, 60),
    "coherence": (0, 0.2, 0.4, 0.6, 0.8),
    "closeness": (0.5, 0.75, 1, 1.5),
    "words": (0, 0.25, 0.5, 0.75, 1),
    "names": (0, 0.15, 0.25, 0.5),
    "length": (0, 0.2, 0.35),
    "definition": (1, 2, 3),
    "mention": (0.5, 1, 1.5, 2),
    "weak_mention": (0, 0.25, 0.5, 1),
    "path": (1, 1.5, 2, 2.5, 3, 3.5),
    "further": (0.4, 0.5, 0.6, 0.7, 0.8, 1),
    "likeness": (0, 0.5, 1, 1.5),
    "names_beside_likeness": (0, 0.25, 0.5),
    "further_beside_likeness": (0.5, 0.6, 0.7, 0.8, 1),
}
ROLE_GRID = (0.1, 0.3, 0.5, 0.7, 1.0)
START = replace(
    WEIGHTS,
    lexical_share=0.5,
    rrf_k=60,
    coherence=0.5,
    closeness=0.5,
    words=0.5,
    names=0.5,
    length=0.0,
    definition=1.0,
    mention=1.0,
    weak_mention=0.5,
    path=1.0,
    further=0.5,
    likeness=0.5,
    names_beside_likeness=0.5,
    further_beside_likeness=0.5,
    roles=dict.fromkeys(WEIGHTS.roles, 0.5),
)
"""Round numbers, not today's weights: these have seen every language."""
ROUNDS = 4
LEAST_GAIN = 0.0008
"""Less is noise: a query that moves from rank 2 to 1 on 298 queries is 0.0012."""


@dataclass(frozen=True, slots=True)
class Fold:
    """The search without one language. ``scores``: of each series, on the language that was held out."""

    held_out: str
    weights: dict[str, object]
    scores: dict[str, list[float]]


def climb(rows: Sequence[Sequence[Features]], start: Weights = START) -> Weights:
    """Coordinate search: each weight in turn to its best value of the grid, until nothing moves."""
    best, weights = objective(rows, start), start
    for _ in range(ROUNDS):
        before = weights
        for others in _coordinates():
            tried = [(objective(rows, made), made) for made in _varied(weights, others)]
            score, made = max(tried, key=lambda pair: pair[0])
            if score > best + LEAST_GAIN:
                best, weights = score, made
        if weights == before:
            break
    return weights


def objective(rows: Sequence[Sequence[Features]], weights: Weights) -> float:
    """Mean over the series (model and mode) of the mean over queries."""
    return float(np.mean([np.mean([row.ndcg(weights) for row in series]) for series in rows]))


def _coordinates() -> Iterable[str]:
    return [*GRIDS, *(f"roles.{role}" for role in START.roles)]


def _varied(weights: Weights, name: str) -> list[Weights]:
    if name.startswith("roles."):
        role = name.removeprefix("roles.")
        return [replace(weights, roles={**weights.roles, role: value}) for value in ROLE_GRID]
    return [replace(weights, **{name: value}) for value in GRIDS[name]]


def folds(data: Measurement, path: Path) -> list[Fold]:
    """One for each language, taken from the file as far as it has them."""
    done = _read(path)
    for language in sorted(set(data.languages)):
        if language in done:
            continue
        kept = [i for i, of in enumerate(data.languages) if of != language]
        held = [i for i, of in enumerate(data.languages) if of == language]
        weights = climb([[series[i] for i in kept] for series in data.series.values()])
        scores = {name: [rows[i].ndcg(weights) for i in held] for name, rows in data.series.items()}
        done[language] = Fold(language, asdict(weights), scores)
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(asdict(done[language])) + "\n")
        print(
            f"without {language}: { ({name: round(float(np.mean(s)), 3) for name, s in scores.items()}) }",
            flush=True,
        )
    return [done[language] for language in sorted(set(data.languages))]


def _read(path: Path) -> dict[str, Fold]:
    if not path.exists():
        return {}
    rows = [Fold(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row.held_out: row for row in rows}


def table(data: Measurement, done: Sequence[Fold]) -> str:
    """In-sample and out-of-sample means of each series."""
    refit = climb(list(data.series.values()))
    rows = []
    for name, features in data.series.items():
        held = [score for fold in done for score in fold.scores[name]]
        shipped, best = (np.mean([row.ndcg(weights) for row in features]) for weights in (WEIGHTS, refit))
        mode, _, model = name.partition(", ")
        label = f"{mode}, {Path(model).name}" if model else mode
        rows.append([label, f"{shipped:.3f}", f"{best:.3f}", f"{np.mean(held):.3f}"])
    header = [
        "series",
        "shipped weights",
        "searched on all languages",
        "searched without the language scored",
    ]
    return records.table(header, rows)


def main() -> None:
    parser = program.parser(__doc__, record=False)
    arguments(parser)
    parser.add_argument("--folds", type=Path, required=True, help="keeps the folds that are done")
    args = parser.parse_args()
    data = measured(args.annotations, args.checkouts, args.homes, args.model)
    print("\n" + table(data, folds(data, args.folds)))


if __name__ == "__main__":
    main()
