"""Find which of several indexes can be compared by vectors: those of one model.

A query has one vector, of one model: where the roots were indexed with several, the vectors of the
others say nothing about it, and those roots are searched by their words alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from codesearch.errors import CodesearchError, ModelMismatch
from codesearch.index.index import Index
from codesearch.models.embedder import Model
from codesearch.quick_dataclass import dataclass
from codesearch.records import Embedder
from codesearch.searching.stores.single import SingleStore
from codesearch.searching.stores.union import Part, PartError, UnionStore

__all__ = ["Comparable", "Member", "comparable", "union_of"]


@dataclass(frozen=True, slots=True)
class Member:
    """An index, and the parts of its root that are searched (none: all of it)."""

    index: Index
    under: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparable:
    """The members whose vectors a query is compared with, and the model of those vectors."""

    model: Model | None
    members: tuple[Member, ...]
    others: tuple[tuple[Path, ModelMismatch], ...] = ()
    """Roots whose vectors another model made."""

    def load(self) -> Embedder:
        """Load what embeds the query."""
        return (self.model or Model.default()).load()


def comparable(members: Sequence[Member]) -> Comparable:
    """Choose the members that hold vectors of one model, the first one's. ModelMismatch if none can be."""
    model: Model | None = None
    found: list[Member] = []
    others: list[tuple[Path, ModelMismatch]] = []
    for member in members:
        root = member.index.root
        try:
            mine = member.index._vector_model()
        except ModelMismatch as mismatch:
            others.append((root, mismatch))
            continue
        except CodesearchError as error:
            raise PartError(str(root)) from error
        if mine is None:
            continue
        model = model or mine
        if mine.fingerprint == model.fingerprint:
            found.append(member)
        else:
            others.append((root, _mismatch(root, mine, model)))
    if others and len(others) == len(members):
        raise others[0][1]
    return Comparable(model, tuple(found), tuple(others))


def _mismatch(root: Path, mine: Model, other: Model) -> ModelMismatch:
    remedy = f"codesearch index {root} --model {other.name} --rebuild"
    return ModelMismatch(
        mine.name, other.name, f"its vectors are left out of the search; to change that, run: {remedy}"
    )


@contextmanager
def union_of(members: Sequence[Member], with_vectors: Sequence[Member]) -> Iterator[UnionStore]:
    """Join the stores of the members, vectors of some of them. PartError for one that cannot be read."""
    with ExitStack() as stack:
        yield UnionStore(_parts(members, with_vectors, stack))


def _parts(members: Sequence[Member], with_vectors: Sequence[Member], stack: ExitStack) -> list[Part]:
    """Open the parts until the stack is left."""
    parts = []
    for member in members:
        try:
            store = stack.enter_context(member.index._database()).search_store
        except CodesearchError as error:
            raise PartError(str(member.index.root)) from error
        if member not in with_vectors:
            store = SingleStore(store.root, store.store, None)
        parts.append(Part(store, member.under))
    return parts
