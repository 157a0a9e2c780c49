"""Embed a corpus: cut it into shards, have workers do the unfinished ones, delete what no longer exists."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol
from uuid import UUID

from codesearch.distributed.corpus.ledger import Ledger
from codesearch.distributed.corpus.shards import SHARD_BYTES, Shard, cut
from codesearch.distributed.corpus.work import Done, chunks_of, do_shard
from codesearch.distributed.engines.address import open_engine
from codesearch.distributed.engines.protocol import EngineRecord
from codesearch.distributed.engines.rows import make_row
from codesearch.distributed.engines.upload import agreed_record, delete_chunks
from codesearch.errors import BadQuery, CodesearchError
from codesearch.models.embedder import Model
from codesearch.quick_dataclass import dataclass
from codesearch.records import Progress
from codesearch.storage.folders.home import index_home

__all__ = ["Corpus", "CorpusStats", "Local", "Workers", "embed_corpus"]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The folders, the model and the engine of a run."""

    roots: Sequence[tuple[str, Path]]
    """(name in the engine, folder). The folder has to be there for every worker."""
    model: str
    url: str
    shard_bytes: int = SHARD_BYTES


@dataclass(frozen=True, slots=True)
class CorpusStats:
    """Counts of one run."""

    shards: int
    done_before: int
    chunks: int
    embedded: int
    """Texts that went through the model in this run."""
    deleted: int


class Workers(Protocol):
    """Somebody who does shards, in any order, each at least once."""

    def do(self, shards: Sequence[Shard], model: str, url: str) -> Iterator[Done]:
        """Yield each shard once it is in the engine."""


class Local:
    """This process, one shard after the other."""

    def do(self, shards: Sequence[Shard], model: str, url: str) -> Iterator[Done]:
        """Yield each shard once it is in the engine."""
        yield from (do_shard(shard, model, url) for shard in shards)


def embed_corpus(corpus: Corpus, workers: Workers, progress: Progress) -> CorpusStats:
    """Bring an engine up to date with many repositories.

    Raises:
        ModelMismatch: the engine holds vectors of another model. BadQuery: two roots of one name.
        CodesearchError: what a worker could not do, after it was tried again.
    """
    names = [name for name, _ in corpus.roots]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadQuery(f"two repositories are named {twice}; give them one at a time, with other remotes")
    model = Model(corpus.model)
    shards = cut(corpus.roots, model.fingerprint, corpus.shard_bytes)
    ledger = Ledger(_ledger_folder(corpus.url))
    engine = open_engine(corpus.url)
    try:
        has_record = engine.record() is not None
        agreed_record(engine, model.name, model.fingerprint, lambda: _record(model, shards))
    finally:
        engine.close()
    # An engine that was emptied knows nothing of what was done before.
    known = {shard.digest: ledger.read(shard.digest) for shard in shards} if has_record else {}
    waiting = [shard for shard in shards if known.get(shard.digest) is None]
    finished = [done for done in known.values() if done is not None]
    before, embedded = len(finished), 0
    progress("embed", before, len(shards))
    for done in workers.do(waiting, corpus.model, corpus.url):
        ledger.note(done)
        finished.append(done)
        embedded += done.embedded
        progress("embed", len(finished), len(shards))
    ledger.keep({shard.digest for shard in shards})
    deleted = _delete_rest(corpus.url, names, finished)
    chunks = sum(len(found) for done in finished for found in done.chunks.values())
    return CorpusStats(len(shards), before, chunks, embedded, deleted)


def _ledger_folder(url: str) -> Path:
    return index_home() / "corpus" / hashlib.blake2b(url.encode(), digest_size=16).hexdigest()


def _record(model: Model, shards: Iterable[Shard]) -> EngineRecord:
    average = _average_length(shards)
    return EngineRecord(model.name, model.named, model.fingerprint, model.load().dim, average)


def _average_length(shards: Iterable[Shard]) -> float:
    """Tokens of a chunk, from the first shard that has one: BM25 wants it before anything is written."""
    for shard in shards:
        lengths = [make_row(root, chunk, None).length for root, chunk, _ in chunks_of(shard.pieces)]
        if lengths:
            return sum(lengths) / len(lengths)
    raise CodesearchError("the repositories hold nothing to index")


def _delete_rest(url: str, names: Sequence[str], finished: Iterable[Done]) -> int:
    """Delete the chunks of these roots that no shard holds any more."""
    expected: dict[str, set[UUID]] = {name: set() for name in names}
    for done in finished:
        for root, found in done.chunks.items():
            expected[root].update(found)
    deleted = 0
    engine = open_engine(url)
    try:
        for root, wanted in expected.items():
            deleted += delete_chunks(engine, root, engine.uuids(root) - wanted)
    finally:
        engine.close()
    return deleted
