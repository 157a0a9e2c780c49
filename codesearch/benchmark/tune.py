"""Learn a query adapter from a repository, and keep it only if it wins on unseen questions.

Half of the questions teach, half judge; all questions about a file are on one side. How far to go is chosen
on a part of the first half. The judges ask the same temporary index as the benchmark, which does not hold
their comments, through the ranking that searches use.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from codesearch.benchmark.learning import GRID, Example, Step, learn
from codesearch.benchmark.metrics import DEPTH, Interval, bootstrap, reciprocal_rank
from codesearch.benchmark.mining import files_of, mined, own_of, sources_of
from codesearch.benchmark.questions import Place, Question, sample_both
from codesearch.benchmark.trial import opened_trial
from codesearch.errors import CodesearchError, TooFewQuestions
from codesearch.index.index import LOCK_WAIT_SECONDS, Index
from codesearch.index.places import EmbeddedChunks, embedded_chunks
from codesearch.models.adapter import QueryAdapter
from codesearch.models.embedder import Model, encode_query
from codesearch.quick_dataclass import dataclass
from codesearch.records import Hit, Progress
from codesearch.searching.request import Mode
from codesearch.storage.adapter_file import AdapterFile
from codesearch.storage.folders.locations import LOCK_NAME, Location, locate
from codesearch.storage.folders.lock import WriterLock
from codesearch.storage.store import Store

__all__ = ["LEAST_QUESTIONS", "Judgement", "TuneResult", "forget", "tune"]

LEAST_QUESTIONS = 80
"""Forty judge: with fewer, only a gain that no adapter makes is beyond doubt."""
_ENDLESS = 1 << 62  # a line that no file reaches
_MODES: tuple[Mode, ...] = ("hybrid", "semantic")


@dataclass(frozen=True, slots=True)
class Judgement:
    """One mode on the questions that judged: mean reciprocal rank of the ten best hits."""

    mode: str
    before: float
    after: float
    gain: Interval
    """Of the paired differences, 90 %."""


@dataclass(frozen=True, slots=True)
class TuneResult:
    """The result of tuning."""

    root: str
    model: str
    seed: int
    taught: int
    judged: int
    step: Step
    """The one that was chosen."""
    judgements: tuple[Judgement, ...]
    kept: bool


def forget(path: str | os.PathLike[str], *, here: bool = False) -> bool:
    """Forget the adapter of the index; whether there was one. IndexNotFound without an index."""
    location = locate(path, here=here)
    Store.open(location.directory, root=location.root, read_only=True).close()
    with WriterLock(location.directory / LOCK_NAME, LOCK_WAIT_SECONDS):
        return AdapterFile(location.directory).forget()


def tune(
    path: str | os.PathLike[str],
    progress: Progress,
    *,
    here: bool = False,
    limit: int = 600,
    seed: int = 0,
) -> TuneResult:
    """Tune the index of a repository; an adapter that it has is replaced by a better one or stays.

    Raises:
        IndexNotFound: there is no index. TooFewQuestions: less than ``LEAST_QUESTIONS`` in the repository.
        ModelUnavailable: the index was built with an object. IndexBusy: another process is writing.
    """
    location = locate(path, here=here)
    Store.open(location.directory, root=location.root, read_only=True).close()
    own = own_of(location)
    files = files_of(location, own.settings, progress)
    comments, commits = mined(location, files, own.settings, progress)
    questions = sample_both(comments, commits, limit, seed)
    teaching, judging = _halves(questions, f"{seed}")
    if len(questions) < LEAST_QUESTIONS or len(judging) < LEAST_QUESTIONS // 4:
        raise TooFewQuestions(location.root, len(comments), len(commits), LEAST_QUESTIONS, "tuning")
    model = own.model or Model.default().name
    sources = sources_of(location, files, own.settings)
    with opened_trial(sources, questions, model, progress) as trial:
        searches = len(teaching) * (1 + len(GRID) // 2) + 2 * len(_MODES) * len(judging)
        course = _Course(trial.index, progress, searches)
        step, adapter = course.chosen(teaching, f"{seed} chosen")
        judgements = course.judged(judging, adapter)
        name = trial.index.model
    kept = judgements[0].gain.low > 0
    if kept:
        _keep(location, adapter, judgements[0], len(judging))
    counts = len(teaching), len(judging)
    return TuneResult(str(location.root), name, seed, *counts, step, tuple(judgements), kept)


def _keep(location: Location, adapter: QueryAdapter, judgement: Judgement, judged: int) -> None:
    note = f"MRR {judgement.gain} on {judged} questions that it was not learned from"
    with WriterLock(location.directory / LOCK_NAME, LOCK_WAIT_SECONDS):
        AdapterFile(location.directory).write(replace(adapter, note=note))


def _halves(questions: Sequence[Question], salt: str) -> tuple[list[Question], list[Question]]:
    """Two parts, by the file of the first answer: its questions must not stand on both sides.

    The files with most questions are dealt out first, each to the part that has fewer.
    """
    by_file: dict[str, list[Question]] = {}
    for question in questions:
        by_file.setdefault(question.answers[0].path, []).append(question)
    halves: tuple[list[Question], list[Question]] = ([], [])
    for path in sorted(by_file, key=lambda one: (-len(by_file[one]), _draw(one, salt))):
        min(halves, key=len).extend(by_file[path])
    return halves


def _draw(path: str, salt: str) -> bytes:
    return blake2b(f"{salt}\0{path}".encode("utf-8", "surrogateescape"), digest_size=8).digest()


class _Course:
    """Lessons in a temporary index: searches with and without an adapter."""

    def __init__(self, index: Index, progress: Progress, total: int) -> None:
        self._index, self._progress = index, progress
        self._total, self._done = total, 0
        self._file = AdapterFile(index.directory)
        self._chunks = embedded_chunks(index)
        self._at = _places(self._chunks)

    def chosen(self, teaching: Sequence[Question], salt: str) -> tuple[Step, QueryAdapter]:
        """Return the step that did best on a part of the questions, and the adapter from all."""
        fitting, choosing = _halves(teaching, salt)
        hits = {question: self._search(question, "hybrid") for question in teaching}
        examples = {q: example for q in teaching if (example := self._example(q, hits[q]))}
        some = [examples[question] for question in fitting if question in examples]
        if not (some and choosing):
            raise CodesearchError("no answer to the questions of this repository has a vector to learn from")
        sums = {step: self._ranks(choosing, "hybrid", self._learn(some, step)).sum() for step in GRID}
        best = max(GRID, key=lambda step: float(sums[step]))
        return best, self._learn(list(examples.values()), best)

    def judged(self, judging: Sequence[Question], adapter: QueryAdapter) -> list[Judgement]:
        """Compare searches without and with the adapter, mode by mode."""
        found = []
        for mode in _MODES:
            before = self._ranks(judging, mode, None)
            after = self._ranks(judging, mode, adapter)
            gain = bootstrap(after - before)
            found.append(Judgement(mode, float(before.mean()), float(after.mean()), gain))
        return found

    def _learn(self, examples: Sequence[Example], step: Step) -> QueryAdapter:
        return learn(examples, step, self._index.status().fingerprint)

    def _ranks(
        self, questions: Sequence[Question], mode: Mode, adapter: QueryAdapter | None
    ) -> NDArray[np.float64]:
        """Reciprocal rank of each question's first answer."""
        if adapter is None:
            self._file.forget()
        else:
            self._file.write(adapter)
        return np.array([reciprocal_rank(one.answers, self._search(one, mode)) for one in questions])

    def _search(self, question: Question, mode: Mode) -> list[Hit]:
        self._done += 1
        self._progress("ask", min(self._done, self._total), self._total)
        return self._index.search(question.text, limit=DEPTH, mode=mode)

    def _example(self, question: Question, hits: Sequence[Hit]) -> Example | None:
        """A question with its nearest answer; None where no answer is embedded."""
        rows = [row for place in question.answers for row in self._rows_of(place)]
        if not rows:
            return None
        vector = encode_query(self._index._query_embedder(), question.text)
        answers = self._chunks.vectors[rows]
        return Example(vector, answers[int(np.argmax(answers @ vector))], self._wrong(question, hits))

    def _wrong(self, question: Question, hits: Sequence[Hit]) -> NDArray[np.float32]:
        rows = []
        for hit in hits:
            if any(place.found_in(hit) for place in question.answers):
                break
            rows += [row for line, row in self._at.get(hit.path, ()) if line == hit.start_line]
        return self._chunks.vectors[rows]

    def _rows_of(self, place: Place) -> Iterator[int]:
        """Rows of the chunks that show the place; a chunk ends where the next one of its file begins."""
        chunks = self._at.get(place.path, ())
        ends = [line for line, _ in chunks[1:]] + [_ENDLESS]
        asked = (place.start_line or 1, place.end_line or _ENDLESS)
        for (first, row), end in zip(chunks, ends, strict=False):
            if first <= asked[1] and asked[0] < end:
                yield row


def _places(chunks: EmbeddedChunks) -> dict[str, list[tuple[int, int]]]:
    """Path -> (first line, row) of its chunks, in order."""
    found: dict[str, list[tuple[int, int]]] = {}
    for row, (path, line) in enumerate(zip(chunks.path_of.tolist(), chunks.lines.tolist(), strict=True)):
        found.setdefault(chunks.paths[path], []).append((line, row))
    for places in found.values():
        places.sort()
    return found
