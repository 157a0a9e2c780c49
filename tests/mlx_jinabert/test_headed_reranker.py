"""Rerankers that end in modules, as the ettin rerankers are saved: scores against PyTorch, and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import mlx_jinabert
from conversion.convert import Request, convert
from mlx_jinabert.catalog import available_models
from mlx_jinabert.errors import ModelFolderError, UnsupportedConfig, WeightMismatch
from mlx_jinabert.verify.original import against_original
from tests.support.checkpoints import Checkpoint, write, write_safetensors
from tests.support.closeness import assert_close
from tests.support.running import BACKENDS, require

MODERN = Checkpoint("modernbert", heads=4, hidden=64, layers=4, max_position=160, pooling="cls")
PAIRS = [("where are retries decided", "def retry(): ..."), ("x", ""), ("a b c", "y " * 60), ("世界", "🚀")]
GELU, IDENTITY = "torch.nn.modules.activation.GELU", "torch.nn.modules.linear.Identity"
_TYPES = "sentence_transformers.base.models"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path_factory.mktemp("cache")))


def head(width: int = MODERN.hidden) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Folder -> tensors. Scores spread over some units, so that a wrong layer shows."""
    random = np.random.RandomState(7)

    def noise(*shape: int) -> NDArray[np.float32]:
        return random.standard_normal(shape).astype(np.float32)

    return {
        "2_Dense": {"linear.weight": noise(width, width) / 8},
        "3_LayerNorm": {"norm.weight": 1 + 0.3 * noise(width), "norm.bias": 0.3 * noise(width)},
        "4_Dense": {"linear.weight": noise(1, width) / 2, "linear.bias": noise(1)},
    }


def written(folder: Path, *, end: str | None = IDENTITY) -> Path:
    """As sentence-transformers saves them; ``end``: what is said to be done with the logit."""
    write(folder, MODERN)
    tensors = head()
    for name, stored in tensors.items():
        (folder / name).mkdir()
        write_safetensors(folder / name / "model.safetensors", stored, "float32")
    dense = {"in_features": 64, "module_input_name": "sentence_embedding"}
    first = {**dense, "out_features": 64, "bias": False, "activation_function": GELU}
    last = {**dense, "out_features": 1, "bias": True, "activation_function": IDENTITY}
    records = {
        "2_Dense": {**first, "module_output_name": "sentence_embedding"},
        "3_LayerNorm": {"dimension": 64},
        "4_Dense": {**last, "module_output_name": "scores"},
    }
    for name, record in records.items():
        (folder / name / "config.json").write_text(json.dumps(record))
    kinds = ("Transformer", "Pooling", "Dense", "LayerNorm", "Dense")
    modules = [
        {"idx": n, "name": str(n), "path": f"{n}_{kind}" if n else "", "type": f"{_TYPES}.{kind}"}
        for n, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    said = {"prompts": {}, "default_prompt_name": None, **({"activation_fn": end} if end else {})}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(said))
    (folder / "sentence_bert_config.json").unlink()
    return folder


def by_torch(folder: Path) -> NDArray[np.float32]:
    """Logits by PyTorch in float64."""
    require("torch", "transformers")
    import torch

    from mlx_jinabert.text.pairs import PairTokenizer
    from tests.support.reference import open_reference

    forward = open_reference(folder)
    tokens = PairTokenizer(folder / "tokenizer.json", 160, 0).encode_pairs(PAIRS)
    layers = [
        torch.nn.Linear(64, 64, bias=False),
        torch.nn.GELU(),
        torch.nn.LayerNorm(64),
        torch.nn.Linear(64, 1),
    ]
    chain = torch.nn.Sequential(*layers).double()
    stored = list(head().values())
    for layer, tensors in zip((layers[0], layers[2], layers[3]), stored, strict=True):
        layer.load_state_dict(
            {name.partition(".")[2]: torch.from_numpy(value) for name, value in tensors.items()}
        )
    with torch.no_grad():
        rows = [chain(forward(torch.from_numpy(ids).long())[0]) for ids in tokens.ids]
    return torch.cat(rows).float().numpy()


@pytest.mark.parity
@pytest.mark.parametrize("backend", BACKENDS)
def test_scores_are_those_of_the_modules(tmp_path: Path, backend: str) -> None:
    require({"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    folder = written(tmp_path)
    want = by_torch(folder)
    assert np.ptp(want) > 0.5
    model = mlx_jinabert.load_reranker(folder, backend=backend, dtype="float32")
    assert_close(model.predict(PAIRS), want, atol=2e-5, what=backend)
    assert (model.activation, model.max_length) == ("identity", 160)
    ranked = model.rank("x", [document for _, document in PAIRS], top_k=2)
    assert ranked[0]["score"] >= ranked[1]["score"]
    found = against_original(model)
    assert (found.passed, found.difference < 1e-4) == (True, True)


@pytest.mark.parametrize("target", BACKENDS)
def test_a_conversion_keeps_the_modules(tmp_path: Path, target: str) -> None:
    require({"mlx": "mlx.core", "onnx": "onnxruntime"}[target])
    folder = written(tmp_path / "source")
    done = convert(Request(str(folder), target, tmp_path / "out"))
    want = mlx_jinabert.load_reranker(folder, backend=target, dtype="float32")
    got = mlx_jinabert.load_reranker(done.out, backend=target, dtype="float32")
    assert_close(got.predict(PAIRS), want.predict(PAIRS), atol=1e-6, what="converted")
    assert got.fingerprint == want.fingerprint


def test_a_checkpoint_that_says_no_activation_gives_shares(tmp_path: Path) -> None:
    require("onnxruntime")
    model = mlx_jinabert.load_reranker(written(tmp_path, end=None), backend="onnx")
    assert model.activation == "sigmoid"


def test_it_gives_no_vectors(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match=r"use mlx_jinabert\.load_reranker"):
        mlx_jinabert.load(written(tmp_path))


def test_an_embedding_model_with_such_layers_gives_no_scores(tmp_path: Path) -> None:
    """The same chain, but as wide as before at its end, is one for vectors."""
    require("onnxruntime")
    folder = written(tmp_path)
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps(modules[:4]))
    model = mlx_jinabert.load(folder, backend="onnx", dtype="float32")
    assert model.dim == 64
    assert against_original(model).passed
    with pytest.raises(WeightMismatch, match=r"use mlx_jinabert\.load$"):
        mlx_jinabert.load_reranker(folder)


@pytest.mark.parametrize(
    ("module", "change", "named"),
    [
        ("3_LayerNorm", {"dimension": 32}, "tensors of 3_LayerNorm"),
        ("3_LayerNorm", {"dimension": None}, "dimension"),
        ("2_Dense", {"activation_function": "torch.nn.modules.activation.SiLU"}, "activation_function"),
        ("4_Dense", {"module_input_name": "elsewhere"}, "module_input_name"),
    ],
)
def test_modules_that_are_not_implemented_are_named(
    tmp_path: Path, module: str, change: dict[str, object], named: str
) -> None:
    folder = written(tmp_path)
    path = folder / module / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises((UnsupportedConfig, WeightMismatch), match=named):
        mlx_jinabert.load_reranker(folder)


def test_the_catalogue_knows_the_ettin_rerankers() -> None:
    sizes = ("17m", "32m", "68m", "150m", "400m", "1b")
    rows = [available_models()[f"ettin-reranker-{size}"] for size in sizes]
    assert {(row.task, row.pooling, row.licence, row.context) for row in rows} == {
        ("reranker", "cls", "apache-2.0", 7999)
    }
