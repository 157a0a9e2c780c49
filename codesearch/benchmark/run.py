"""A repository in, figures out: mine, sample, index without the answers' comments, ask."""

from __future__ import annotations

import os
from collections.abc import Sequence

from codesearch.benchmark.measure import Figures, Response, ask, figures
from codesearch.benchmark.mining import files_of, mined, own_of, sources_of
from codesearch.benchmark.questions import COMMENTS, COMMITS, sample_both
from codesearch.benchmark.trial import opened_trial
from codesearch.errors import TooFewQuestions
from codesearch.models.embedder import Model
from codesearch.quick_dataclass import dataclass
from codesearch.records import Embedder, Progress
from codesearch.searching.request import Mode
from codesearch.storage.folders.locations import locate

__all__ = ["LEAST_QUESTIONS", "MODES", "Plan", "Report", "run"]

MODES: tuple[Mode, ...] = ("lexical", "semantic", "hybrid")
"""In the order in which they are reported."""

LEAST_QUESTIONS = 20
"""With fewer, one lucky question moves the figures by more than any setting does."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The options of a run. ``limit`` is for all kinds of questions together."""

    path: str | os.PathLike[str] = "."
    here: bool = False
    """Whether the folder itself is the root, as in ``open_index``."""
    model: str | Embedder | None = None
    """None: the one of the user's index, else the default."""
    modes: Sequence[Mode] = MODES
    limit: int = 200
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a run."""

    root: str
    model: str
    seed: int
    files: int
    chunks: int
    found: dict[str, int]
    """Questions that the repository has to offer, by kind."""
    figures: tuple[Figures, ...]
    asked: tuple[Response, ...]


def run(plan: Plan, progress: Progress) -> Report:
    """Run the benchmark; nothing of the user's is changed but the cache of vectors, which grows.

    Raises:
        TooFewQuestions: less than ``LEAST_QUESTIONS`` in the repository.
    """
    location = locate(plan.path, here=plan.here)
    own = own_of(location)
    settings = own.settings
    files = files_of(location, settings, progress)
    comments, commits = mined(location, files, settings, progress)
    if len(comments) + len(commits) < LEAST_QUESTIONS:
        raise TooFewQuestions(location.root, len(comments), len(commits), LEAST_QUESTIONS)
    questions = sample_both(comments, commits, plan.limit, plan.seed)
    model = plan.model or own.model or Model.default().name
    sources = sources_of(location, files, settings)
    vectors = tuple(plan.modes) != ("lexical",)
    with opened_trial(sources, questions, model, progress, vectors=vectors) as trial:
        asked = tuple(ask(trial.index, questions, plan.modes, progress))
        return Report(
            root=str(location.root),
            model=trial.index.model,
            seed=plan.seed,
            files=trial.files,
            chunks=trial.chunks,
            found={COMMENTS: len(comments), COMMITS: len(commits)},
            figures=tuple(figures(asked)),
            asked=asked,
        )
