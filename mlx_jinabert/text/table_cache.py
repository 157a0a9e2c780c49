"""Tables of words on disk, by the content of the tokenizer.json that they were made of.

A table appears whole or not at all, in a folder that nobody else can write to, and is believed while its
checksum is right. One that cannot be read or written costs the time to read the tokenizer, never an error.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

import numpy as np

from mlx_jinabert.checkpoint.cache_location import is_private, keep_file, private_folder
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.text.table_reader import Answers, TableReader
from mlx_jinabert.text.word_table import WordTable

__all__ = ["StoredTable", "load_table", "store_table"]

_FOLDER = "words"
_FORMAT = 2
_SIZES = np.dtype("<u4")


@dataclass(frozen=True, slots=True)
class StoredTable:
    """What is kept of a tokenizer.json: the table, and what has to be known before a text comes."""

    reader: TableReader
    padding: Any
    largest_id: int


def load_table(digest: str) -> StoredTable | None:
    """Return the table of a tokenizer.json whose content has this hash; None where there is none."""
    try:
        folder = private_folder(_FOLDER)
        content = (folder / _name(digest)).read_bytes()
        checksum, size = np.frombuffer(content, _SIZES, 2).tolist()
        if not is_private(folder) or checksum != zlib.crc32(memoryview(content)[4:]):
            return None
        head = json.loads(content[8 : 8 + size])
        ids = np.frombuffer(content, "<i4", head["words"], 8 + size)
        words = np.frombuffer(content, f"S{head['width']}", head["words"], 8 + size + ids.nbytes)
        table = WordTable(words, ids.astype(np.int32, copy=False))
        spellings = np.frombuffer(content, np.uint8, len(ids), len(content) - len(ids))
        answers = Answers(head["before"], head["behind"], spellings)
        return StoredTable(
            TableReader(head["described"], table, answers), head["padding"], head["largest_id"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def store_table(digest: str, stored: StoredTable) -> None:
    """Keep a table for later processes."""
    table = stored.reader.table
    head = {
        "words": len(table.words),
        "width": table.words.dtype.itemsize,
        "described": stored.reader.described,
        "before": stored.reader.answers.before,
        "behind": stored.reader.answers.behind,
        "padding": stored.padding,
        "largest_id": stored.largest_id,
    }
    written = json.dumps(head).encode()
    written += b" " * (-len(written) % 4)  # numbers behind it lie at multiples of four
    columns = (table.ids.astype("<i4"), table.words, stored.reader.answers.spellings)
    content = b"".join([written, *(column.tobytes() for column in columns)])
    content = np.array([len(written)], _SIZES).tobytes() + content
    keep_file(_FOLDER, _name(digest), np.array([zlib.crc32(content)], _SIZES).tobytes() + content)


def _name(digest: str) -> str:
    return f"{digest}.{_FORMAT}"
