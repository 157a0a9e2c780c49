"""How token vectors become one: stated, taken from the original's row of the catalogue, or assumed aloud."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import mlx_jinabert
from conversion.convert import Request, convert
from mlx_jinabert.catalog import available_models
from mlx_jinabert.checkpoint.folder import ModelFolder, read_folder
from mlx_jinabert.errors import UnsupportedConfig
from tests.support.checkpoints import Checkpoint, write

SMALL = {"heads": 4, "hidden": 64, "intermediate": 96, "max_position": 160}
BERT = Checkpoint("bert", **SMALL)
PROMPT = available_models()["bge-small"].prompts["query"]
TEXTS = ["def add(a, b): return a + b", "where are retries decided"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path_factory.mktemp("cache")))


def stripped(folder: Path, checkpoint: Checkpoint = BERT, *, card: str = "", **config: object) -> Path:
    """A folder as converters for MLX leave it, with README.md and changes to config.json."""
    write(folder, checkpoint)
    shutil.rmtree(folder / "1_Pooling")
    for name in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"):
        (folder / name).unlink()
    stored = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**stored, **config}))
    if card:
        (folder / "README.md").write_text(card)
    return folder


def read(folder: Path) -> ModelFolder:
    return read_folder(folder, model_id=str(folder), origin="folder")


def front(*lines: str) -> str:
    return "\n".join(["---", "license: mit", *lines, "---", "# A model"])


CONVERTED = "was converted to MLX format from [{0}](https://huggingface.co/{0}) using mlx-lm version **0.1**."


def test_a_conversion_gives_the_vectors_of_its_original(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Pooling, prompts and identity are those that the original's files state."""
    pytest.importorskip("onnxruntime")
    whole = write(tmp_path / "whole", BERT.but(pooling="cls"))
    named = {"prompts": {"query": PROMPT}, "default_prompt_name": None}
    (whole / "config_sentence_transformers.json").write_text(json.dumps(named))
    original = mlx_jinabert.load(whole, backend="onnx")
    found = mlx_jinabert.load(stripped(tmp_path / "bge-small-en-v1.5-bf16"), backend="onnx")
    assert found.fingerprint == original.fingerprint
    for method in ("encode_query", "encode_document"):
        np.testing.assert_array_equal(getattr(found, method)(TEXTS), getattr(original, method)(TEXTS))
    mean = mlx_jinabert.load(write(tmp_path / "mean", BERT), backend="onnx")
    assert np.abs(found.encode(TEXTS) - mean.encode(TEXTS)).max() > 1e-2
    assert "taken for a conversion of BAAI/bge-small-en-v1.5" in caplog.text


@pytest.mark.parametrize(
    "suffix", ["", "-4bit", "-8bit", "-bf16", "-MLX", "-mlx-fp16", "-4bit-DWQ", "_int8", "-mxfp4"]
)
def test_names_are_those_of_originals_with_the_precision_behind(tmp_path: Path, suffix: str) -> None:
    entries = [
        entry
        for entry in available_models().values()
        if entry.hub_id and entry.pooling not in ("tokens", "unstated")
    ]
    for entry in entries:
        name = entry.hub_id.rpartition("/")[2] + suffix
        folder = stripped(tmp_path / name, hidden_size=entry.dim)
        assert read(folder).entry is entry, name
        shutil.rmtree(folder)


def test_a_snapshot_of_a_cache_has_the_name_of_its_repository(tmp_path: Path) -> None:
    folder = tmp_path / "models--mlx-community--snowflake-arctic-embed-l-v2.0-4bit" / "snapshots" / ("a" * 40)
    assert read(stripped(folder)).pooling == "cls"


@pytest.mark.parametrize(
    ("name", "card", "alias"),
    [
        ("x", CONVERTED.format("BAAI/bge-base-en-v1.5"), "bge-base"),
        ("x", front("tags:", "- mlx", "base_model: BAAI/bge-base-en-v1.5"), "bge-base"),
        ("x", front("base_model_relation: quantized", "base_model:", "  - BAAI/bge-m3"), "bge-m3"),
        ("x", front("library_name: mlx", 'base_model: "BAAI/bge-m3"').replace("\n", "\r\n"), "bge-m3"),
        # What it was trained from says nothing about how it pools.
        ("x", front("base_model: BAAI/bge-base-en-v1.5"), None),
        ("x", front("base_model_relation: finetune", "base_model: BAAI/bge-m3"), None),
        # A card that names what was converted is the last word.
        ("all-MiniLM-L6-v2-4bit", CONVERTED.format("BAAI/bge-base-en-v1.5"), "bge-base"),
        ("all-MiniLM-L6-v2-4bit", CONVERTED.format("someone/else"), None),
        ("bge-small-en-v1.5-4bit", CONVERTED.format("someone/bge-small-en-v1.5"), None),
        # Others are called nearly so.
        ("bge-small-en-v1.5-finetuned", "", None),
        ("bge-small-en-v1.5.5", "", None),
        ("my-model", "", None),
        ("embedded", "", None),
        ("LateOn-Code", "", None),
        ("DenseOn", "", None),
    ],
)
def test_what_counts_as_a_conversion(tmp_path: Path, name: str, card: str, alias: str | None) -> None:
    entry = read(stripped(tmp_path / name, card=card)).entry
    assert (entry.alias if entry else None) == alias


def test_a_row_of_another_width_is_not_its_own(tmp_path: Path) -> None:
    assert read(stripped(tmp_path / "bge-small-en-v1.5", hidden_size=768)).entry is None
    assert read(stripped(tmp_path / "bge-base-en-v1.5", hidden_size=768)).entry is not None


def test_files_of_its_own_win(tmp_path: Path) -> None:
    folder = write(tmp_path / "bge-small-en-v1.5", BERT)
    found = read(folder)
    assert (found.entry, found.pooling) == (None, "mean")


def test_a_repository_of_a_conversion(tmp_path: Path) -> None:
    folder = stripped(tmp_path / ("a" * 40))
    name = "mlx-community/snowflake-arctic-embed-l-v2.0-4bit"
    found = read_folder(folder, model_id=name, origin="hub")
    assert (found.pooling, found.entry) == ("cls", available_models()["arctic-l-v2"])


@pytest.mark.parametrize(
    "kind", ["bert", "roberta", "modernbert", "nomic_bert", "gte", "eurobert", "codesage"]
)
@pytest.mark.parametrize("listed", [False, True], ids=["no modules.json", "a module that is gone"])
def test_an_encoder_that_states_nothing_is_pooled_by_the_mean_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, listed: bool
) -> None:
    pytest.importorskip("onnxruntime")
    checkpoint = BERT.but(kind=kind, pooling="cls")
    whole = write(tmp_path / "whole", checkpoint)
    folder = stripped(tmp_path / "some-model", checkpoint)
    if listed:
        shutil.copy(whole / "modules.json", folder)
    assumed = mlx_jinabert.load(folder, backend="onnx")
    assert assumed.folder.pooling == "mean"
    assert re.search(
        r"some-model .*mean of all tokens, which may be wrong.*config_overrides=.*--set", caplog.text
    )
    caplog.clear()
    told = mlx_jinabert.load(folder, backend="onnx", config_overrides={"pooling": "cls"})
    assert "pooling the" not in caplog.text
    assert told.fingerprint == mlx_jinabert.load(whole, backend="onnx").fingerprint
    with pytest.raises(UnsupportedConfig, match="'pooling' is 'max'"):
        mlx_jinabert.load(folder, config_overrides={"pooling": "max"})


def test_an_override_counts_whatever_the_files_say(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    folder = write(tmp_path / "mean", BERT)
    cls = mlx_jinabert.load(write(tmp_path / "cls", BERT.but(pooling="cls")), backend="onnx")
    for key in ("pooling", "emb_pooler"):
        told = mlx_jinabert.load(folder, backend="onnx", config_overrides={key: "cls"})
        np.testing.assert_array_equal(told.encode(TEXTS), cls.encode(TEXTS))
        assert told.fingerprint != mlx_jinabert.load(folder, backend="onnx").fingerprint


@pytest.mark.parametrize(
    ("kind", "config", "pooling"),
    [
        ("qwen3", {}, "last"),
        ("qwen2", {}, "last"),
        ("gemma3", {"use_bidirectional_attention": False}, "last"),
        ("gemma3", {}, "mean"),
    ],
)
def test_families_with_one_pooling_say_so_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, config: dict[str, object], pooling: str
) -> None:
    pytest.importorskip("onnxruntime")
    folder = stripped(tmp_path / "model", BERT.but(kind=kind, layers=6, head_dim=16), **config)
    assert mlx_jinabert.load(folder, backend="onnx").folder.pooling == pooling
    spoken = {"last": "pooling the last token", "mean": "pooling the mean of all tokens"}
    assert spoken[pooling] in caplog.text


def test_a_decoder_that_sees_both_ways_is_pooled_as_an_encoder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("onnxruntime")
    folder = stripped(tmp_path / "model", BERT.but(kind="qwen3", head_dim=16))
    for told in ({"is_causal": False}, {"use_bidirectional_attention": True}):
        caplog.clear()
        found = mlx_jinabert.load(folder, backend="onnx", config_overrides=told)
        assert found.folder.pooling == "mean"
        assert "which may be wrong" in caplog.text
    named = stripped(tmp_path / "named", BERT.but(kind="qwen3", head_dim=16), emb_pooler="cls")
    assert read(named).pooling == "cls"


def test_a_reranker_needs_no_pooling(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    folder = stripped(tmp_path / "scores", BERT.but(kind="reranker"))
    assert mlx_jinabert.load_reranker(folder, backend="onnx").predict([("a", "b")]).shape == (1,)


def test_a_conversion_says_what_it_assumes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = stripped(tmp_path / "some-model")
    convert(Request(str(folder), "mlx", tmp_path / "assumed"))
    assert "which may be wrong" in caplog.text
    assert read(tmp_path / "assumed").pooling == "mean"
    convert(Request(str(folder), "mlx", tmp_path / "out", settings={"pooling": "cls"}))
    assert read(tmp_path / "out").pooling == "cls"
    convert(Request(str(stripped(tmp_path / "bge-base-en-v1.5-4bit")), "mlx", tmp_path / "named"))
    named = read(tmp_path / "named")
    assert (named.pooling, named.prompts) == ("cls", {"query": PROMPT})


def test_another_spelling_of_the_mean(tmp_path: Path) -> None:
    assert read(stripped(tmp_path / "model", pooling="avg")).stated_pooling == "mean"
