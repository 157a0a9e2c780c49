"""What the tokenizers library makes of a tokenizer.json: read once for all that read the same file.

A file is known by its device, inode, size and times, and what was read of it is kept for as long as somebody
uses it: a model and the table of its words have one tokenizer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from mlx_jinabert.checkpoint.reading import parse_json, read_file
from mlx_jinabert.errors import ModelFolderError
from mlx_jinabert.text.vocabulary import largest_id

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Reader

__all__ = ["TokenizerFile", "failing_at", "read_tokenizer"]

_MOST_BYTES = 256 << 20
_SETTINGS = ("unk_token", "continuing_subword_prefix", "max_input_chars_per_word")
_KEPT: WeakValueDictionary[tuple[str, tuple[int, ...]], TokenizerFile] = WeakValueDictionary()


@dataclass(frozen=True, slots=True, weakref_slot=True)
class TokenizerFile:
    """A tokenizer.json. Others use ``reader`` too: it neither cuts nor pads, and nobody changes that."""

    reader: Reader
    padding: Mapping[str, Any] | None
    """What the file says of padding."""
    largest_id: int
    """The largest id that it can give."""


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
        found = _read(path)
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


def _read(path: Path) -> TokenizerFile:
    content = read_file(path, _MOST_BYTES)
    if content is None:
        raise ModelFolderError(path, "not a readable tokenizer.json: there is no such file")
    with failing_at(path):
        text = content.decode("utf-8")
    described = parse_json(path, content)
    with failing_at(path):
        reader = _reader(text, described)
    reader.no_truncation()
    reader.no_padding()
    return TokenizerFile(reader, described.get("padding"), largest_id(described))


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
