"""LoRA adapters, merged by convert-weights: the sum, the layouts, and what is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import mlx_jinabert
from conversion.record import describe_source
from mlx_jinabert.checkpoint.folder import read_folder
from mlx_jinabert.checkpoint.hub.files import Listing, RemoteFile, wanted
from mlx_jinabert.errors import ModelFolderError
from tests.support.checkpoints import Checkpoint, tensors_of, write, write_safetensors, write_shards
from tests.support.closeness import assert_close
from tests.support.converting import Outcome, encode, record, run
from tests.support.running import minilm

VL = Checkpoint("qwen2_5_vl", heads=4, hidden=64, max_position=64, prefix="model.language_model.")
RANK, ALPHA = 4, 8
TARGETS = ("layers.0.self_attn.q_proj", "layers.1.mlp.down_proj")
"""In a PEFT file under their names in the model at training, which need not be those of the checkpoint."""
VISUAL = "base_model.model.visual.blocks.0.attn.qkv"

Tensors = dict[str, NDArray[np.float32]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("source") / "vl", VL)


def matrices(task: str, infix: str = "") -> Tensors:
    """A and B of every target, other ones for every task."""
    random = np.random.RandomState(sum(map(ord, task)))
    shapes = {name.removeprefix(VL.prefix): tensor.shape for name, tensor in tensors_of(VL).items()}
    found: Tensors = {}
    for target in TARGETS:
        out, wide = shapes[f"{target}.weight"]
        module = f"base_model.model.model.{target}"
        found[f"{module}.lora_A{infix}.weight"] = random.standard_normal((RANK, wide)).astype(np.float32)
        found[f"{module}.lora_B{infix}.weight"] = random.standard_normal((out, RANK)).astype(np.float32)
    return found


def adapter(folder: Path, tensors: Tensors, **config: object) -> Path:
    """A folder as PEFT saves it."""
    folder.mkdir(parents=True, exist_ok=True)
    known = {"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA, "bias": "none", "use_dora": False}
    (folder / "adapter_config.json").write_text(json.dumps(known | config))
    write_safetensors(folder / "adapter_model.safetensors", tensors, "float32")
    return folder


def merged_by_hand(folder: Path, task: str, scale: float = ALPHA / RANK) -> Path:
    """The checkpoint with the sums in it, in double precision."""
    tensors, parts = tensors_of(VL), matrices(task)
    for target in TARGETS:
        a, b = (parts[f"base_model.model.model.{target}.lora_{side}.weight"] for side in "AB")
        name = f"{VL.prefix}{target}.weight"
        total = tensors[name] + scale * (b.astype(np.float64) @ a.astype(np.float64))
        tensors[name] = total.astype(np.float32)
    write(folder, VL)
    write_shards(folder, tensors, "float32")
    return folder


def refused(done: Outcome, *words: object) -> None:
    assert done.code == 2, done
    for word in words:
        assert str(word) in done.err


@pytest.mark.parametrize("backend", ["mlx", "onnx"])
def test_an_adapter_is_added_to_the_weights(
    source: Path, tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (
        "conversion.weights",
        "mlx_jinabert.architectures.shared.onnx.tensors",
    ):  # a few rows at a time
        monkeypatch.setattr(f"{module}._BLOCK_VALUES", 1000)
    folder = adapter(tmp_path / "mine", matrices("mine"))
    done = run(source, "--adapter", folder, "--to", backend, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    want = encode(merged_by_hand(tmp_path / "by-hand", "mine"), backend, "float32")
    assert_close(encode(tmp_path / "out", backend, "float32"), want, atol=2e-6, what="merged")
    assert np.abs(want - encode(source, backend, "float32")).max() > 0.1


def test_one_task_of_several_in_a_file(source: Path, tmp_path: Path) -> None:
    tensors = {
        name: t for task in ("code", "text-matching") for name, t in matrices(task, f".{task}").items()
    }
    model = write(tmp_path / "model", VL)
    adapter(model / "adapters", tensors)
    for task in ("code", "text-matching"):
        assert run(model, "--adapter", task, "--out", tmp_path / task).code == 0
        want = encode(merged_by_hand(tmp_path / f"{task}-by-hand", task), dtype="float32")
        assert_close(encode(tmp_path / task, dtype="float32"), want, atol=2e-6, what=task)
    elsewhere = run(source, "--adapter", model / "adapters/code", "--out", tmp_path / "elsewhere")
    assert elsewhere.code == 0, elsewhere.err
    none = ("--out", tmp_path / "none")
    refused(run(model, "--adapter", "retrieval", *none), "code, text-matching")
    refused(run(model, *none), "code, text-matching")
    refused(run(source, "--adapter", model / "adapters", *none), "several adapters", "text-matching")


def test_the_weights_alone_are_another_model(tmp_path: Path) -> None:
    adapter(write(tmp_path / "model", VL) / "adapters/mine", matrices("mine"))
    with pytest.raises(ModelFolderError, match="--adapter"):
        mlx_jinabert.load(tmp_path / "model")


def test_a_known_model_with_an_adapter_is_another_one() -> None:
    known = read_folder(minilm(), model_id="a folder", origin="folder")
    assert describe_source(known).model == "sentence-transformers/all-MiniLM-L6-v2"
    assert describe_source(known, merged=True).model is None


def test_adapters_are_downloaded_with_the_weights() -> None:
    adapters = ["adapters/adapter_config.json", "adapters/adapter_model.safetensors"]
    model = ["config.json", "tokenizer.json", "model.safetensors"]
    refused = ["adapters/adapter_model.bin", "adapters/run.py", "other/adapter_config.json"]
    files = tuple(RemoteFile(name, 1, None, None) for name in (*model, *adapters, *refused))
    assert {file.name for file in wanted(Listing("jinaai/any", "c", files))} == {*model, *adapters}


def test_rank_stabilised_scale(source: Path, tmp_path: Path) -> None:
    folder = adapter(tmp_path / "mine", matrices("mine"), use_rslora=True)
    assert run(source, "--adapter", folder, "--out", tmp_path / "out").code == 0
    want = encode(merged_by_hand(tmp_path / "by-hand", "mine", ALPHA / RANK**0.5), dtype="float32")
    assert_close(encode(tmp_path / "out", dtype="float32"), want, atol=2e-6, what="rsLoRA")


def test_the_record_and_the_fingerprint_name_the_adapter(source: Path, tmp_path: Path) -> None:
    visual = {f"{VISUAL}.lora_A.weight": np.ones((RANK, 8)), f"{VISUAL}.lora_B.weight": np.ones((24, RANK))}
    tensors = matrices("mine") | {name: t.astype(np.float32) for name, t in visual.items()}
    folder = adapter(tmp_path / "mine", tensors)
    for name, options in {"one": (), "half": ("--dtype", "float16")}.items():
        assert run(source, "--adapter", folder, "--out", tmp_path / name, *options).code == 0
    kept = record(tmp_path / "one")["adapter"]
    assert (kept["name"], kept["dropped"], len(kept["sha256"])) == ("mine", sorted(visual), 64)
    assert kept["tensors"] == [f"{target}.weight" for target in TARGETS]
    other = adapter(tmp_path / "other", matrices("other"))
    assert run(source, "--adapter", other, "--out", tmp_path / "two").code == 0
    prints = [mlx_jinabert.load(tmp_path / name).fingerprint for name in ("one", "half", "two")]
    assert prints[0] == prints[1] != prints[2] != mlx_jinabert.load(source).fingerprint


UNKNOWN = "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector.weight"
FOREIGN = "base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight"
FIRST = f"base_model.model.model.{TARGETS[0]}.lora_"


@pytest.mark.parametrize(
    ("changes", "config", "named"),
    [
        ({UNKNOWN: (64,)}, {}, UNKNOWN),
        ({FOREIGN: (RANK, 64)}, {}, FOREIGN),
        ({f"{FIRST}B.weight": None}, {}, "lora_B"),
        ({f"{FIRST}A.weight": (RANK, 63)}, {}, "(4, 63)"),
        ({}, {"r": 8}, "(8, 64)"),
        ({}, {"use_dora": True}, "use_dora"),
        ({}, {"modules_to_save": ["embed_tokens"]}, "modules_to_save"),
        ({}, {"rank_pattern": {"q_proj": 8}}, "rank_pattern"),
        ({}, {"fan_in_fan_out": True}, "fan_in_fan_out"),
        ({}, {"lora_alpha": None}, "lora_alpha"),
    ],
)
def test_what_is_more_than_a_product_is_refused_by_name(
    source: Path, tmp_path: Path, changes: dict[str, tuple[int, ...] | None], config: dict, named: str
) -> None:
    tensors = matrices("mine")
    for name, shape in changes.items():
        tensors.pop(name, None)
        if shape is not None:
            tensors[name] = np.ones(shape, np.float32)
    done = run(source, "--adapter", adapter(tmp_path / "mine", tensors, **config), "--out", tmp_path / "out")
    refused(done, named)
    assert not (tmp_path / "out").exists()


def test_an_adapter_needs_the_original_weights_and_has_nothing_published(
    source: Path, tmp_path: Path
) -> None:
    folder = adapter(tmp_path / "mine", matrices("mine"))
    assert run(source, "--quantize", "int8", "--out", tmp_path / "packed").code == 0
    again = run(tmp_path / "packed", "--adapter", folder, "--out", tmp_path / "out")
    refused(again, "quantised already")
    verified = run(source, "--adapter", folder, "--verify", "--out", tmp_path / "out")
    refused(verified, "--verify")
    refused(run(source, "--adapter", "code", "--out", tmp_path / "out"), "of its own: none")
