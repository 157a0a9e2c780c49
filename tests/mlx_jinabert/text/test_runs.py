"""Tokens that are put together from runs of letters and digits are those that the library gives."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Reader

from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.text import runs
from mlx_jinabert.text.reader import read_tokenizer
from mlx_jinabert.text.runs import RunReader
from mlx_jinabert.text.tokenizer import Tokenizer

SHIPPED = EMBEDDED / "tokenizer.json"
WHOLE = Reader.from_file(str(SHIPPED))
WHOLE.no_truncation()
WHOLE.no_padding()
PIECES = st.one_of(
    st.text(st.characters(max_codepoint=127), max_size=9),
    st.text("aB1", max_size=40),
    st.sampled_from(
        ["getUserById", "HTTPServer2", "<s>", "</s>", "<mask>", "x" * 32, "x" * 33, "ı", "naïve", "世"]
    ),
)
TEXTS = st.lists(st.lists(PIECES, max_size=9).map("".join), max_size=5)


def shipped() -> RunReader:
    found = read_tokenizer(SHIPPED).runs
    assert found is not None
    return found


def library(texts: Sequence[str]) -> list[list[int]]:
    return [encoding.ids for encoding in WHOLE.encode_batch_fast(list(texts), add_special_tokens=False)]


@given(TEXTS)
def test_ids_are_those_of_the_library(texts: list[str]) -> None:
    found = shipped().ids(texts)
    for text, ids, want in zip(texts, found, library(texts), strict=True):
        is_plain = text.isascii() and not any(
            f"<{name}>" in text for name in ("s", "/s", "mask", "pad", "unk")
        )
        assert ids == (want if is_plain else None)


@given(TEXTS, st.integers(3, 20))
def test_a_tokenizer_cuts_and_frames_them_as_the_library_does(texts: list[str], most: int) -> None:
    tokenizer = Tokenizer(SHIPPED, most)
    tokenizer._few = 0  # or the table would answer
    found = tokenizer.encode(texts)
    want = [encoding.ids for encoding in WHOLE.encode_batch_fast(texts)]
    assert list(found.lengths) == list(map(len, want))
    cut = [ids if len(ids) <= most else [*ids[: most - 1], ids[-1]] for ids in want]
    assert [ids.tolist() for ids in found.ids] == cut


def test_every_pair_of_neighbours() -> None:
    """What stands beside a run changes nothing within it, whatever it is."""
    ends = "aZ0"
    others = [
        character
        for character in map(chr, range(128))
        if character not in string.ascii_letters + string.digits
    ]
    texts = [f"b{left}{other}{right}c" for left in ends for other in others for right in ends]
    assert shipped().ids(texts) == library(texts)


def test_no_more_is_remembered_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_MOST", 10)
    texts = [f"name{n} name{n + 1} other" for n in range(30)]
    table = read_tokenizer(SHIPPED).table
    assert table is not None
    reader = RunReader(table)
    assert [reader.ids([text])[0] for text in texts] == library(texts)
    assert len(reader._known) <= 10
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda text: reader.ids([text])[0], texts * 20)
        assert list(found) == library(texts * 20)


def test_other_rules_are_left_to_the_library(tmp_path: Path) -> None:
    described = json.loads(SHIPPED.read_text(encoding="utf-8"))
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({**described, "normalizer": {"type": "Lowercase"}}), encoding="utf-8")
    assert read_tokenizer(path).runs is None
    other = Reader.from_file(str(path))
    text = "getUserById of HTTPServer " * 3
    assert (
        Tokenizer(path, 512).encode([text] * 2).ids[1].tolist()
        == other.encode(text).ids
        != WHOLE.encode(text).ids
    )
