"""Find the chunks nearest to a vector: exactly in most indexes, through the graph in the largest.

Comparing a question with every vector is exact, follows every change for free and needs nothing built.
On two cores it takes 6 ms for 100,000 vectors of 256 numbers; building a graph over them takes 35
seconds and then answers in 0.9 ms. So the graph begins where the comparison becomes noticeable,
``GRAPH_FROM`` numbers (n times dim), and only the process that refreshes builds or extends it: a
search never pays for a build, it uses a saved graph that is beyond doubt, or compares everything.

With a graph, what is newer than it (the tail) is compared exactly and both answers are merged, and
it is saved again only when the tail has grown. A filtered question is always answered exactly, over
the vectors that the filter lets through.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import counted
from codesearch.quick_dataclass import dataclass
from codesearch.storage.rows import Ids, ScoredRow
from codesearch.storage.store import Store
from codesearch.vectors import graph_file as graph_stamp
from codesearch.vectors.exact import VectorTable
from codesearch.vectors.graph import Graph, hnsw_problem
from codesearch.vectors.graph_file import Origin, StaleGraph
from codesearch.vectors.table_file import CODED_FROM, read_table, remove_table, write_table

__all__ = ["FINGERPRINT", "GRAPH_FROM", "VectorIndex"]

FINGERPRINT = "fingerprint"
"""Key of ``store.meta``: the fingerprint of the embedder whose vectors the store holds."""
GRAPH_FROM = 50_000_000
"""Numbers (vectors times dim) from which on a graph is kept: 200,000 of 256, 65,000 of 768."""
MAPPED_FROM = 100_000
"""Numbers from which on the vectors are kept in a file too, which a search maps: 400 vectors of 256."""
_DEAD_SHARE = 0.2
_TAIL_SHARE = 0.1
_SMALLEST_TAIL = 2000


@dataclass(frozen=True, slots=True)
class _View:
    """The vectors of one generation of the store, in memory."""

    generation: int
    stamped: tuple[int, int] | None
    origin: Origin
    graph: Graph | None
    table: VectorTable
    """Every vector; with a graph, those that are newer than it."""
    everything: VectorTable | None
    """With a graph, every vector once a filter has asked for them."""


class VectorIndex:
    """The vectors of one store. Any thread may ask; ``save_if_due`` is for the writer.

    ``notes`` collect what happened to the graph: why it was not used, that it was rebuilt.
    """

    def __init__(
        self,
        store: Store,
        directory: Path,
        *,
        graph_from: int = GRAPH_FROM,
        mapped_from: int = MAPPED_FROM,
        coded_from: int = CODED_FROM,
    ) -> None:
        self.notes: list[str] = []
        self._store = store
        self._directory = directory
        self._graph_from, self._mapped_from, self._coded_from = graph_from, mapped_from, coded_from
        self._lock = threading.RLock()
        self._view: _View | None = None

    @property
    def kind(self) -> str:
        """Return "hnsw", or "exact" where every vector is compared; load neither."""
        with suppress(StaleGraph), self._store.reading():
            if graph_stamp.read_stamp(self._directory).origin == self._origin() and not hnsw_problem():
                return "hnsw"
        return "exact"

    def __len__(self) -> int:
        view = self.catch_up()
        return len(view.table) + (len(view.graph) if view.graph else 0)

    def nearest(self, query: NDArray[np.float32], limit: int, allowed: Ids | None = None) -> list[ScoredRow]:
        """Chunks nearest to a unit vector (dim,), best first; score is the cosine.

        ``allowed`` restricts the answer to these chunk ids, and is answered exactly.

        Raises:
            ValueError: the vector is not as wide as those stored.
        """
        query = np.ascontiguousarray(query, np.float32)
        view = self.catch_up()
        if not view.origin.dim:
            return []
        if query.shape != (view.origin.dim,):
            raise ValueError(
                f"the query has shape {query.shape}, the stored vectors are ({view.origin.dim},)"
            )
        if view.graph is None:
            return view.table.nearest(query, limit, allowed)
        if allowed is not None:
            return self._everything(view).nearest(query, limit, allowed)
        try:
            found = view.graph.query(query, limit)
        except StaleGraph as error:
            self._note(f"{error}; every vector is compared until it is rebuilt")
            return self._everything(view).nearest(query, limit)
        merged = {hit.id: hit for hit in (*found, *view.table.nearest(query, limit))}
        return sorted(merged.values(), key=lambda hit: (-hit.score, hit.id))[:limit]

    # -- following the store

    def catch_up(self) -> _View:
        """Pick up what any process committed or saved since. Costs one row where there is nothing new."""
        with self._lock:
            stamped = graph_stamp.stamped(self._directory)
            view = self._view
            # Another thread's older snapshot is no news either: a view never goes back.
            if view and view.stamped == stamped and view.generation >= self._store.generation():
                return view
            with self._store.reading():
                self._view = self._followed(view, stamped)
            return self._view

    def _followed(self, view: _View | None, stamped: tuple[int, int] | None) -> _View:
        origin = self._origin()
        generation = self._store.generation()
        if view is None or view.origin != origin or view.stamped != stamped:
            view = self._opened(view, generation, stamped, origin)
        everything = view.everything.follow(self._store) if view.everything else None
        table = view.table.follow(self._store)
        if view.graph is not None:
            self._bury(view.graph, table)
        return replace(view, generation=generation, table=table, everything=everything)

    def _origin(self) -> Origin:
        identity = self._store.meta("identity") or ""
        return Origin(identity, self._store.meta(FINGERPRINT) or "", self._store.vector_dim() or 0)

    def _opened(
        self, old: _View | None, generation: int, stamped: tuple[int, int] | None, origin: Origin
    ) -> _View:
        table = old.table if old and not old.graph and old.origin == origin else self._saved_table(origin)
        exact = _View(generation, stamped, origin, None, table, None)
        if stamped is None:
            return exact
        if problem := hnsw_problem():
            self._note(problem)
            return exact
        try:
            last_seq = graph_stamp.read_stamp(self._directory).last_seq
            if last_seq > self._store.last_seq():  # of a later snapshot than this thread's: look again
                return replace(exact, stamped=None)
            graph = Graph.load(self._directory, origin)
        except StaleGraph as error:
            self._note(f"{error}; every vector is compared until it is rebuilt")
            return exact
        return replace(exact, graph=graph, table=VectorTable.empty(last_seq))

    def _saved_table(self, origin: Origin) -> VectorTable:
        """Map the vectors that are saved; an empty table where there are none, or of a later snapshot."""
        saved = read_table(self._directory, origin) if origin.dim else None
        return saved if saved and saved.last_seq <= self._store.last_seq() else VectorTable.empty()

    def _bury(self, graph: Graph, tail: VectorTable) -> None:
        """Hide from the graph what the store has removed, or holds a newer vector of."""
        graph.mark_deleted(tail.ids)
        if len(graph) + len(tail) != self._store.vector_count():
            graph.mark_deleted(np.setdiff1d(graph.labels, self._store.vector_ids(), assume_unique=True))

    def _everything(self, view: _View) -> VectorTable:
        if view.everything is not None:
            return view.everything
        with self._store.reading():
            everything = VectorTable.empty().follow(self._store)
        with self._lock:
            if self._view is view:
                self._view = replace(view, everything=everything)
        return everything

    # -- the writer's part

    def save_if_due(self, progress: Callable[[str, int, int], Any] | None = None) -> str | None:
        """Build, extend or remove the saved graph where that is due; a note on what was done.

        For the process that holds the writer's lock, after its commit. ``progress("graph", done, total)``.
        A graph that cannot be written is noted and does without.
        """
        size = self._store.vector_count() * (self._store.vector_dim() or 0)
        if size < self._graph_from:
            if size < self._graph_from // 2:
                graph_stamp.remove(self._directory)
            self._save_table(size)
            return None
        if problem := hnsw_problem():
            self._save_table(size)
            return self._note(problem)
        view = self.catch_up()
        step = (lambda done, total: progress("graph", done, total)) if progress else None
        try:
            if view.graph is None or self._worn(view.graph, view.table):
                return self._build(view, step)
            if len(view.table) > max(_SMALLEST_TAIL, _TAIL_SHARE * len(view.graph)):
                return self._extend(view, view.graph, step)
        except OSError as error:
            return self._note(str(error))
        return None

    def _save_table(self, size: int) -> None:
        """Write, or remove, the file of the vectors where that is due; one that cannot be written is left."""
        if size < self._mapped_from // 2:
            remove_table(self._directory)
        if size < self._mapped_from or self._store.has_pending():  # then it would soon be written again
            return
        if saved := read_table(self._directory, self._origin()):
            count, later = self._store.vector_count(), self._store.vector_count(after_seq=saved.last_seq)
            removed = len(saved) + later - count
            if later + removed <= max(_SMALLEST_TAIL, _TAIL_SHARE * count):
                return
        # Else a power cut could leave vectors that are newer than the store.
        self._store.flush()
        with self._lock, suppress(OSError):
            view = self.catch_up()
            if view.graph is None:
                write_table(self._directory, view.origin, view.table, coded_from=self._coded_from)
                self._view = None  # to be mapped at the next question

    @staticmethod
    def _worn(graph: Graph, tail: VectorTable) -> bool:
        """A fifth is deleted (the dead still cost time and hold the graph together), or a label came back."""
        return graph.deleted > _DEAD_SHARE * len(graph.labels) or bool(np.isin(tail.ids, graph.labels).any())

    def _build(self, view: _View, step: Callable[[int, int], Any] | None) -> str:
        # Else a power cut could leave a graph that is newer than the store.
        self._store.flush()
        everything = self._everything(view) if view.graph else view.table
        graph = Graph(view.origin.dim)
        graph.add(*everything.live(), step)
        self._publish(view, graph, everything.last_seq)
        remove_table(self._directory)
        again = "built" if view.stamped is None else "rebuilt"
        return self._note(f"vector graph {again} over {counted(len(graph), 'chunk')}")

    def _extend(self, view: _View, graph: Graph, step: Callable[[int, int], Any] | None) -> str:
        # The flush is a commit: it must not come between adding the tail and forgetting it, because
        # whoever followed it in between would take the new nodes for outdated ones (``_bury``).
        self._store.flush()
        tail = self.catch_up().table
        graph.add(tail.ids, tail.matrix, step)
        self._publish(view, graph, tail.last_seq)
        return self._note(f"vector graph extended to {counted(len(graph), 'chunk')}")

    def _publish(self, view: _View, graph: Graph, last_seq: int) -> None:
        with self._lock:  # questions wait for the writing (under a second a GB), none sees half of it
            graph.save(self._directory, view.origin, last_seq)
            self._view = replace(
                view,
                generation=-1,  # to be followed at the next question
                stamped=graph_stamp.stamped(self._directory),
                graph=graph,
                table=VectorTable.empty(last_seq),
                everything=None,
            )

    def _note(self, note: str) -> str:
        if note not in self.notes:
            self.notes.append(note)
        return note
