"""What the tokenizers library makes of a tokenizer.json: read once for all that read the same file.

A file is known by its device, inode, size and times, and what was read of it is kept for as long as somebody
uses it: a model and the table of its words have one tokenizer. Where a table of its words was made before
(``table_cache.py``), its vocabulary is read when more than a few words are asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from mlx_jinabert.checkpoint.reading import parse_json, read_file
from mlx_jinabert.errors import ModelFolderError
from mlx_jinabert.text.runs import RunReader
from mlx_jinabert.text.table_cache import StoredTable, load_table, store_table
from mlx_jinabert.text.table_reader import TableReader
from mlx_jinabert.text.vocabulary import largest_id
from mlx_jinabert.text.word_table import WordTable

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Reader

__all__ = ["TokenizerFile", "failing_at", "read_tokenizer"]

_MOST_BYTES = 256 << 20
_SETTINGS = ("unk_token", "continuing_subword_prefix", "max_input_chars_per_word")
_KEPT: WeakValueDictionary[tuple[str, tuple[int, ...]], TokenizerFile] = WeakValueDictionary()


class TokenizerFile:
    """A tokenizer.json. Others use ``reader`` too: it neither cuts nor pads, and nobody changes that."""

    def __init__(self, path: Path, content: bytes) -> None:
        """Raises ModelFolderError where the content is no tokenizer's."""
        self._path, self._content = path, content
        self._lock = threading.Lock()
        self._reader: Reader | None = None
        digest = hashlib.sha256(content).hexdigest()
        stored = load_table(digest)
        if stored is None:
            self._reader, described = _read(path, content)
            self.padding: Mapping[str, Any] | None = described.get("padding")
            """What the file says of padding."""
            self.largest_id = largest_id(described)
            """The largest id that it can give."""
            stored = self._tabled(described)
            if stored is not None:
                store_table(digest, stored)
        else:
            self.padding, self.largest_id = stored.padding, stored.largest_id
        self.table: TableReader | None = stored.reader if stored else None
        """Gives the ids of few texts in less time than it takes to read the vocabulary."""
        self.runs = RunReader(self.table) if self.table and self.table.splits_plainly else None
        """Gives the ids of many texts in less time than the library."""

    @property
    def reader(self) -> Reader:
        """The library's tokenizer, with the whole vocabulary."""
        with self._lock:
            if self._reader is None:
                self._reader, _ = _read(self._path, self._content)
                self._content = b""
            return self._reader

    @property
    def closing(self) -> int | None:
        """The special token that ends every text; None where none does."""
        if self.table:
            return self.table.answers.behind[-1] if self.table.answers.behind else None
        closed = self.reader.encode("x")
        return closed.ids[-1] if closed.special_tokens_mask[-1:] == [1] else None

    @property
    def special_count(self) -> int:
        """How many special tokens stand around every text."""
        if self.table:
            return len(self.table.answers.before) + len(self.table.answers.behind)
        return int(self.reader.num_special_tokens_to_add(is_pair=False))

    @property
    def unknown(self) -> str | None:
        """The token of words that are not known; None where there is none."""
        model = self.table.described["model"] if self.table else None
        token = model["unk_token"] if model else getattr(self.reader.model, "unk_token", None)
        return token if isinstance(token, str) else None

    @property
    def is_read(self) -> bool:
        """Whether ``reader`` is there, so that asking it takes the least time."""
        return self._reader is not None

    def token_id(self, token: str) -> int | None:
        """Return the id of a token; None for what is none."""
        found: int | None = self.table.token_id(token) if self.table else self.reader.token_to_id(token)
        return found

    def _tabled(self, described: Mapping[str, Any]) -> StoredTable | None:
        known = _known_words(described)
        table = None if known is None else WordTable.of(described["model"]["vocab"])
        if known is None or table is None:
            return None
        few = {**described, "model": {**described["model"], "vocab": known}}
        try:
            return StoredTable(TableReader(few, table), self.padding, self.largest_id)
        except ValueError:
            return None


@contextmanager
def failing_at(path: Path) -> Iterator[None]:
    """Report what the tokenizers library raises, and panics of its Rust code, as the file's fault."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ModelFolderError(path, f"not a readable tokenizer.json: {error}") from error


def read_tokenizer(path: Path) -> TokenizerFile:
    """Read a tokenizer.json. Raises ModelFolderError where it is missing or cannot be read."""
    key = _key(path)
    found = _KEPT.get(key) if key else None
    if found is None:
        content = read_file(path, _MOST_BYTES)
        if content is None:
            raise ModelFolderError(path, "not a readable tokenizer.json: there is no such file")
        found = TokenizerFile(path, content)
        if key and _key(path) == key:
            _KEPT[key] = found
    return found


def _key(path: Path) -> tuple[str, tuple[int, ...]] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    stamp = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return os.fspath(path), stamp


def _read(path: Path, content: bytes) -> tuple[Reader, Any]:
    """Return the library's tokenizer, and the file as it was parsed."""
    with failing_at(path):
        text = content.decode("utf-8")
    described = parse_json(path, content)
    with failing_at(path):
        reader = _reader(text, described)
    reader.no_truncation()
    reader.no_padding()
    return reader, described


def _reader(text: str, described: Any) -> Reader:
    """Build the tokenizer of a file whose content is ``described``.

    The words of a WordPiece are handed over as they were parsed: the library takes three times as long to
    read them itself.
    """
    from tokenizers import Tokenizer as Reader
    from tokenizers.models import WordPiece

    known = _known_words(described)
    if known is None:
        return Reader.from_str(text)
    model = described["model"]
    # Added tokens take their ids from the words that are there when they are added.
    few = {**model, "vocab": known}
    reader = Reader.from_str(json.dumps({**described, "model": few}))
    reader.model = WordPiece(model["vocab"], **{key: model[key] for key in _SETTINGS})
    return reader


def _known_words(described: Any) -> dict[str, int] | None:
    """Return the added tokens of a WordPiece and their ids; None for another model, or where it lacks one."""
    model = described.get("model") if isinstance(described, dict) else None
    if not isinstance(model, dict) or model.get("type") != "WordPiece" or not model.keys() >= {*_SETTINGS}:
        return None
    words, added = model.get("vocab"), described.get("added_tokens")
    if not isinstance(words, dict) or not isinstance(added, list) or set(map(type, words.values())) != {int}:
        return None
    known = {one["content"]: one["id"] for one in added if words.get(one["content"]) == one["id"]}
    return known if len(known) == len(added) else None
