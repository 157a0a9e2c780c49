"""Match thousands of wildcard patterns at once, where none has a literal long enough to look up.

All patterns stand in one row of bits, one for each byte that a pattern consumes, and one for its beginning.
A bit is set where the text so far can have come to; a byte of the text moves all bits by one place, except
where that place does not accept the byte, and leaves those before a ``*``. (Baeza-Yates and Gonnet, "A new
approach to text searching", 1992; for sets of patterns with gaps: Navarro and Raffinot, "Flexible Pattern
Matching in Strings", 2002, 4.2.) So a text costs its bytes times the bits over 64, whatever the patterns are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from codesearch.files.ignoring.wildmatch import accepted_by

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Automaton", "is_simple"]

_CLASS = rb"\[[!^]?+[^\[\]\\/]+\]"
_CLASSES = re.compile(b"(" + _CLASS + b")")
_LIST = re.compile(rb"\[[^!^\-][^\-]*\]").fullmatch
"""A class that accepts what it lists."""
_SIMPLE = re.compile(rb"(?:[^\[\\\n]|" + _CLASS + rb")*+").fullmatch
_BEGINNING, _STAR, _QUESTION, _SLASH = b"\n*?/"
_PLACE = b"\0"
"""Stands for a class; no line of an ignore file holds it."""


def is_simple(line: bytes) -> bool:
    """Whether a pattern can be taken: no backslash, closed classes, no ``**`` that crosses folders."""
    return _SIMPLE(line) is not None and (b"**" not in line or b"/" not in line[:-1])


class Automaton:
    """Patterns that are ``is_simple``; ``lines`` by ascending position."""

    __slots__ = ("_accepting", "_beginnings", "_classes", "_ends", "_places", "_row", "_stars", "_table")

    def __init__(self, lines: Sequence[bytes], fold: bool) -> None:
        import numpy as np  # late: a tree without such an ignore file needs none

        pieces = _CLASSES.split(_joined(lines))
        classes = {piece: number for number, piece in enumerate(dict.fromkeys(pieces[1::2]))}
        self._classes = np.array([classes[piece] for piece in pieces[1::2]], np.intp)
        self._table = _table(list(classes), fold)
        written = _PLACE.join(pieces[::2])
        row = np.frombuffer(written.lower() if fold else written, np.uint8)
        stars = row == _STAR
        self._row = row[~stars]
        self._stars = _bits(np.cumsum(~stars)[stars] - 1, len(self._row))  # where the star is waited for
        beginnings = np.flatnonzero(self._row == _BEGINNING)
        self._beginnings = _bits(beginnings, len(self._row))
        self._ends = np.append(beginnings[1:] - 1, len(self._row) - 1)
        of_files = np.array([not line.endswith(b"/") for line in lines])
        self._accepting = (_bits(self._ends[of_files], len(self._row)), _bits(self._ends, len(self._row)))
        self._places: dict[int, NDArray[np.uint64]] = {}

    def last_match(self, text: bytes, is_directory: bool) -> int:
        """Return the number of the last line that matches the whole of ``text``; -1 for none."""
        import numpy as np

        state = self._beginnings
        for byte in text:
            moved = state << np.uint64(1)
            moved[1:] |= state[:-1] >> np.uint64(63)
            moved &= self._places_of(byte)
            if byte != _SLASH:
                moved |= state & self._stars
            state = moved
        state = state & self._accepting[is_directory]
        words = np.flatnonzero(state)
        if not len(words):
            return -1
        last = 64 * int(words[-1]) + int(state[words[-1]]).bit_length() - 1
        return int(np.searchsorted(self._ends, last))

    def _places_of(self, byte: int) -> NDArray[np.uint64]:
        """Return the bits that ``byte`` may lead to."""
        found = self._places.get(byte)
        if found is None:
            here = self._row == byte
            if byte == _BEGINNING:  # the byte itself, in the name of a file
                here[:] = False
            if byte != _SLASH:
                here |= self._row == _QUESTION
            here[self._row == _PLACE[0]] = self._table[self._classes, byte]
            found = self._places[byte] = _packed(here)
        return found


def _joined(lines: Sequence[bytes]) -> bytes:
    """Return the patterns without ``!`` and outer ``/``, each behind what stands for its beginning."""
    text = b"\n" + b"\n".join(lines) + b"\n"
    for outer, pattern in ((b"\n!", b"\n"), (b"/\n", b"\n"), (b"\n/", b"\n")):
        text = text.replace(outer, pattern)
    return text[:-1]


def _table(classes: Sequence[bytes], fold: bool) -> NDArray[np.bool_]:
    """Return (classes, bytes): whether the class accepts the byte."""
    import numpy as np

    table = np.zeros((len(classes), 256), bool)
    lists = [number for number, name in enumerate(classes) if _LIST(name)]
    bodies = [classes[number][1:-1] for number in lists]
    members = np.frombuffer(b"".join(bodies), np.uint8)
    table[np.repeat(np.array(lists, np.intp), [len(body) for body in bodies]), members] = True
    for number in set(range(len(classes))).difference(lists):
        table[number, list(accepted_by(classes[number], fold))] = True
    return table


def _bits(places: NDArray[np.intp], length: int) -> NDArray[np.uint64]:
    import numpy as np

    row = np.zeros(length, bool)
    row[places] = True
    return _packed(row)


def _packed(row: NDArray[np.bool_]) -> NDArray[np.uint64]:
    import numpy as np

    packed = np.packbits(row, bitorder="little")
    return np.pad(packed, (0, -len(packed) % 8)).view("<u8")
