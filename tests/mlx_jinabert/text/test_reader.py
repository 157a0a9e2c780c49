"""A tokenizer.json is read once, and what is built of its parts is what the library reads itself."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as Reader

from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.errors import ModelFolderError
from mlx_jinabert.text import reader
from mlx_jinabert.text.reader import read_tokenizer

SHIPPED = EMBEDDED / "tokenizer.json"


def variant(**changes: Any) -> dict[str, Any]:
    described = json.loads(SHIPPED.read_text(encoding="utf-8"))
    words = dict(list(described["model"]["vocab"].items())[:2_000])
    return {**described, "model": {**described["model"], "vocab": words}, **changes}


def added(content: str, number: int) -> list[dict[str, Any]]:
    token = {"id": number, "content": content, "special": False, "normalized": True}
    return [*variant()["added_tokens"], {**token, "single_word": False, "lstrip": False, "rstrip": False}]


@pytest.mark.parametrize(
    "described",
    [
        pytest.param(variant(), id="as shipped"),
        pytest.param(variant(added_tokens=[]), id="no added tokens"),
        pytest.param(variant(added_tokens=added("new word", 2_000)), id="a token beyond the words"),
        pytest.param(
            variant(
                truncation={"max_length": 8, "stride": 0, "strategy": "LongestFirst"} | {"direction": "Right"}
            ),
            id="cuts",
        ),
    ],
)
def test_the_built_tokenizer_is_the_one_that_is_read(described: dict[str, Any]) -> None:
    text = json.dumps(described)
    assert reader._reader(text, described).to_str() == Reader.from_str(text).to_str()


def test_the_shipped_one_is_built_of_its_parts() -> None:
    described = json.loads(SHIPPED.read_text(encoding="utf-8"))
    assert reader._known_words(described) == {one["content"]: one["id"] for one in described["added_tokens"]}


def test_a_file_is_read_once_while_somebody_has_it(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(variant()), encoding="utf-8")
    first = read_tokenizer(path)
    assert read_tokenizer(path) is first
    path.write_text(json.dumps(variant(added_tokens=[])), encoding="utf-8")
    other = read_tokenizer(path)
    assert other.reader.to_str() != first.reader.to_str()
    del first, other
    gc.collect()
    assert not [key for key in reader._KEPT if key[0] == os.fspath(path)]


@pytest.mark.parametrize("ids", [{"a": "0"}, {"a": -1}, {"a": 1 << 40}, {"a": True}, {"a": None}, []])
def test_words_without_an_id_are_refused(tmp_path: Path, ids: Any) -> None:
    described = variant(added_tokens=[])
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({**described, "model": {**described["model"], "vocab": ids}}))
    with pytest.raises(ModelFolderError, match=r"tokenizer\.json"):
        read_tokenizer(path)
