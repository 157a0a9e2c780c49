"""Near-duplicate files: MinHash over the set of a file's lines, banded (Broder 1997; Leskovec et al.).

One permutation is hashed into 64 bins (Li, Owen and Zhang, "One Permutation Hashing", 2012), so that a
signature costs one pass. Two files count as the same where 80 % of the filled bins agree. Lines, without
their blanks, are the shingles: a copy in another folder, re-indented, or with a changed header is found;
a translation is not. Files of few lines are compared whole.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Duplicates", "Fingerprint", "fingerprint"]

_BINS, _ROWS = 64, 4
_EMPTY = np.uint32(0xFFFFFFFF)
_SAME = 0.8
_MIN_LINES, _MIN_LINE = 48, 4
_BLANK = re.compile(rb"\s+")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """``whole`` is equal for files that differ in blanks only; ``bins`` is None for files of few lines."""

    whole: bytes
    bins: NDArray[np.uint32] | None


def fingerprint(data: bytes) -> Fingerprint:
    """Of a file's bytes."""
    lines = _BLANK.sub(b" ", data.replace(b"\n", b"\0")).replace(b" ", b"").split(b"\0")
    whole = hashlib.blake2b(b"".join(lines), digest_size=12).digest()
    distinct = {line for line in lines if len(line) >= _MIN_LINE}
    if len(distinct) < _MIN_LINES:
        return Fingerprint(whole, None)
    hashes = np.fromiter((zlib.crc32(line) for line in distinct), np.uint32, len(distinct))
    hashes *= np.uint32(0x9E3779B1)  # CRC is linear: mix before the high bits choose the bin
    hashes ^= hashes >> np.uint32(15)
    hashes *= np.uint32(0x85EBCA77)
    bins = np.full(_BINS, _EMPTY, np.uint32)
    np.minimum.at(bins, hashes >> np.uint32(26), hashes)
    return Fingerprint(whole, bins)


class Duplicates:
    """Files seen so far. The first of several copies is the one that is kept."""

    def __init__(self) -> None:
        self._whole: set[bytes] = set()
        self._bands: defaultdict[tuple[int, bytes], list[NDArray[np.uint32]]] = defaultdict(list)

    def seen(self, file: Fingerprint) -> bool:
        """Whether a file like this one was added before; it is added if not."""
        if file.whole in self._whole or (file.bins is not None and self._similar(file.bins)):
            return True
        self._whole.add(file.whole)
        if file.bins is not None:
            for band in self._keys(file.bins):
                self._bands[band].append(file.bins)
        return False

    def _similar(self, bins: NDArray[np.uint32]) -> bool:
        return any(
            _agreement(bins, other) >= _SAME for key in self._keys(bins) for other in self._bands.get(key, ())
        )

    def _keys(self, bins: NDArray[np.uint32]) -> list[tuple[int, bytes]]:
        """Bands whose bins are filled; of two files alike in 80 % of the bins, all but surely share one."""
        bands = bins.reshape(-1, _ROWS)
        return [(at, band.tobytes()) for at, band in enumerate(bands) if (band != _EMPTY).sum() >= _ROWS - 1]


def _agreement(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> float:
    filled = (one != _EMPTY) | (other != _EMPTY)
    return float((one[filled] == other[filled]).mean())
