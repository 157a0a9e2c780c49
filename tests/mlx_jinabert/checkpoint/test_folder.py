"""Model folders: what is read from them, what is refused and how it is said; and their fingerprints."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

import mlx_jinabert
from mlx_jinabert.checkpoint.fingerprint import Content, content, remember_conversion, shipped_record
from mlx_jinabert.checkpoint.folder import EMBEDDED, ModelFolder, StoredQuantization, read_folder, resolve
from mlx_jinabert.errors import ModelFolderError, UnsupportedConfig
from mlx_jinabert.local.spec import read_spec
from tests.support.folders import copy_of
from tests.support.running import minilm


def _read(path: Path) -> ModelFolder:
    return read_folder(path, model_id=str(path), origin="folder")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path_factory.mktemp("cache")))


def test_the_shipped_folder() -> None:
    folder = resolve("embedded")
    assert (folder.path, folder.model_id, folder.origin) == (EMBEDDED, "embedded", "embedded")
    assert (folder.pooling, folder.normalize, folder.max_length) == ("mean", True, 512)
    assert (list(folder.prompts), folder.default_prompt_name, folder.quantization) == (["query"], None, None)


def test_the_limit_is_that_of_sentence_bert_config_then_config_then_tokenizer(tmp_path: Path) -> None:
    assert resolve(minilm()).max_length == 256
    folder = copy_of("minilm", tmp_path, without=("sentence_bert_config.json",))
    assert _read(folder).max_length == 512
    config = json.loads((folder / "config.json").read_text())
    del config["max_position_embeddings"]
    copy_of("minilm", tmp_path, config=config, tokenizer_config={"model_max_length": 77})
    (folder / "sentence_bert_config.json").unlink()
    assert _read(folder).max_length == 77
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 1e30}')
    with pytest.raises(ModelFolderError, match="no length limit"):
        _read(folder)


@pytest.mark.parametrize(
    ("record", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_lasttoken": True}, "last"),
        ({"pooling_mode": "lasttoken"}, "last"),
        ({"pooling_mode_mean_tokens": True, "include_prompt": True}, "mean"),
    ],
)
def test_pooling_modes(tmp_path: Path, record: dict[str, object], pooling: str) -> None:
    folder = copy_of("embedded", tmp_path)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(record))
    assert _read(folder).pooling == pooling


@pytest.mark.parametrize(
    ("record", "named"),
    [
        ({"pooling_mode_max_tokens": True}, "pooling_mode_max_tokens"),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, "pooling_mode_cls_token"),
        ({"pooling_mode": "weightedmean"}, "weightedmean"),
        ({"pooling_mode_mean_tokens": True, "include_prompt": False}, "include_prompt"),
        ({}, "exactly one of"),
    ],
)
def test_pooling_that_is_not_implemented_is_named(
    tmp_path: Path, record: dict[str, object], named: str
) -> None:
    folder = copy_of("embedded", tmp_path)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(record))
    with pytest.raises(UnsupportedConfig, match=named):
        _read(folder)


def test_without_sentence_files_config_names_the_pooling(tmp_path: Path) -> None:
    config = json.loads((EMBEDDED / "config.json").read_text()) | {"emb_pooler": "cls"}
    without = ("modules.json", "1_Pooling/config.json", "config_sentence_transformers.json")
    folder = _read(copy_of("embedded", tmp_path, without=without, config=config))
    assert (folder.pooling, folder.normalize, folder.prompts) == ("cls", False, {})


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"modules": [{"type": "a.Transformer"}, {"type": "a.Pooling"}, {"type": "a.WordWeights"}]},
            "WordWeights",
        ),
        ({"sentence_bert_config": {"max_seq_length": 9, "do_lower_case": True}}, "do_lower_case"),
        ({"config_sentence_transformers": {"default_prompt_name": "query"}}, "default_prompt_name"),
    ],
)
def test_what_would_change_vectors_is_refused(tmp_path: Path, files: dict[str, object], message: str) -> None:
    with pytest.raises(UnsupportedConfig, match=message):
        _read(copy_of("embedded", tmp_path, **files))


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("config.json", "no config.json"),
        ("tokenizer.json", "no tokenizer.json, which is the only tokenizer source"),
        ("model.safetensors", "no model.safetensors and no model.safetensors.index.json"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, missing: str, message: str) -> None:
    with pytest.raises(ModelFolderError, match=message):
        resolve(copy_of("embedded", tmp_path, without=(missing,)))


def test_pickles_are_never_read(tmp_path: Path) -> None:
    folder = copy_of("embedded", tmp_path, without=("model.safetensors",))
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(ModelFolderError, match=r"only pickled weights \(pytorch_model\.bin\).*safe"):
        resolve(folder)


def test_shards_are_taken_from_the_index(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "model-2.safetensors", "b": "model-1.safetensors"}}
    folder = copy_of(
        "embedded", tmp_path, without=("model.safetensors",), **{"model.safetensors.index": index}
    )
    (folder / "model-1.safetensors").touch()
    with pytest.raises(ModelFolderError, match=r"shards are missing: model-2\.safetensors"):
        _read(folder)
    (folder / "model-2.safetensors").touch()
    assert [path.name for path in _read(folder).weights] == ["model-1.safetensors", "model-2.safetensors"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("jina-cod", r"unknown model; did you mean jina-code( or [\w.-]+)*\? `codesearch models` lists"),
        (
            "no-such-thing",
            "no-such-thing: unknown model; `codesearch models` lists the known names; a Hub",
        ),
        ("./nowhere", "no such folder"),
        (Path("nowhere"), "no such folder"),
        ("", "unknown model"),
    ],
)
def test_unknown_names_are_helped_on(name: str, message: str) -> None:
    with pytest.raises(ModelFolderError, match=message):
        resolve(name)


def test_a_revision_is_for_the_hub(tmp_path: Path) -> None:
    for name in ("embedded", str(copy_of("embedded", tmp_path))):
        with pytest.raises(ModelFolderError, match="only Hub models have revisions"):
            resolve(name, revision="main")


def test_json_that_is_none_is_named(tmp_path: Path) -> None:
    folder = copy_of("embedded", tmp_path)
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelFolderError, match=r"config\.json: not readable as JSON"):
        resolve(folder)


def test_stored_quantisation_is_read(tmp_path: Path) -> None:
    config = json.loads((EMBEDDED / "config.json").read_text())
    config["quantization"] = {"group_size": 64, "bits": 4}
    assert _read(copy_of("embedded", tmp_path, config=config)).quantization == StoredQuantization(4, 64)


def test_the_shipped_record_is_right() -> None:
    record = json.loads((EMBEDDED / "fingerprint.json").read_text())
    for name, key in (("model.safetensors", "weights"), ("tokenizer.json", "tokenizer")):
        assert record[key] == hashlib.sha256((EMBEDDED / name).read_bytes()).hexdigest()
    found = content(resolve("embedded"))
    assert found == Content(record["weights"], record["tokenizer"])
    assert not list(Path(os.environ["MLX_JINABERT_CACHE"]).iterdir()), "the record was not believed"


def test_the_shipped_record_is_what_its_function_makes() -> None:
    assert json.loads((EMBEDDED / "fingerprint.json").read_text()) == shipped_record()


def test_hashes_are_kept_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy_of("embedded", tmp_path)
    monkeypatch.setattr("mlx_jinabert.checkpoint.hashes._TICK_NS", 0)
    before = content(_read(folder))
    monkeypatch.setattr(hashlib, "file_digest", None)  # hashing again would fail
    assert content(_read(folder)) == before
    monkeypatch.undo()
    path = folder / "tokenizer.json"
    stat, text = path.stat(), path.read_bytes()
    path.write_bytes(text[:-1] + b" ")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert content(_read(folder)).tokenizer == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_converted_folder_keeps_the_fingerprint_of_its_source(tmp_path: Path) -> None:
    folder = copy_of("embedded", tmp_path)
    (folder / "model.safetensors").write_bytes((EMBEDDED / "model.safetensors").read_bytes() + b"\0")
    assert content(_read(folder)) != content(resolve("embedded"))
    remember_conversion(_read(folder), content(resolve("embedded")))
    assert content(_read(folder)) == content(resolve("embedded"))


def test_the_fingerprint_depends_on_what_changes_vectors(tmp_path: Path) -> None:
    base = read_spec("embedded").fingerprint
    prompts = {"prompts": {"query": "find: "}}
    other = [
        read_spec("embedded", truncate_dim=64),
        read_spec("embedded", max_length=100),
        read_spec("embedded", dtype="int4"),
        read_spec(copy_of("embedded", tmp_path, config_sentence_transformers=prompts)),
    ]
    assert len({base, *(source.fingerprint for source in other)}) == 5
    assert read_spec("embedded", dtype="float16").fingerprint == base
    assert read_spec("embedded", config_overrides={"layer_norm_eps": 1e-12}).fingerprint == base


@pytest.mark.parametrize(("backend", "dtype"), [("onnx", "float32"), ("onnx", "int8"), ("mlx", "float32")])
def test_backend_and_float_type_leave_the_fingerprint(backend: str, dtype: str) -> None:
    pytest.importorskip({"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    model = mlx_jinabert.load("embedded", backend=backend, dtype=dtype)
    assert model.fingerprint == read_spec("embedded").fingerprint
