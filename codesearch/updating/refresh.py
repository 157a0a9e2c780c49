"""Bring an index up to date: text first, then vectors, each committed as it goes.

The order of a refresh is the contract with the user: agree on the model before anything is written,
make all text searchable, fill in the vectors, save what speeds up the search, write down how it
went. Killed between any two of these, the index answers, and the next refresh goes on from there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from codesearch.errors import counted
from codesearch.models.embedder import Model
from codesearch.quick_dataclass import dataclass
from codesearch.records import Progress, Stats
from codesearch.storage import metadata as recorded
from codesearch.storage.folders.locations import Location, vector_cache_path
from codesearch.storage.metadata import LastRefresh, ModelRecord, Settings, check_model
from codesearch.storage.store import Store
from codesearch.updating.tally import Deadline, Tally
from codesearch.updating.text_stage import TextStage
from codesearch.updating.vectorize import Vectorizer
from codesearch.vectors.cache import VectorCache
from codesearch.vectors.vector_index import FINGERPRINT, VectorIndex

__all__ = ["Job", "run_refresh"]

_GRAPH_DUE = "graph_due"
"""Key of ``store.meta``: "yes" from the first new vector until the graph has been looked after."""
_MANY_TRUNCATED = 0.1
"""Share of chunks that the model cuts off, from which on it deserves a warning."""
_OFTEN = timedelta(minutes=1)
"""A refresh that finds nothing new is written down so often: a commit leaves work to the end of a command,
which takes longer than the walk over a small tree."""
_LARGE = 1000
"""Chunks that come or go in one refresh, from which on the file is tidied afterwards."""


@dataclass(frozen=True, slots=True)
class Job:
    """The inputs of a refresh. Its caller holds the writer's lock."""

    location: Location
    store: Store
    vectors: Callable[[], VectorIndex]
    model: Model
    settings: Settings
    deadline: Deadline
    progress: Progress
    embed: bool
    """Whether to go on to the vectors."""
    notes: tuple[str, ...] = ()
    """News from before the refresh, such as a repair."""


def run_refresh(job: Job) -> Stats:
    """Run one refresh; see the module's docstring for the order."""
    tally, before = Tally(notes=list(job.notes)), job.store.generation()
    if job.embed:
        _agree_on_model(job, tally)
    recorded.write(job.store, job.settings)
    read_all = TextStage(
        root=job.location.root,
        store=job.store,
        settings=job.settings,
        tally=tally,
        deadline=job.deadline,
        progress=job.progress,
    ).run()
    embedded_all = _fill_vectors(job, tally) if job.embed else True
    if tally.chunks_removed or job.store.meta(_GRAPH_DUE) == "yes":
        _save_graph(job, tally)
    if tally.chunks_added + tally.chunks_removed >= _LARGE:
        job.store.compact()
    if not (read_all and embedded_all):
        tally.notes.append(_unfinished(job.store, read_all))
        tally.complete = False
    _write_down(job.store, tally, has_news=job.store.generation() != before)
    return tally.stats()


def _agree_on_model(job: Job, tally: Tally) -> None:
    record = recorded.read(job.store, ModelRecord)
    if record is None or (record.stamp and record.stamp == job.model.stamp):
        return
    if record.fingerprint == job.model.fingerprint:
        recorded.write(job.store, dataclasses.replace(record, stamp=job.model.stamp))
        return
    count = job.store.counts().embedded
    if not count:
        return
    if not (record.is_shipped and job.model.is_shipped):
        check_model(record, job.model, job.location.root)
    job.store.forget_vectors()
    tally.notes.append(f"the shipped model has changed: {counted(count, 'chunk')} to embed again")


def _fill_vectors(job: Job, tally: Tally) -> bool:
    """Embed what is missing; False where the deadline came first."""
    if not job.store.has_pending():
        return True
    if job.deadline.passed:
        return False
    record = recorded.read(job.store, ModelRecord)
    if record is None or record.fingerprint != job.model.fingerprint:
        with tally.timed("model"):
            record = _record_model(job)
    job.store.set_meta(_GRAPH_DUE, "yes")
    with VectorCache(vector_cache_path()) as cache:
        complete = Vectorizer(
            job.store, job.model, cache, tally, job.deadline, job.progress, record.dim
        ).run()
    if cache.problem:
        tally.notes.append(cache.problem)
    if tally.truncated > _MANY_TRUNCATED * tally.embedded:
        tally.notes.append(_too_long(job, tally))
    if job.model.is_loaded:
        _record_model(job)
    return complete


def _too_long(job: Job, tally: Tally) -> str:
    longest = job.model.load().max_length
    return (
        f"{tally.truncated:,} of {counted(tally.embedded, 'chunk')} are longer than the {longest:,} tokens "
        f"that model {job.model.name} takes, which sees their beginnings only; codesearch models lists others"
    )


def _save_graph(job: Job, tally: Tally) -> None:
    with tally.timed("graph"):
        note = job.vectors().save_if_due(job.progress)
    job.store.set_meta(_GRAPH_DUE, "no")
    if note:
        tally.notes.append(note)


def _record_model(job: Job) -> ModelRecord:
    """Write down the model (and load it), before its first vector is stored."""
    embedder, runtime = job.model.load(), job.model.runtime()
    record = ModelRecord(
        name=job.model.name,
        named=job.model.named,
        fingerprint=embedder.fingerprint,
        dim=embedder.dim,
        backend=runtime.backend,
        device=runtime.device,
        dtype=runtime.dtype,
        stamp=job.model.stamp,
    )
    with job.store.transaction():
        recorded.write(job.store, record)
        job.store.set_meta(FINGERPRINT, record.fingerprint)
    return record


def _unfinished(store: Store, read_all: bool) -> str:
    counts = store.counts()
    text = f"{counts.embedded:,} of {counted(counts.to_embed, 'chunk')} embedded"
    files = "" if read_all else f"not all files are read yet ({counts.files:,} are), "
    return f"stopped in time: {files}{text}; the next refresh goes on from here"


def _write_down(store: Store, tally: Tally, has_news: bool) -> None:
    now, last = datetime.now(UTC), recorded.read(store, LastRefresh)
    record = LastRefresh(now.isoformat(timespec="seconds"), dict(tally.skipped), tuple(tally.notes))
    is_known = last is not None and record == dataclasses.replace(last, finished=record.finished)
    if has_news or last is None or not is_known or not timedelta() <= now - last.finished_at < _OFTEN:
        recorded.write(store, record)
