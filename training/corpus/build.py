"""Manifest and mirrors -> the data: files compared across repositories, each repository mined, all merged.

Held-out repositories come first where copies are looked for, so that what they hold is in no training
file. Nothing depends on how many processes there are.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from codesearch.files.content.source import SourceText, read_source
from codesearch.files.walk import walk
from training.corpus.duplicates import Duplicates, fingerprint
from training.corpus.linking import same_name_pairs
from training.corpus.manifest import Entry
from training.corpus.projects.checkout import mirror_of
from training.corpus.projects.project import Job, Part, mine, prepare
from training.corpus.reading import Candidate
from training.corpus.records import Text
from training.corpus.shards import ShardWriter, line_of

__all__ = ["Counts", "build"]

_PER_LANGUAGE = 40_000
_PER_REPOSITORY = (1_500, 6_000)
_SAME_QUERY = 4
"""Pairs with one and the same query: more are noise in a contrastive batch."""
_FROM_COMMENTS = frozenset({"doc", "comment", "long", "foreign"})


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by kind and language, for each of the data files."""

    rows: Counter[tuple[str, str, str]]
    """(file, kind, language) -> rows."""
    near_duplicates: int
    missing: tuple[str, ...]
    """Repositories of the manifest without a mirror."""


def build(
    entries: Sequence[Entry], mirrors: Path, out: Path, exclude: Sequence[Path] = (), workers: int = 2
) -> Counts:
    """Write texts, pairs, heldout_texts and heldout_pairs under ``out``.

    ``exclude`` are folders whose files, and near copies of them, are left out. Work trees and the parts
    of each repository stay in ``out/.work``; a second build makes only what has changed.
    """
    jobs, missing = _jobs(entries, mirrors, out / ".work")
    with ProcessPoolExecutor(workers) as processes:
        found = list(processes.map(prepare, jobs))
        paths, dropped = _distinct(jobs, found, exclude)
        parts = list(processes.map(mine, jobs, paths))
    rows: Counter[tuple[str, str, str]] = Counter()
    seen: set[bytes] = set()
    for split, prefix in (("heldout", "heldout_"), ("train", "")):
        of_split = [part for part in parts if part.entry.split == split]
        _merge(of_split, out, prefix, seen, rows)
    return Counts(rows, dropped, tuple(missing))


def _jobs(entries: Sequence[Entry], mirrors: Path, work: Path) -> tuple[list[Job], list[str]]:
    """The larger share goes to languages with few repositories; held-out ones first."""
    of_language = Counter(entry.languages[0] for entry in entries if entry.split == "train")
    jobs, missing = [], []
    for entry in sorted(entries, key=lambda each: (each.split != "heldout", each.name.lower())):
        mirror = mirror_of(entry.name, mirrors)
        if mirror is None:
            missing.append(entry.name)
            continue
        low, high = _PER_REPOSITORY
        fair = _PER_LANGUAGE // max(1, of_language[entry.languages[0]])
        cap = high if entry.split == "heldout" else min(high, max(low, fair))
        jobs.append(Job(entry, mirror, work / "trees", work / "parts", cap))
    return jobs, missing


def _distinct(
    jobs: Sequence[Job], found: Sequence[Sequence[Candidate]], exclude: Sequence[Path]
) -> tuple[list[list[str]], int]:
    """Paths by job without copies of what came before, and how many were dropped."""
    duplicates = Duplicates()
    for folder in exclude:
        for file in walk(folder).files:
            if isinstance(source := read_source(folder, file), SourceText):
                duplicates.seen(fingerprint(source.data))
    paths = [
        [each.path for each in candidates if not duplicates.seen(each.fingerprint)] for candidates in found
    ]
    return paths, sum(map(len, found)) - sum(map(len, paths))


def _merge(
    parts: Sequence[Part], out: Path, prefix: str, seen: set[bytes], rows: Counter[tuple[str, str, str]]
) -> None:
    """One set of shards from the parts; ``seen`` are hashes of chunks that are in already."""
    dropped: set[str] = set()
    kept: list[Text] = []
    with ShardWriter(out, f"{prefix}texts") as writer:
        for part in parts:
            for line, row in _new_texts(part, seen, dropped):
                writer.write(line)
                rows[f"{prefix}texts", "chunk", row.language] += 1
                if not prefix:
                    kept.append(row)
    queries: Counter[str] = Counter()
    with ShardWriter(out, f"{prefix}pairs") as writer:
        for line in _pair_lines(parts, kept):
            row = json.loads(line)
            asked = row["query"].lower()
            if row["id"] in dropped or queries[asked] >= _SAME_QUERY:
                continue
            queries[asked] += 1
            if row["kind"] in _FROM_COMMENTS and asked in " ".join(row["text"].split()).lower():
                continue  # said twice: another comment of the chunk repeats it
            writer.write(line)
            rows[f"{prefix}pairs", row["kind"], row["language"]] += 1


def _new_texts(part: Part, seen: set[bytes], dropped: set[str]) -> Iterator[tuple[str, Text]]:
    hashes = part.hashes.read_bytes()
    with part.texts.open(encoding="utf-8", newline="\n") as stream:
        for at, line in enumerate(stream):
            row = Text(**json.loads(line))
            identity = hashes[8 * at : 8 * at + 8]
            if identity in seen:
                dropped.add(row.id)
                continue
            seen.add(identity)
            yield line, row


def _pair_lines(parts: Sequence[Part], texts: Sequence[Text]) -> Iterator[str]:
    for part in parts:
        with part.pairs.open(encoding="utf-8", newline="\n") as stream:
            yield from stream
    yield from map(line_of, same_name_pairs(texts))


def by_file(counts: Counts) -> dict[str, dict[str, Counter[str]]]:
    """file -> language -> kind -> rows."""
    table: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for (file, kind, language), number in counts.rows.items():
        table[file][language][kind] += number
    return table
