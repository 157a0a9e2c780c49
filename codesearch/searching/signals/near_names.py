"""Names that were nearly typed: another convention (``getuserbyid``), or a typo (``getUsrById``).

Asked only about a name that the index does not define. Distance is that of optimal string alignment:
a letter added, left out, replaced, or swapped with its neighbour (Damerau 1964).
"""

from __future__ import annotations

import re
from itertools import chain, pairwise

from codesearch.storage.known_names import KnownNames
from codesearch.storage.lexical.tokens import bare_name, singular

__all__ = ["near_names"]

_ONE_TYPO, _TWO_TYPOS = 5, 10  # letters that a name must have: short names are near to everything
_MOST = 8  # names that are equally near: more says that the question is not about one of them


def near_names(name: str, known: KnownNames, *, typos: bool) -> list[str]:
    """Those of the case-folded names that are meant by this one: the nearest of them alone, or none.

    Names that differ in underscores, case and number only are at distance 0; others count with ``typos``.
    """
    wanted = singular(bare_name(name))
    allowed = (len(wanted) >= _ONE_TYPO) + (len(wanted) >= _TWO_TYPOS) if typos else 0
    holds_piece = re.compile("|".join(map(re.escape, _pieces(wanted, 2 * allowed + 1)))).search
    lengths = range(len(wanted) - allowed, len(wanted) + allowed + 1)
    own, best = set(wanted), list[str]()
    for candidate, bare in chain.from_iterable(map(known.of_length, lengths)):
        # A typo touches two neighbouring pieces at most: of 2k + 1 pieces one survives k typos.
        if not holds_piece(bare):
            continue
        its = set(bare)  # one typo adds one letter to a word, and takes one of its letters away, at most
        if len(its - own) > allowed or len(own - its) > allowed:
            continue
        distance = _distance(wanted, bare, allowed)
        if distance < allowed:
            allowed, best = distance, [candidate]
        elif distance == allowed:
            best.append(candidate)
    return sorted(best)[:_MOST]


def _pieces(word: str, number: int) -> list[str]:
    size = max(1, len(word) // number)
    edges = [*range(0, size * number, size), len(word)]
    return [word[a:b] for a, b in pairwise(edges)]


def _distance(a: str, b: str, most: int) -> int:
    """Optimal string alignment; ``most`` + 1 where it is more than ``most``. O(len(a) * most)."""
    if a == b:
        return 0
    beyond = most + 1
    before: list[int] = []
    above = [min(j, beyond) for j in range(len(b) + 1)]
    for i, x in enumerate(a, 1):
        row = [beyond] * (len(b) + 1)
        row[0] = min(i, beyond)
        for j in range(max(1, i - most), min(len(b), i + most) + 1):  # farther apart, it is more
            y = b[j - 1]
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y), beyond)
            if i > 1 and j > 1 and x == b[j - 2] and y == a[i - 2]:
                cost = min(cost, before[j - 2] + 1)
            row[j] = cost
        if min(row) > most and min(above) > most:  # a swap looks two rows back
            return beyond
        before, above = above, row
    return above[-1]
