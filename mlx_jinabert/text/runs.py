"""Tokens of texts from those of their runs of letters and digits, each looked up once.

A repository says the same names again and again, and the library takes some five times as long to split
and look up a name as it takes to remember what came of it. This is right for rules that never look beyond a
run of ASCII letters and digits and drop all else (``plain_split.py``). Texts with other characters, and those
in which an added token may stand, are left to the library.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlx_jinabert.text.table_reader import TableReader

__all__ = ["RunReader"]

_RUN = re.compile(r"[A-Za-z0-9]+")
_MOST = 32_768
"""Runs whose tokens are remembered, some 5 MB."""


class RunReader:
    """The ids of many ASCII texts, of a tokenizer that splits plainly.

    ``before`` and ``behind`` are the special tokens around every text.
    """

    def __init__(self, table: TableReader) -> None:
        self.before, self.behind = table.answers.before, table.answers.behind
        self._table = table
        self._known: dict[str, list[int]] = {}

    def ids(self, texts: Sequence[str]) -> list[list[int] | None]:
        """Return the ids of each text without special tokens; None for one that the library has to read."""
        split = [_RUN.findall(text) if self._is_plain(text) else None for text in texts]
        different = {run for runs in split if runs for run in runs}
        if len(self._known) + len(different) > _MOST:
            self._known = {}
        known = self._known  # another thread may begin anew
        new = [run for run in different if run not in known]
        known.update(zip(new, self._table.ids(new, framed=False) or [], strict=True))
        return [None if runs is None else [id_ for run in runs for id_ in known[run]] for runs in split]

    def _is_plain(self, text: str) -> bool:
        return text.isascii() and not self._table.may_hold_added(text)
