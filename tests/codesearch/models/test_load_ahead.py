"""A model that is loaded while something else is done is the one that ``load`` gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import mlx_jinabert
from codesearch import open_index
from codesearch.errors import ModelUnavailable
from codesearch.models import words
from codesearch.models.embedder import Model, encode_query
from codesearch.models.words import load_words, word_likeness
from mlx_jinabert.errors import JinabertError, ModelFolderError
from mlx_jinabert.loading.embedding import begin_to_load
from tests.support.checkpoints import Checkpoint, write
from tests.support.closeness import WordHashEmbedder

pytest.importorskip("onnxruntime")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text("def retry(socket):\n    return socket.connect()\n")
    return tmp_path


def broken(folder: Path) -> Path:
    """A model folder whose weights are not those of its configuration, which only the backend finds."""
    write(folder, Checkpoint())
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 7}))
    return folder


def test_both_loads_give_the_same_model() -> None:
    begun, loaded = begin_to_load("embedded")(), mlx_jinabert.load("embedded")
    assert begun.fingerprint == loaded.fingerprint
    np.testing.assert_array_equal(begun.encode(["retry a request"]), loaded.encode(["retry a request"]))


def test_what_is_wrong_is_raised_at_the_latest_when_the_model_is_there(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError):
        begin_to_load(tmp_path)
    finish = begin_to_load(broken(tmp_path / "model"))
    with pytest.raises(JinabertError):
        finish()


def test_load_finishes_what_was_begun() -> None:
    model = Model("embedded")
    assert model.load_ahead()
    assert not model.is_loaded
    begun = model._finish
    assert model.load_ahead()
    assert model._finish is begun, "it is begun once"
    assert encode_query(model.load(), "retry").shape == (256,)
    assert model.is_loaded
    assert not model.load_ahead()
    assert model.load() is model.load()


def test_loading_ahead_raises_nothing_and_load_does(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    model = Model(str(folder))
    assert not model.load_ahead()
    broken(folder)
    assert model.load_ahead()
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="model"):
            model.load()
    write(folder, Checkpoint())
    assert model.load().dim == 64


def test_objects_are_there_and_absent_ones_cannot_be_loaded() -> None:
    assert not Model(WordHashEmbedder()).load_ahead()
    assert not Model.absent("other", "0" * 32).load_ahead()


@pytest.mark.parametrize(
    ("options", "loads"),
    [
        ({"mode": "hybrid"}, True),
        ({"mode": "semantic"}, True),
        ({"mode": "lexical"}, False),
        ({"pattern": "retry"}, False),
    ],
)
def test_a_search_loads_the_model_only_where_it_is_asked(
    tree: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, str], loads: bool
) -> None:
    with open_index(tree) as index:
        index.refresh()
    begun: list[str] = []
    really = Model.load_ahead
    monkeypatch.setattr(Model, "load_ahead", lambda model: begun.append(model.name) or really(model))
    with open_index(tree) as index:
        assert index.search("" if "pattern" in options else "retry a socket", **options)
        assert begun == ["embedded"] * loads
        assert index._choice.current().is_loaded == loads


def test_words_that_cannot_be_read_are_told_of_when_they_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words._loaded.cache_clear()
    monkeypatch.setattr(words, "SHIPPED", str(tmp_path))
    load_words()
    with pytest.raises(ModelUnavailable, match="word vectors"):
        word_likeness("retry", ["a retry"])
    words._loaded.cache_clear()
