"""Texts to token ids, with truncation that is counted.

``tokenizer.json`` is the only source. What that file says about truncation and padding is cleared:
all-MiniLM-L6-v2 ships one that cuts at 128 and pads to 128, while the model takes 256. The limit is
the caller's, padding is the batch's, and the pad id is the tokenizer's own (``config.json`` of the
Jina code model says 0, its tokenizer says 1).

Texts are cut at their end; the special tokens that close a sequence stay. A model that pools the last
token needs one that closes it: where tokenizer.json appends none, it is appended here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.checkpoint.sentence_files import EndToken
from mlx_jinabert.errors import ModelFolderError
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.text.reader import failing_at, read_tokenizer

if TYPE_CHECKING:
    from tokenizers import Encoding
    from tokenizers import Tokenizer as Reader

__all__ = ["Ids", "Piece", "TokenBatch", "TokenizedTexts", "Tokenizer", "without_surrogates"]

Ids = NDArray[np.int32]
"""(length,) or (batch, length) int32 token ids."""

_PAD_TOKENS = ("<pad>", "[PAD]", "<|pad|>", "<|endoftext|>", "<unk>")
"""Looked for where tokenizer.json has no padding section of its own, in this order."""
_MOST_ID = 2**31 - 1
_FEW_CHARACTERS = 50_000
"""Of texts whose words are looked up one by one, before the vocabulary is read: that takes as long."""
_AT_ONCE = 512
"""Texts handed to the tokenizer in one call: bounds what its encodings hold."""


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Right-padded sequences: ``ids`` and ``mask``, both (batch, length) int32.

    ``mask``: 0 for padding, else 1, or how often a token stands in its text where repeated ones are counted.
    ``types`` tell the two texts of a pair apart, in the same shape; None for single texts.
    """

    ids: Ids
    mask: Ids
    types: Ids | None = None

    @classmethod
    def pad(
        cls,
        sequences: Sequence[Ids],
        length: int,
        pad_id: int,
        types: Sequence[Ids] | None = None,
        counts: Sequence[Ids] | None = None,
    ) -> TokenBatch:
        """Stack sequences of at most ``length`` tokens, with their types, and how often each token stands."""
        ids = np.full((len(sequences), length), pad_id, dtype=np.int32)
        mask = np.zeros((len(sequences), length), dtype=np.int32)
        for row, sequence in enumerate(sequences):
            ids[row, : len(sequence)] = sequence
            mask[row, : len(sequence)] = 1 if counts is None else counts[row]
        return cls(ids, mask, None if types is None else cls.pad(types, length, 0).ids)

    def rows(self, part: slice) -> TokenBatch:
        """Some of the sequences."""
        return TokenBatch(self.ids[part], self.mask[part], None if self.types is None else self.types[part])

    def check_ids(self, table_rows: int) -> None:
        """Raise ValueError where an id is none of a table of ``table_rows`` rows.

        An id beyond it would read whatever memory lies there.
        """
        least, most = int(self.ids.min()), int(self.ids.max())
        if least < 0 or most >= table_rows:
            wrong = least if least < 0 else most
            raise ValueError(f"token id {wrong} is none of this model's, which are 0 to {table_rows - 1}")


@dataclass(frozen=True, slots=True)
class TokenizedTexts:
    """``ids``: one (length,) int32 array per text, cut to the limit; ``lengths``: tokens before the cut."""

    ids: tuple[Ids, ...]
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """One token of a text, and the bytes of its UTF-8 form that it stands for (none for special tokens)."""

    id: int
    text: str
    is_special: bool
    start: int
    stop: int


class Tokenizer:
    """The tokenizer of one model folder, limited to ``max_length`` tokens with special tokens included."""

    def __init__(
        self, path: Path, max_length: int, end: EndToken | None = None, table_rows: int | None = None
    ) -> None:
        """``table_rows``: height of the model's embedding table, which every token id has to be in.

        Raises ModelFolderError for an unreadable file, for ids beyond the table, and where ``end`` is
        unknown or not what closes.
        """
        self._path = path
        self._file = read_tokenizer(path)  # held: it is shared for as long as somebody has it
        _check_ids(path, self._file.largest_id, table_rows)
        self.pad_id = self._find_pad(self._file.padding)
        with self._failing():
            closing = self._file.closing
        self._end = self._find_end(path, end, closing)
        self.closes = closing is not None or len(self._end) > 0
        """Whether texts end with a special token."""
        specials = self._file.special_count + len(self._end)
        if max_length < specials + 1:
            raise ModelFolderError(
                path, f"max_length {max_length} leaves no room beside {specials} special tokens"
            )
        self.max_length = max_length
        self._few = _FEW_CHARACTERS

    @property
    def _reader(self) -> Reader:
        return self._file.reader

    def _failing(self) -> AbstractContextManager[None]:
        return failing_at(self._path)

    def encode(self, texts: Sequence[str]) -> TokenizedTexts:
        """Token ids with special tokens, each cut to ``max_length``, and the lengths before the cut."""
        few = self._looked_up(texts)
        if few is not None:
            return few
        ids: list[Ids] = []
        lengths: list[int] = []
        for each, length in self._read(texts):
            ids.append(each)
            lengths.append(length)
        return TokenizedTexts(tuple(ids), tuple(lengths))

    def token_id(self, token: str) -> int | None:
        """The id of a token of the vocabulary; None for anything else."""
        return self._file.token_id(token)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included, before any cut."""
        return [length for _, length in self._read(texts)]

    @property
    def vocab_size(self) -> int:
        """How many ids there are, added tokens included: 0 to this, exclusive."""
        return int(self._reader.get_vocab_size(with_added_tokens=True))

    def pieces(self, text: str, add_special_tokens: bool = True) -> list[Piece]:
        """The tokens of a text, uncut, and where each stands in it."""
        clean = without_surrogates(text)
        with self._failing():
            encoding = self._reader.encode(clean, add_special_tokens=add_special_tokens)
        before = _bytes_before(clean)
        raw = clean.encode()
        columns = (encoding.ids, encoding.tokens, encoding.offsets, encoding.special_tokens_mask)
        found = []
        for token_id, token, (first, last), special in zip(*columns, strict=True):
            start, stop = before[first], before[last]
            written = token if special else raw[start:stop].decode()
            found.append(Piece(token_id, written, bool(special), start, stop))
        if add_special_tokens:
            found += [
                Piece(int(end), str(self._reader.id_to_token(int(end))), True, len(raw), len(raw))
                for end in self._end
            ]
        return found

    def shorten(self, text: str, tokens: int) -> str:
        """The beginning of a text that its first ``tokens`` tokens stand for, special tokens not counted."""
        offsets = self._reader.encode(without_surrogates(text), add_special_tokens=False).offsets
        return text if len(offsets) <= tokens else text[: offsets[tokens - 1][1]]

    def _read(self, texts: Sequence[str]) -> Iterator[tuple[Ids, int]]:
        """Yield the ids of each text, cut, and their number before the cut."""
        for start in range(0, len(texts), _AT_ONCE):
            part = texts[start : start + _AT_ONCE]
            runs = self._file.runs
            found = runs.ids(part) if runs else [None] * len(part)
            left = self._encodings([text for text, ids in zip(part, found, strict=True) if ids is None])
            for ids in found:
                if runs is None or ids is None:
                    encoding = next(left)
                    yield self._cut(encoding), len(encoding.ids) + len(self._end)
                    continue
                around = len(runs.before) + len(runs.behind) + len(self._end)
                kept = [*runs.before, *ids[: self.max_length - around], *runs.behind, *self._end]
                yield np.array(kept, np.int32), len(ids) + around

    def _encodings(self, texts: Sequence[str]) -> Iterator[Encoding]:
        if texts:
            clean = [without_surrogates(text) for text in texts]
            with self._failing():
                encodings = self._reader.encode_batch_fast(clean)
            yield from encodings

    def _bare(self, texts: Sequence[str]) -> Iterator[Encoding]:
        """Encodings without special tokens."""
        for start in range(0, len(texts), _AT_ONCE):
            clean = [without_surrogates(text) for text in texts[start : start + _AT_ONCE]]
            with self._failing():
                encodings = self._reader.encode_batch_fast(clean, add_special_tokens=False)
            yield from encodings

    def _looked_up(self, texts: Sequence[str]) -> TokenizedTexts | None:
        """``encode`` by the table of words; None where the whole tokenizer has to, or is there already."""
        table, characters = self._file.table, sum(map(len, texts))
        if table is None or self._file.is_read or characters > self._few:
            return None
        self._few -= characters
        found = table.ids([without_surrogates(text) for text in texts], framed=True)
        room = self.max_length - len(self._end)
        if found is None or not all(0 < len(each) <= room for each in found):
            return None
        ids = tuple(np.array([*each, *self._end], np.int32) for each in found)
        return TokenizedTexts(ids, tuple(map(len, ids)))

    def _cut(self, encoding: Encoding) -> Ids:
        ids = np.asarray(encoding.ids, dtype=np.int32)
        room = self.max_length - len(self._end)
        if len(ids) <= room:
            closed = np.concatenate([ids, self._end])
            # Nothing has no vector: where no special token is added, an empty text is one of padding.
            return closed if len(closed) else np.array([self.pad_id], dtype=np.int32)
        mask = encoding.special_tokens_mask
        closing = next(i for i, special in enumerate(reversed(mask)) if not special)
        return np.concatenate([ids[: room - closing], ids[len(ids) - closing :], self._end])

    def _find_end(self, path: Path, end: EndToken | None, closing: int | None) -> Ids:
        """The token to append to every text, (0 or 1,) int32: none after the file's own ``closing`` token."""
        if end is None:
            return np.empty(0, dtype=np.int32)
        token = self._file.token_id(end.text)
        if token is None:
            raise ModelFolderError(path, f"has no token {end.text!r}, with which texts are to end")
        if closing is None:
            return np.array([token], dtype=np.int32)
        if end.stated and closing != token:
            raise ModelFolderError(
                path,
                f"closes texts with {self._reader.id_to_token(closing)!r}, expected {end.text!r} "
                "(append_token); pass config_overrides={'append_token': False} to take the file as it is",
            )
        return np.empty(0, dtype=np.int32)

    def _find_pad(self, padding: Mapping[str, object] | None) -> int:
        if padding is not None and isinstance(padding.get("pad_id"), int):
            return int(str(padding["pad_id"]))
        found = (self._file.token_id(token) for token in _PAD_TOKENS)
        # Without any of them 0 is as good as another: padding is masked everywhere.
        return next((pad for pad in found if pad is not None), 0)


def _bytes_before(text: str) -> Sequence[int]:
    """How many bytes stand before each character, and before the end."""
    if text.isascii():
        return range(len(text) + 1)
    return [0, *accumulate(len(character.encode()) for character in text)]


def _check_ids(path: Path, largest: int, table_rows: int | None) -> None:
    most = _MOST_ID if table_rows is None else table_rows - 1
    if largest > most:
        table = "ids are 32 bits wide" if table_rows is None else f"the weights have ids 0 to {most}"
        raise ModelFolderError(path, f"its largest token id is {largest}, but {table}; it is another model's")


def without_surrogates(text: str) -> str:
    """Lone surrogates (undecodable file names, broken UTF-16) have no UTF-8 form; they become "?"."""
    if text.isascii():
        return text
    return text.encode("utf-8", errors="replace").decode("utf-8")
