"""Token ids: what tokenizer.json says about cutting and padding is cleared, closing tokens stay."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Reference

from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.errors import ModelFolderError
from mlx_jinabert.text.tokenizer import TokenBatch, Tokenizer
from tests.support.running import minilm

SHIPPED = EMBEDDED / "tokenizer.json"


@pytest.fixture(scope="module")
def wordpiece() -> Path:
    return minilm() / "tokenizer.json"


def test_the_cut_and_the_padding_of_the_file_are_cleared(wordpiece: Path) -> None:
    stored = json.loads(wordpiece.read_text())
    assert stored["truncation"]["max_length"] == 128
    assert stored["padding"]["strategy"] == {"Fixed": 128}
    tokens = Tokenizer(wordpiece, 256).encode(["word " * 200, "word"])
    assert [len(ids) for ids in tokens.ids] == [202, 3]


@pytest.mark.parametrize(("name", "pad"), [("embedded", 1), ("wordpiece", 0)])
def test_the_pad_id_is_the_tokenizers(name: str, pad: int, wordpiece: Path) -> None:
    assert Tokenizer(SHIPPED if name == "embedded" else wordpiece, 64).pad_id == pad


@cache
def _reference(path: Path, limit: int | None) -> Reference:
    reference = Reference.from_file(str(path))
    reference.no_padding()
    reference.enable_truncation(limit) if limit else reference.no_truncation()
    return reference


_opened = cache(Tokenizer)


@pytest.mark.parametrize("name", ["embedded", "wordpiece"])
@given(
    texts=st.lists(st.text(st.sampled_from(" abz_.(</s>[SEP]é世🚀\n"), max_size=60), max_size=5),
    limit=st.sampled_from([3, 4, 9, 20]),
)
def test_cutting_is_that_of_the_tokenizers_library(
    name: str, texts: list[str], limit: int, wordpiece: Path
) -> None:
    path = SHIPPED if name == "embedded" else wordpiece
    tokens = _opened(path, limit).encode(texts)
    assert [ids.tolist() for ids in tokens.ids] == [
        _reference(path, limit).encode(text).ids for text in texts
    ]
    assert list(tokens.lengths) == [len(_reference(path, None).encode(text).ids) for text in texts]


def test_counting_is_before_the_cut() -> None:
    tokenizer = Tokenizer(SHIPPED, 8)
    assert tokenizer.count(["", "x", "x " * 100]) == list(tokenizer.encode(["", "x", "x " * 100]).lengths)
    assert tokenizer.count(["x" + " x" * 99])[0] == 102


def test_an_empty_text_is_its_special_tokens() -> None:
    assert Tokenizer(SHIPPED, 512).encode([""]).ids[0].tolist() == [0, 2]


def test_lone_surrogates_become_question_marks() -> None:
    tokenizer = Tokenizer(SHIPPED, 512)
    assert tokenizer.encode(["a\ud800é"]).ids[0].tolist() == tokenizer.encode(["a?é"]).ids[0].tolist()


def test_a_batch_is_padded_on_the_right() -> None:
    rows = [np.array([5, 6, 7], np.int32), np.array([8], np.int32)]
    batch = TokenBatch.pad(rows, 4, pad_id=1)
    assert batch.ids.tolist() == [[5, 6, 7, 1], [8, 1, 1, 1]]
    assert batch.mask.tolist() == [[1, 1, 1, 0], [1, 0, 0, 0]]


def test_a_limit_without_room_for_a_token_is_refused() -> None:
    with pytest.raises(ModelFolderError, match="leaves no room beside 2 special tokens"):
        Tokenizer(SHIPPED, 2)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(ModelFolderError, match=r"tokenizer\.json: not a readable"):
        Tokenizer(path, 8)
