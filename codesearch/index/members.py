"""The indexes of a search over several roots, and which of them can be compared by meaning.

A question has one vector, of one model: where the roots were indexed with several, the vectors of the
others say nothing about it, and those roots are searched by their words alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codesearch.errors import CodesearchError, ModelMismatch
from codesearch.index.index import Index
from codesearch.models.embedder import Model
from codesearch.records import Embedder, Filter
from codesearch.searching.several.union import Part, PartFailed

__all__ = ["Compared", "Member", "compared", "parts_of"]


@dataclass(frozen=True, slots=True)
class Member:
    """An index, and the parts of its root that are searched (none: all of it)."""

    index: Index
    under: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """Whose vectors a question is compared with."""

    model: Model | None
    members: tuple[Member, ...]
    others: tuple[tuple[Path, ModelMismatch], ...] = ()
    """Roots whose vectors another model made."""

    def load(self) -> Embedder:
        """What embeds the question."""
        return (self.model or Model.default()).load()


def compared(members: Sequence[Member]) -> Compared:
    """The members that hold vectors of one model, the first one's. ModelMismatch if all hold another's."""
    model: Model | None = None
    found: list[Member] = []
    others: list[tuple[Path, ModelMismatch]] = []
    for at, member in enumerate(members):
        root = member.index.root
        try:
            mine = member.index.vector_model()
        except ModelMismatch as mismatch:
            others.append((root, mismatch))
            continue
        except CodesearchError as error:
            raise PartFailed(at) from error
        if mine is None:
            continue
        model = model or mine
        if mine.fingerprint == model.fingerprint:
            found.append(member)
        else:
            others.append((root, _mismatch(root, mine, model)))
    if others and len(others) == len(members):
        raise others[0][1]
    return Compared(model, tuple(found), tuple(others))


def _mismatch(root: Path, mine: Model, other: Model) -> ModelMismatch:
    remedy = f"codesearch index {root} --model {other.name} --rebuild"
    return ModelMismatch(
        mine.name, other.name, f"it is not searched by meaning; to change that, run: {remedy}"
    )


def parts_of(members: Sequence[Member], vectors_of: Compared, wanted: Filter) -> list[Part]:
    """What a union is made of. PartFailed for a member that cannot be read."""
    parts = []
    for at, member in enumerate(members):
        try:
            opened = member.index.opened()
        except CodesearchError as error:
            raise PartFailed(at) from error
        vectors = opened.vectors if member in vectors_of.members else None
        filter = replace(wanted, under=member.under)
        parts.append(Part(str(member.index.root), opened.store, vectors, filter))
    return parts
