"""Answers to the page as plain values: roots, hits with facets, files, symbols, the map.

Only folders that the server was told about are searched (``codesearch.serving.agents.allowed`` holds the
same rule for agents); every path is looked up in an index, so nothing that is not indexed can be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from codesearch.errors import BadQuery
from codesearch.index.index import Index
from codesearch.index.places import find_symbols
from codesearch.records import Hit, metadata_of
from codesearch.searching.explain import Explanation
from codesearch.searching.request import Mode, SearchRequest
from codesearch.serving.agents.allowed import AllowedFolders
from codesearch.serving.agents.answers import Answers
from codesearch.serving.page.highlighting import coloured
from codesearch.serving.page.maps import Map, Maps
from codesearch.serving.resident.keeper import Keeper
from codesearch.serving.resident.pool import IndexPool
from codesearch.storage.folders.locations import Location

__all__ = ["Api"]

_HITS = 50
"""Facets count these; the page shows them all."""
_SUGGESTIONS = 12
_SILENT = lambda stage, done, total: None  # noqa: E731


class Api:
    """Any thread may ask. CodesearchError for what cannot be asked."""

    def __init__(self, pool: IndexPool, keeper: Keeper, folders: Sequence[str]) -> None:
        self._pool = pool
        self._answers = Answers(pool, keeper)
        self._keeper = keeper
        self._allowed = AllowedFolders.of(folders)
        self._maps = Maps()

    def close(self) -> None:
        """Stop the work in the background."""
        self._maps.close()

    # -- answers

    def roots(self) -> list[dict[str, Any]]:
        """Every root with its numbers."""
        found = []
        for location in self._locations():
            with self._pool.lend(location, None, {}, create=True) as index:
                found.append(
                    {"root": str(index.root), "name": index.root.name, **self._state(index, location)}
                )
        return found

    def search(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Hits of one root, or of all, best first, with the counts of each facet."""
        query = asked.get("q", "").strip()
        if not query:
            raise BadQuery("the question is empty")
        hits: list[tuple[Hit, Explanation]] = []
        states = []
        for location in self._locations(asked.get("root")):
            with self._pool.lend(location, None, {}, create=True) as index:
                self._answers.refresh(index, location, _SILENT)
                states.append(self._state(index, location))
                hits += self._found(index, asked, query)
        hits.sort(key=lambda pair: -pair[0].score)
        shown = hits[:_HITS]
        return {
            "query": query,
            "hits": [_hit(hit, why) for hit, why in shown],
            "facets": _facets([hit for hit, _ in shown]),
            **_summed(states),
        }

    def _found(self, index: Index, asked: Mapping[str, str], query: str) -> list[tuple[Hit, Explanation]]:
        mode: Mode = "hybrid" if index.counts().embedded else "lexical"
        request = SearchRequest.make(
            query,
            limit=_HITS,
            mode=mode,
            languages=_listed(asked.get("language")),
            globs=_listed(asked.get("glob")),
            under=_listed(asked.get("folder")),
            fold=True,
            explain=True,
        )
        answer = index.answer(request)
        kinds = _listed(asked.get("kind"))
        pairs = zip(answer.hits, answer.explanations, strict=True)
        return [(hit, why) for hit, why in pairs if not kinds or hit.kind in kinds]

    def file(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """An indexed file as lines of coloured pieces, with the places of its chunks."""
        path = asked.get("path", "")
        with self._one(asked.get("root")) as index:
            chunks = index.chunks_of(path)
            if not chunks:
                raise BadQuery(f"{path} is not indexed")
            text = "".join(stored.chunk.text for stored in chunks)
            parts = [
                {
                    "start_line": stored.chunk.start_line,
                    "end_line": stored.chunk.end_line,
                    "kind": stored.chunk.kind,
                    "symbol": stored.chunk.symbol,
                }
                for stored in chunks
            ]
            lines = coloured(text.replace("\r\n", "\n"), path)
            return {"root": str(index.root), "path": path, "lines": lines, "chunks": parts}

    def similar(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Chunks like the one at a line."""
        path, line = asked.get("path", ""), _number(asked, "line")
        with self._one(asked.get("root")) as index:
            hits = index.similar(path, line=line, limit=20, under=())
            return {
                "query": f"like {path}:{line}",
                "hits": [_hit(hit) for hit in hits],
                "facets": _facets(hits),
            }

    def symbols(self, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        """Names that begin with what was typed, or hold it."""
        with self._one(asked.get("root")) as index:
            found = find_symbols(index, asked.get("q", ""), _SUGGESTIONS)
        return [{"name": one.name, "kind": one.kind, "path": one.path, "line": one.line} for one in found]

    def map(self, asked: Mapping[str, str]) -> Map | None:
        """The map of a root, None while it is being made."""
        with self._one(asked.get("root")) as index:
            return self._maps.get(index)

    # -- roots

    def _locations(self, root: str | None = None) -> list[Location]:
        if root:
            return [self._allowed.locate(root)]
        return [self._allowed.locate(str(folder)) for folder in self._allowed.folders]

    @contextmanager
    def _one(self, root: str | None) -> Iterator[Index]:
        with self._pool.lend(self._locations(root)[0], None, {}, create=True) as index:
            yield index

    def _state(self, index: Index, location: Location) -> dict[str, Any]:
        counts = index.counts()
        return {
            "files": counts.files,
            "embedded": counts.embedded,
            "total": counts.to_embed,
            "model": index.model,
            "age": self._keeper.age(location.directory),
        }


def _hit(hit: Hit, why: Explanation | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "root": hit.root,
        **metadata_of(hit),
        "score": hit.score,
        "lines": coloured(hit.text.rstrip("\n"), hit.path),
        "copies": [{"root": one.root, "path": one.path, "start_line": one.start_line} for one in hit.copies],
    }
    if why is not None:
        found["why"] = {
            "lexical_rank": why.lexical_rank,
            "semantic_rank": why.semantic_rank,
            "fused": round(why.fused, 4),
            "signals": [
                {"name": step.name, "times": round(step.times, 3), "add": round(step.add, 3)}
                for step in why.steps
            ],
        }
    return found


def _facets(hits: Sequence[Hit]) -> dict[str, list[list[Any]]]:
    """Facet -> [value, count], most frequent first."""
    counted = {
        "language": Counter(hit.language or "text" for hit in hits),
        "folder": Counter(hit.path.partition("/")[0] if "/" in hit.path else "." for hit in hits),
        "kind": Counter(hit.kind for hit in hits),
        "root": Counter(Path(hit.root).name for hit in hits),
    }
    return {
        name: [[value, count] for value, count in counts.most_common()] for name, counts in counted.items()
    }


def _summed(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    ages = [state["age"] for state in states]
    return {
        "files": sum(state["files"] for state in states),
        "embedded": sum(state["embedded"] for state in states),
        "total": sum(state["total"] for state in states),
        "age": None if None in ages or not ages else max(ages),
    }


def _listed(value: str | None) -> list[str]:
    return [part for part in (value or "").split(",") if part and part != "text"]


def _number(asked: Mapping[str, str], key: str) -> int:
    value = asked.get(key, "")
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise BadQuery(f"{key} is {value[:40]!r}, expected a line number")
    return int(value)
