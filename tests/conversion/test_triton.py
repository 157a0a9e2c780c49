"""Model repositories for Triton: the layout, and the real server over one of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import codesearch
import mlx_jinabert
from conversion.triton import repository
from mlx_jinabert.errors import RemoteError
from tests.support.checkpoints import Checkpoint
from tests.support.converting import record, run
from tests.support.running import checkpoint_folder
from tests.support.trees import write_tree
from tests.support.triton import running_triton

TEXTS = ["def parse(line)", "where are retries decided", "世界 🚀", "", "x", "a = 1\n" * 40, "word " * 900]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model as a repository, its graph in the Python backend."""
    out = tmp_path_factory.mktemp("triton") / "models"
    done = run(Path("embedded"), "--to", "triton", "--triton-graph", "python", "--out", out)
    assert done.code == 0, done.err
    return out


def test_the_repository_has_three_models(models: Path) -> None:
    names = ("embedded", "embedded-tokenizer", "embedded-graph")
    assert sorted(path.name for path in models.iterdir() if path.is_dir()) == sorted(names)
    for name in names:
        assert f'name: "{name}"' in (models / name / "config.pbtxt").read_text(encoding="utf-8")
        assert (models / name / "1").is_dir()
    graph = (models / "embedded-graph" / "config.pbtxt").read_text(encoding="utf-8")
    assert "preferred_batch_size: [ 16, 64, 256 ]" in graph
    assert "max_queue_delay_microseconds: 100" in graph
    assert record(models)["target"] == "triton"


def test_the_graph_runs_in_onnx_runtimes_backend_by_default(tmp_path: Path) -> None:
    done = run(Path("embedded"), "--to", "triton", "--quantize", "int8", "--out", tmp_path / "models")
    assert done.code == 0, done.err
    graph = tmp_path / "models" / "embedded-graph"
    text = (graph / "config.pbtxt").read_text(encoding="utf-8")
    assert 'backend: "onnxruntime"' in text
    assert 'name: "sentence_embedding"' in text
    assert sorted(path.name for path in (graph / "1").iterdir()) == ["model.onnx"]
    assert 'value: "VECTOR"' in (tmp_path / "models" / "embedded" / "config.pbtxt").read_text(
        encoding="utf-8"
    )


def tokenizer_model(models: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> object:
    """The tokenizer of the repository as Triton would load it, but for Triton's own module."""
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", ModuleType("triton_python_backend_utils"))
    path = models / "embedded-tokenizer" / "1" / "model.py"
    spec = util.spec_from_file_location("triton_tokenizer_model", path)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.TritonPythonModel()
    buckets = ",".join(map(str, [*(length for length in repository.BUCKETS if length < 512), 512]))
    settings = {"buckets": buckets, "pad_id": "1", **settings}
    config = {"parameters": {name: {"string_value": value} for name, value in settings.items()}}
    model.initialize({"model_config": json.dumps(config)})
    return model


def test_its_tokens_are_those_of_the_package(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlx_jinabert.text.tokenizer import Tokenizer

    model = tokenizer_model(models, monkeypatch)
    expected = Tokenizer(models / "embedded-tokenizer" / "1" / "tokenizer.json", 512).encode(TEXTS)
    for text, ids, length in zip(TEXTS, expected.ids, expected.lengths, strict=True):
        [row], [mask], [[count]] = model.tokens([text])  # type: ignore[attr-defined]
        assert row[mask == 1].tolist() == ids.tolist()
        assert (count, len(row) in (*repository.BUCKETS, 512)) == (length, True)


def test_it_counts_for_a_model_that_reads_repeated_tokens_once(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlx_jinabert.text.counting import counted
    from mlx_jinabert.text.tokenizer import Tokenizer

    said = (models / "embedded-tokenizer" / "config.pbtxt").read_text(encoding="utf-8")
    assert 'key: "count_repeated_tokens" value: { string_value: "true" }' in said
    model = tokenizer_model(models, monkeypatch, count_repeated_tokens="true")
    whole = Tokenizer(models / "embedded-tokenizer" / "1" / "tokenizer.json", 512).encode(TEXTS).ids
    for text, ids, counts in zip(TEXTS, *counted(whole), strict=True):
        [row], [mask], _ = model.tokens([text])  # type: ignore[attr-defined]
        assert row[mask > 0].tolist() == ids.tolist()
        assert mask[mask > 0].tolist() == counts.tolist()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--verify",), "--to onnx --verify"),
        (("--dtype", "float16"), "ONNX Runtime computes float32"),
    ],
)
def test_what_cannot_be_is_refused(options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = run(Path("embedded"), "--to", "triton", "--out", tmp_path / "models", *options)
    assert (done.code, said in done.err, (tmp_path / "models").exists()) == (2, True, False)


def test_a_model_that_needs_an_end_token_is_refused(tmp_path: Path) -> None:
    source = checkpoint_folder(Checkpoint("qwen3", head=True, head_dim=16, pooling="last"))
    done = run(source, "--to", "triton", "--set", "append_token=true", "--out", tmp_path / "models")
    assert done.code == 2
    assert "mlx-jinabert serve" in done.err


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_triton(models, tmp_path_factory.mktemp("server")) as host:
        yield host


@pytest.mark.slow
def test_the_real_triton_gives_the_vectors_of_the_package(server: str) -> None:
    remote = mlx_jinabert.load(f"triton+http://{server}/embedded")
    local = mlx_jinabert.load("embedded", backend="onnx", dtype="float32")
    assert (remote.dim, remote.max_length, remote.dtype) == (local.dim, local.max_length, "float32")
    np.testing.assert_allclose(remote.encode(TEXTS), local.encode(TEXTS), atol=2e-6)
    many = [f"def function_{number}(): return {number}" for number in range(700)]  # more than one request
    np.testing.assert_allclose(remote.encode(many), local.encode(many), atol=2e-6)


@pytest.mark.slow
def test_many_clients_of_the_real_triton_get_their_own_vectors(server: str) -> None:
    remote = mlx_jinabert.load(f"triton+http://{server}/embedded")
    texts = [f"{'name ' * (number % 40)}{number}" for number in range(64)]
    expected = remote.encode(texts)
    with ThreadPoolExecutor(16) as pool:
        alone = np.stack(list(pool.map(remote.encode, texts)))
    np.testing.assert_allclose(alone, expected, atol=2e-6)


@pytest.mark.slow
def test_what_the_real_triton_refuses_is_told(server: str) -> None:
    with pytest.raises(RemoteError, match="unknown model"):
        mlx_jinabert.load(f"triton+http://{server}/nothing")
    remote = mlx_jinabert.load(f"triton+http://{server}/embedded")
    with pytest.raises(RemoteError, match=r"text 1 .*tokens, the model takes 512"):
        remote.encode(["short", "word " * 900, "short"], truncation="error")
    with pytest.raises(RemoteError, match="expected one of texts and one of vectors"):
        mlx_jinabert.load(f"triton+http://{server}/embedded-graph")


@pytest.mark.slow
def test_a_search_by_the_real_triton(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESEARCH_HOME", str(tmp_path / "home"))
    tree = write_tree(tmp_path / "tree", files=1)
    with codesearch.open_index(tree, model=f"triton+http://{server}/embedded", here=True) as index:
        added = index.refresh().chunks_added
        assert len(index.search("split a line", mode="semantic")) == added > 0
