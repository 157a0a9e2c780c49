"""The names that an index defines, by their number of letters: a typo is compared with those of like length.

Most names are of another length, and a name that nothing defines is often followed by the next one. So the
names are read and bared once, and plurals folded when a length is first asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self

from codesearch.storage.lexical.tokens import bare_name, singular

__all__ = ["KnownName", "KnownNames"]

_PLURAL = 2
"""Letters that a plural has more at most."""


class KnownName(NamedTuple):
    """A case-folded name, and its letters in the singular."""

    name: str
    letters: str


class KnownNames:
    """Names of one index, or of several. Any thread may ask."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._parts: tuple[KnownNames, ...] = (self,)
        self._names = list(names)
        self._by_letters: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
        for name, letters in zip(self._names, _letters(self._names), strict=True):
            same = name if letters == name else letters  # most: one string is enough
            self._by_letters[len(letters)].append((name, same))
        self._by_singular: dict[int, list[KnownName]] = {}

    @classmethod
    def of_several(cls, parts: Iterable[KnownNames]) -> Self:
        """Return the names of several indexes together, each once; nothing of them is copied."""
        together = cls()
        together._parts = tuple(parts)
        return together

    def __iter__(self) -> Iterator[str]:
        """Yield every name once, in order."""
        yield from sorted({name for part in self._parts for name in part._names})

    def of_length(self, length: int) -> Iterable[KnownName]:
        """Return the names that have so many letters in the singular."""
        if len(self._parts) == 1:
            return self._parts[0]._own(length)
        return dict.fromkeys(known for part in self._parts for known in part._own(length))

    def _own(self, length: int) -> list[KnownName]:
        if length not in self._by_singular:
            self._by_singular[length] = [
                KnownName(name, bare)
                for letters_in_all in range(length, length + _PLURAL + 1)
                for name, letters in self._by_letters.get(letters_in_all, ())
                if len(bare := singular(letters)) == length
            ]
        return self._by_singular[length]


def _letters(names: list[str]) -> list[str]:
    """All at once, which takes a third of the time."""
    letters = bare_name("\n".join(names)).split("\n")
    if len(letters) != len(names):  # there are none, or one of them has a line break
        letters = list(map(bare_name, names))
    return letters
