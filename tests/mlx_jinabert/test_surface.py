"""What a caller sees of the package: names, help, types, and which mistakes are which errors."""

from __future__ import annotations

import importlib.util
import inspect
import json
import pydoc
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlx_jinabert
from mlx_jinabert import errors
from mlx_jinabert.embedder import Embedder, EncodeOptions
from mlx_jinabert.local.embedder import LocalEmbedder
from mlx_jinabert.local.reranker import PredictOptions, Reranker
from mlx_jinabert.remote.embedder import RemoteEmbedder
from tests.support.closeness import assert_close
from tests.support.folders import copy_of
from tests.support.paths import ROOT

MISTAKES = """
import mlx_jinabert
model = mlx_jinabert.load("embedded")
model.encode(["a"], batch_size=3, truncate_dim=64)
wide: int = model.dim
mlx_jinabert.lod("embedded")
mlx_jinabert.load("embedded", "onnx")
model.encode(["a"], trunkation="warn")
model.encode(["a"], precision="float64")
mlx_jinabert.load_reranker("x").rank("q", ["d"], top=3)
"""


def test_the_public_names_come_first() -> None:
    shown = [name for name in dir(mlx_jinabert) if not name.startswith("_")]
    assert shown == [
        "Embedder",
        "LateInteractionModel",
        "Reranker",
        "available_models",
        "errors",
        "load",
        "load_late_interaction",
        "load_reranker",
    ]
    for name in (*shown, *errors.__all__[:8]):
        assert getattr(mlx_jinabert, name) is not None
    with pytest.raises(AttributeError, match="lod"):
        mlx_jinabert.lod  # noqa: B018


def test_help_is_two_screens_long() -> None:
    text = pydoc.render_doc(mlx_jinabert, renderer=pydoc.plaintext)
    places = [text.index(word) for word in ("Embedder  ", "Reranker  ", "load  ", "PACKAGE CONTENTS")]
    assert places == sorted(places)
    assert text.count("\n") < 110  # from 3.13 on every argument has a line of its own


def test_every_error_is_exported() -> None:
    for name in errors.__all__:
        if isinstance(getattr(errors, name), type):
            assert getattr(mlx_jinabert, name) is getattr(errors, name)


def test_a_type_checker_sees_mistakes(tmp_path: Path) -> None:
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("no mypy")
    (tmp_path / "user.py").write_text(MISTAKES)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--follow-imports=silent"]
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\n")
    done = subprocess.run(
        [*command, "--config-file", str(config), "user.py"],
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = {int(line.split(":")[1]) for line in done.stdout.splitlines() if line.startswith("user.py")}
    assert lines == {6, 7, 8, 9, 10}, done.stdout + done.stderr


@pytest.mark.parametrize("kind", [LocalEmbedder, RemoteEmbedder])
def test_embedders_share_one_surface(kind: type[Embedder]) -> None:
    assert issubclass(kind, Embedder)
    public = {name for name in vars(Embedder) if not name.startswith("_")}
    assert public <= set(dir(kind))
    wanted = inspect.signature(Embedder.encode)
    found = inspect.signature(kind.encode)
    if kind is LocalEmbedder:
        assert str(wanted) == str(found)
    assert set(wanted.parameters) - {"self", "texts"} == set(EncodeOptions.__annotations__)


def test_the_options_of_predict_are_written_down_once_more() -> None:
    wanted = set(inspect.signature(Reranker.predict).parameters) - {"self", "pairs"}
    assert wanted == set(PredictOptions.__annotations__)


def test_options_have_names() -> None:
    model = mlx_jinabert.load("embedded", dtype="float32")
    for call in (
        lambda: mlx_jinabert.load("embedded", "onnx"),
        lambda: mlx_jinabert.load_reranker("embedded", "onnx"),
        lambda: model.encode("x", "query"),
    ):
        with pytest.raises(TypeError, match="positional"):
            call()


def test_batch_size_bounds_the_texts_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    model = mlx_jinabert.load("embedded", dtype="float32")
    texts = [f"text {n}" for n in range(11)]
    want = model.encode(texts)
    rows: list[int] = []
    owner = model._owner
    run = owner.run

    def counting(function: Any, *more: Any) -> Any:
        batch = function.args[0]
        rows.append(len(batch.ids))
        return run(function, *more)

    monkeypatch.setattr(owner, "run", counting)
    assert_close(model.encode(texts, batch_size=3), want, atol=2e-6, what="three at a time")
    assert max(rows) == 3
    assert sum(rows) == 11


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"batch_size": True},
        {"max_batch_tokens": 0},
        {"truncate_dim": 0},
        {"truncation": "cut"},
        {"precision": "float64"},
        {"prompt_name": "no such"},
    ],
    ids=str,
)
def test_a_wrong_option_of_a_call_is_a_value_error(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        mlx_jinabert.load("embedded").encode("x", **options)


@pytest.mark.parametrize(
    "options", [{"backend": "cuda"}, {"dtype": "float8"}, {"max_length": 0}, {"truncate_dim": 999}], ids=str
)
def test_a_wrong_option_of_load_is_a_value_error(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        mlx_jinabert.load("embedded", **options)


def test_a_configuration_that_is_not_implemented_names_its_folder(tmp_path: Path) -> None:
    config = json.loads((ROOT / "mlx_jinabert/embedded/config.json").read_text())
    folder = copy_of("embedded", tmp_path, config=config | {"hidden_act": "relu"})
    with pytest.raises(errors.UnsupportedConfig, match="relu") as caught:
        mlx_jinabert.load(folder)
    assert str(caught.value).startswith(f"{folder}: ")
    wrong = copy_of("embedded", tmp_path, config=config | {"hidden_size": 2 * config["hidden_size"]})
    with pytest.raises(errors.WeightMismatch) as mismatch:
        mlx_jinabert.load(wrong)
    assert str(mismatch.value).startswith(f"{wrong}: ")


def test_vectors_are_arrays_that_own_their_memory() -> None:
    vectors = mlx_jinabert.load("embedded").encode(["a", "b"])
    assert isinstance(vectors, np.ndarray)
    assert vectors.flags.c_contiguous
