"""A repository in, figures out: mine, sample, index without the answers' comments, ask."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from codesearch.benchmark.comments import from_comments
from codesearch.benchmark.commits import from_commits
from codesearch.benchmark.measure import Figures, Response, ask, figures
from codesearch.benchmark.questions import COMMENTS, COMMITS, Question, sample_both
from codesearch.benchmark.trial import opened_trial
from codesearch.chunking.parse_pool import ChunkPool
from codesearch.errors import IndexFormatError, IndexNotFound, TooFewQuestions, TooManyFiles
from codesearch.files.roots import is_wide
from codesearch.files.source import SourceText, read_source
from codesearch.files.walk import WalkOptions, walk
from codesearch.models.embedder import Model
from codesearch.records import Embedder, Progress, SourceFile
from codesearch.searching.request import Mode
from codesearch.storage import metadata as recorded
from codesearch.storage.locations import Location, locate
from codesearch.storage.metadata import ModelRecord, Settings
from codesearch.storage.store import Store
from codesearch.updating.text_stage import MAX_FILES

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
    own = _own(location)
    settings = own.settings
    files = _files(location, settings, progress)
    comments, commits = _mined(location, files, settings, progress)
    if len(comments) + len(commits) < LEAST_QUESTIONS:
        raise TooFewQuestions(location.root, len(comments), len(commits), LEAST_QUESTIONS)
    questions = sample_both(comments, commits, plan.limit, plan.seed)
    model = plan.model or own.model or Model.default().name
    sources = _read(location, files, settings)
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


@dataclass(frozen=True, slots=True)
class _Own:
    """The settings and the model of the user's index."""

    settings: Settings
    model: str | None


def _own(location: Location) -> _Own:
    """Defaults where there is no index, or none that can be read."""
    try:
        with Store.open(location.directory, root=location.root, read_only=True) as store:
            settings = recorded.read(store, Settings) or Settings()
            model = recorded.read(store, ModelRecord)
    except (IndexNotFound, IndexFormatError):
        return _Own(Settings(), None)
    return _Own(settings, model.name if model and model.named else None)


def _files(location: Location, settings: Settings, progress: Progress) -> list[SourceFile]:
    if is_wide(location.root):
        raise TooManyFiles(f"{location.root} is a home folder or holds one; name the project below it")
    progress("walk", 0, 0)
    options = WalkOptions(
        max_file_bytes=settings.max_file_bytes,
        hidden=settings.hidden,
        ignore=settings.ignore,
        max_files=None if settings.allow_large else MAX_FILES,
    )
    walked = walk(location.root, options).files
    under = location.under
    return [file for file in walked if not under or file.path == under or file.path.startswith(under + "/")]


def _read(location: Location, files: Iterable[SourceFile], settings: Settings) -> Iterator[SourceText]:
    for file in files:
        source = read_source(location.root, file, settings.max_file_bytes)
        if isinstance(source, SourceText):
            yield source


def _mined(
    location: Location, files: Sequence[SourceFile], settings: Settings, progress: Progress
) -> tuple[list[Question], list[Question]]:
    """Questions from comments, and from commits."""

    def sources() -> Iterator[tuple[SourceFile, bytes]]:
        for done, source in enumerate(_read(location, files, settings), 1):
            progress("mine", done, len(files))
            yield source.file, source.data

    with ChunkPool() as pool:
        comments = from_comments(pool.documented_many(sources()))
    return comments, from_commits(location.root, {file.path for file in files})
