"""One repository, start to end: work tree, files that pass, chunks, pairs. Runs in a process of its own."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codesearch.chunking.workers.parse_pool import ChunkPool
from codesearch.files.content.source import SourceText
from codesearch.records import Chunk
from training.corpus.heldout import heldout_pairs
from training.corpus.linking import prose_pairs, test_pairs
from training.corpus.manifest import Entry
from training.corpus.mining import chunk_id, pairs_of_file
from training.corpus.projects.checkout import check_out
from training.corpus.projects.history import commit_pairs
from training.corpus.reading import SHARES, Candidate, candidates, read, share_of
from training.corpus.records import Pair, Text
from training.corpus.shards import line_of

__all__ = ["Job", "Part", "mine", "prepare"]

_MIN_CHUNK, _MAX_CHUNK = 30, 12_000
_SOURCES = sorted(Path(__file__).parents[1].rglob("*.py"))
_RECIPE = hashlib.blake2b(b"".join(file.read_bytes() for file in _SOURCES), digest_size=8).hexdigest()
"""Changes with this package: what an older one made is made again."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done for one repository."""

    entry: Entry
    mirror: Path
    trees: Path
    parts: Path
    max_chunks: int

    @property
    def tree(self) -> Path:
        """Where its files lie."""
        return self.trees / self.entry.folder


@dataclass(frozen=True, slots=True)
class Part:
    """What came of it: files of JSON lines, and how many of what."""

    entry: Entry
    texts: Path
    pairs: Path
    hashes: Path
    """8 bytes a text, equal for texts that differ in blanks only."""


def prepare(job: Job) -> list[Candidate]:
    """The files of the work tree that pass, with their fingerprints."""
    check_out(job.mirror, job.entry.commit, job.tree)
    return candidates(job.tree, job.max_chunks)


def mine(job: Job, paths: Sequence[str]) -> Part:
    """Chunks and pairs of these files; at once where the same has been done before."""
    part = _part(job, paths)
    if part.pairs.exists():
        return part
    with ChunkPool(1) as pool:
        sources = list(read(job.tree, paths))
        files = _chunked(pool, sources, job.max_chunks)
        pairs = _heldout(job, pool, sources) if job.entry.split == "heldout" else _pairs(job, files)
    repo = job.entry.name
    texts = [chunk for chunks in files for chunk in chunks]
    _write(part.texts, (line_of(_text(repo, chunk)) for chunk in texts))
    part.hashes.write_bytes(b"".join(_hash(chunk.text) for chunk in texts))
    _write(part.pairs, map(line_of, pairs))
    return part


def _chunked(pool: ChunkPool, sources: Iterable[SourceText], max_chunks: int) -> list[list[Chunk]]:
    """Chunks by file, within the budget of each share."""
    taken: Counter[str] = Counter()
    files: list[list[Chunk]] = []
    for file, chunks, _ in pool.chunk_many((source.file, source.data) for source in sources):
        share = share_of(file.path, file.language)
        kept = [
            chunk
            for chunk in chunks
            if len(chunk.text.strip()) >= _MIN_CHUNK and len(chunk.text) <= _MAX_CHUNK
        ]
        if kept and taken[share] < SHARES[share] * max_chunks and taken.total() < max_chunks:
            taken[share] += len(kept)
            files.append(kept)
    return files


def _pairs(job: Job, files: Sequence[Sequence[Chunk]]) -> list[Pair]:
    repo = job.entry.name
    chunks = [chunk for file in files for chunk in file]
    pairs = [pair for file in files for pair in pairs_of_file(repo, file)]
    pairs += test_pairs(repo, chunks) + prose_pairs(repo, chunks)
    by_path = {file[0].path: file for file in files if share_of(file[0].path, file[0].language) == "code"}
    return pairs + commit_pairs(repo, job.mirror, job.entry.commit, by_path)


def _heldout(job: Job, pool: ChunkPool, sources: Sequence[SourceText]) -> list[Pair]:
    documented = pool.documented_many((source.file, source.data) for source in sources)
    return [pair for file in documented for pair in heldout_pairs(job.entry.name, file)]


def _text(repo: str, chunk: Chunk) -> Text:
    return Text(
        id=chunk_id(repo, chunk),
        repo=repo,
        language=chunk.language or "",
        path=chunk.path,
        kind=chunk.kind,
        symbol=chunk.symbol,
        text=chunk.embedded_text,
    )


def _hash(text: str) -> bytes:
    return hashlib.blake2b("".join(text.split()).encode("utf-8", "replace"), digest_size=8).digest()


def _part(job: Job, paths: Sequence[str]) -> Part:
    done = hashlib.blake2b(digest_size=8)
    for item in (job.entry.commit, job.entry.split, str(job.max_chunks), _RECIPE, *paths):
        done.update(item.encode() + b"\0")
    stem = job.parts / f"{job.entry.folder}.{done.hexdigest()}"
    return Part(job.entry, *(stem.with_name(f"{stem.name}.{what}") for what in ("texts", "pairs", "hashes")))


def _write(path: Path, lines: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.new")
    with unfinished.open("w", encoding="utf-8", errors="replace", newline="\n") as stream:
        stream.writelines(lines)
    unfinished.replace(path)
