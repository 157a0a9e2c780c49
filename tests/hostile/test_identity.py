"""No model poses as another: identity is the content of the files, whatever they say about themselves."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import mlx_jinabert
from codesearch.models.embedder import Model
from codesearch.vectors.cache import VectorCache
from mlx_jinabert.checkpoint.cache_location import cache_dir
from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.checkpoint.hub.files import Listing, RemoteFile, wanted
from tests.support.folders import copy_of

TEXTS = ["def read(path): return open(path).read()", "sort a list", "x"]
posix = pytest.mark.skipif(os.name == "nt", reason="modes and owners are those of POSIX")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path_factory.mktemp("cache")))


def _sample(path: Path) -> str:
    """What a folder of before said about a file: anybody can compute it."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for index in range(16):
            file.seek(max(0, size - 4096) * index // 15)
            digest.update(file.read(4096))
    return digest.hexdigest()[:32]


def impostor(folder: Path) -> Path:
    """Return a folder of other weights that claims the shipped model's hashes and 8 bits."""
    copy_of("embedded", folder)
    tensors = load_file(folder / "model.safetensors")
    table = next(name for name in tensors if name.endswith("word_embeddings.weight"))
    tensors[table] = tensors[table][::-1].copy()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    record = json.loads((EMBEDDED / "fingerprint.json").read_text())
    record["samples"] = {name: _sample(folder / name) for name in record["samples"]}
    (folder / "fingerprint.json").write_text(json.dumps(record))
    claim = {"dtype": "int8", "quantization": {"bits": 8, "group_size": 0}}
    (folder / "mlx_jinabert.json").write_text(json.dumps(claim))
    return folder


def test_an_impostor_has_an_identity_of_its_own(tmp_path: Path) -> None:
    assert mlx_jinabert.load(impostor(tmp_path)).fingerprint != mlx_jinabert.load("embedded").fingerprint


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_an_impostor_does_not_build_the_shipped_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    pytest.importorskip("onnxruntime")
    wanted = mlx_jinabert.load("embedded", backend="onnx", dtype=dtype).encode(TEXTS)
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path / "poisoned"))
    mlx_jinabert.load(impostor(tmp_path / "evil"), backend="onnx", dtype=dtype).encode(TEXTS)
    found = mlx_jinabert.load("embedded", backend="onnx", dtype=dtype).encode(TEXTS)
    np.testing.assert_array_equal(found, wanted)


def test_an_impostor_fills_no_other_models_vectors(tmp_path: Path) -> None:
    shipped, evil = Model("embedded"), Model(str(impostor(tmp_path)))
    assert shipped.cache_identity != evil.cache_identity


@pytest.mark.parametrize(
    "change",
    [
        {"layer_norm_eps": 0.5},
        {"num_attention_heads": 8},
        {"num_hidden_layers": 1},
        {"count_repeated_tokens": False},
    ],
    ids=str,
)
def test_the_same_weights_computed_otherwise_are_another_model(
    tmp_path: Path, change: dict[str, object]
) -> None:
    config = json.loads((EMBEDDED / "config.json").read_text()) | change
    folder = copy_of("embedded", tmp_path, config=config)
    assert Model(str(folder)).fingerprint != Model("embedded").fingerprint


def test_the_same_weights_pooled_otherwise_are_another_model(tmp_path: Path) -> None:
    config = json.loads((EMBEDDED / "config.json").read_text()) | {"count_repeated_tokens": False}
    mean = copy_of("embedded", tmp_path / "mean", config=config)
    first = copy_of("embedded", tmp_path / "first", config=config | {"emb_pooler": "cls"})
    (first / "1_Pooling/config.json").unlink()
    assert Model(str(first)).fingerprint != Model(str(mean)).fingerprint


def test_a_graph_beside_genuine_weights_counts(tmp_path: Path) -> None:
    folder = copy_of("embedded", tmp_path, mlx_jinabert={"dtype": "int8"})
    (folder / "model.onnx").write_bytes(b"another graph")
    assert Model(str(folder)).fingerprint != Model("embedded").fingerprint


def test_whatever_a_graph_may_read_counts(tmp_path: Path) -> None:
    (tmp_path / "numbers").mkdir()
    folder = copy_of("embedded", tmp_path, mlx_jinabert={"dtype": "float32"})
    (folder / "model.onnx").write_bytes(b"a graph")
    before = Model(str(folder)).fingerprint
    (folder / "numbers/layer.bin").write_bytes(b"1")
    assert Model(str(folder)).fingerprint != before


def test_a_true_copy_is_the_same_model(tmp_path: Path) -> None:
    folder = copy_of("embedded", tmp_path, without=("fingerprint.json",))
    assert Model(str(folder)).fingerprint == Model("embedded").fingerprint


@posix
def test_an_edit_behind_the_clocks_back_is_seen(tmp_path: Path) -> None:
    """Size and time of the last change are set back: the inode's own time cannot be."""
    folder = copy_of("embedded", tmp_path)
    weights = folder / "model.safetensors"
    old = weights.stat().st_mtime_ns - 60_000_000_000
    os.utime(weights, ns=(old, old))
    before = Model(str(folder)).fingerprint
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(old, old))
    assert Model(str(folder)).fingerprint != before


def test_no_hashes_are_downloaded() -> None:
    names = ("config.json", "tokenizer.json", "model.safetensors", "fingerprint.json")
    listing = Listing("a/b", "0" * 40, tuple(RemoteFile(name, 1, None, None) for name in names))
    assert {file.name for file in wanted(listing)} == set(names) - {"fingerprint.json"}


def _entry() -> Path:
    (found,) = (cache_dir() / "graphs").iterdir()
    return found


@pytest.mark.parametrize("harm", ["graph", "weights", "record", "other key"])
def test_a_cached_graph_that_does_not_verify_is_made_anew(
    harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("onnxruntime")
    before = mlx_jinabert.load("embedded", backend="onnx").encode(TEXTS)
    entry = _entry()
    if harm == "graph":
        with (entry / "model.onnx").open("ab") as file:
            file.write(b"\0")
    elif harm == "weights":
        with (entry / "model.onnx.data").open("rb+") as file:
            file.seek(1 << 20)
            file.write(b"damaged")
    elif harm == "record":
        (entry / "sha256.json").write_text("[" * 100_000)
    else:
        record = json.loads((entry / "sha256.json").read_text()) | {"key": "0" * 32}
        (entry / "sha256.json").write_text(json.dumps(record))
    with caplog.at_level(logging.WARNING):
        after = mlx_jinabert.load("embedded", backend="onnx").encode(TEXTS)
    np.testing.assert_array_equal(after, before)
    assert "built anew" in caplog.text


@posix
def test_the_caches_are_the_users_alone(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (cache_dir() / "graphs").mkdir(mode=0o755)
    mlx_jinabert.load(copy_of("embedded", tmp_path / "copy"), backend="onnx").encode(TEXTS)
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    (home / "vectors.sqlite").touch(mode=0o644)
    with VectorCache(home / "vectors.sqlite") as cache:
        cache.put("model", [b"text"], np.ones((1, 4), np.float32))
        places = [cache_dir() / "graphs", _entry(), *home.iterdir()]
        assert {stat.S_IMODE(place.stat().st_mode) & 0o077 for place in places} == {0}


def test_a_vector_that_does_not_verify_is_forgotten_with_a_word(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "vectors.sqlite"
    with VectorCache(path) as cache:
        cache.put("model", [b"a", b"b"], np.ones((2, 4), np.float32))
    with sqlite3.connect(path) as db:
        (a,), (b,) = db.execute("SELECT vector FROM vectors").fetchall()
        db.execute("UPDATE vectors SET vector = ? WHERE vector = ?", (b, a))
    db.close()
    with VectorCache(path) as cache:
        found = cache.get("model", [b"a", b"b"], 4)
        assert sum(vector is None for vector in found) == 1
        assert "computed anew" in str(cache.problem)


def test_an_object_shares_vectors_with_no_model_of_its_name() -> None:
    class Claims:
        dim, max_length, model_id = 4, 10, "embedded"
        fingerprint = Model("embedded").fingerprint

        def encode_query(self, texts: list[str]) -> np.ndarray:
            return np.ones((len(texts), 4), np.float32)

        encode_document = encode_query

    assert Model(Claims()).cache_identity != Model("embedded").cache_identity
