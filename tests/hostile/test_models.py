"""Model folders that others wrote: refused by our own errors, or loaded; never a hang, a crash or a leak."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlx_jinabert
from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.errors import JinabertError, ModelFolderError, UnsupportedConfig
from mlx_jinabert.text.vocabulary import largest_id
from tests.support.checkpoints import Checkpoint, write
from tests.support.folders import copy_of
from tests.support.paths import ROOT
from tests.support.waiting import PATIENCE

BACKENDS = ["onnx", "mlx"]
LINUX = sys.platform == "linux"


def load(folder: Path, backend: str, **options: Any) -> mlx_jinabert.Embedder:
    pytest.importorskip({"mlx": "mlx.core", "onnx": "onnxruntime"}[backend])
    return mlx_jinabert.load(folder, backend=backend, dtype="float32", **options)


def tokenizer_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "tokenizer.json").read_text())


def _vocabulary(described: dict[str, Any], value: int) -> None:
    vocabulary = described["model"]["vocab"]
    vocabulary[next(reversed(vocabulary))] = value


def _added(described: dict[str, Any], value: int) -> None:
    described["added_tokens"] += [{**described["added_tokens"][0], "id": value, "content": "<more>"}]


def _template(described: dict[str, Any], value: int) -> None:
    described["post_processor"] = {"type": "BertProcessing", "sep": ["</s>", value], "cls": ["<s>", 0]}


def _padding(described: dict[str, Any], value: int) -> None:
    described["padding"] = {
        "strategy": "BatchLongest",
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": value,
        "pad_type_id": 0,
        "pad_token": "<pad>",
    }


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("value", [512, 2**31 - 1, 2**31, 2**32 - 1])
@pytest.mark.parametrize("edit", [_vocabulary, _added, _template, _padding])
def test_ids_beyond_the_table_are_refused_at_load(
    tmp_path: Path, edit: Callable[[dict[str, Any], int], None], value: int, backend: str
) -> None:
    folder = write(tmp_path / "model", Checkpoint(vocab=512))
    described = tokenizer_of(folder)
    assert largest_id(described) < 512
    edit(described, value)
    (folder / "tokenizer.json").write_text(json.dumps(described))
    with pytest.raises(ModelFolderError, match=str(value)):
        load(folder, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("wrong", [512, 2**31 - 1, -1])
def test_ids_beyond_the_table_are_refused_in_a_batch(tmp_path: Path, backend: str, wrong: int) -> None:
    model = load(write(tmp_path / "model", Checkpoint(vocab=512)), backend)
    with pytest.raises(ValueError, match="token id"):
        model.pool([np.array([1, wrong, 2], np.int32)])


NUMBERS = [0, -1, 10**9, 2**31, 2**63, 10**30, 1e300, 0.5, None, "8", [], {}, True]
KINDS = ["code", "en", "bert", "qwen2", "qwen3", "codesage", "gemma2", "nomic_bert", "gte", "modernbert"]

_PROBE = """
import json, os, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (300, 300))
import mlx_jinabert
from mlx_jinabert.errors import JinabertError
from pathlib import Path
folder, backend, cases = Path(sys.argv[1]), sys.argv[2], json.load(sys.stdin)
original = json.loads((folder / "config.json").read_text())
for key, value in cases:
    (folder / "config.json").write_text(json.dumps({**original, key: value}))
    print(json.dumps([key, value]), end=" ", flush=True)
    try:
        mlx_jinabert.load(folder, backend=backend, dtype="float32").encode(["x = 1"])
        print("loaded", flush=True)
    except JinabertError as error:
        print("refused", flush=True)
os._exit(0)  # many models of MLX at once do not always go quietly
"""


@pytest.mark.skipif(not LINUX, reason="limits of memory and time are those of Linux")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_number_of_a_config_makes_it_allocate_or_count_without_end(
    tmp_path: Path, kind: str, backend: str
) -> None:
    """Every number of every architecture, replaced by what is not one or is far too large."""
    folder = write(tmp_path / "model", Checkpoint(kind=kind, heads=4, head_dim=16))
    config = json.loads((folder / "config.json").read_text())
    numbers = [key for key, value in config.items() if isinstance(value, int | float) and value is not True]
    cases = [[key, value] for key in numbers for value in NUMBERS]
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, str(folder), backend],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, f"{done.stdout[-300:]}\n{done.stderr[-2000:]}"
    assert len(done.stdout.splitlines()) == len(cases)


@pytest.mark.parametrize("layers", [10**9, 10**6, 1e300])
def test_more_layers_than_tensors_are_refused_by_name(tmp_path: Path, layers: float) -> None:
    config = json.loads((EMBEDDED / "config.json").read_text()) | {"num_hidden_layers": layers}
    with pytest.raises(UnsupportedConfig, match="num_hidden_layers"):
        mlx_jinabert.load(copy_of("embedded", tmp_path, config=config))


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _deep(path: Path) -> None:
    path.write_text("[" * 1_000_000)


def _deep_object(path: Path) -> None:
    path.write_text('{"a":' * 200_000)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 33)


def _not_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe{}")


def _digits(path: Path) -> None:
    path.write_text('{"a": ' + "9" * 10_000 + "}")


JSON_FILES = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "modules.json",
    "1_Pooling/config.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
    "mlx_jinabert.json",
    "model.safetensors",
    "model.safetensors.index.json",
]


@pytest.mark.skipif(os.name == "nt", reason="pipes and devices of POSIX")
@pytest.mark.parametrize("name", JSON_FILES)
@pytest.mark.parametrize(
    "harm", [_fifo, _folder, _zeros, _deep, _deep_object, _huge, _not_text, _digits], ids=lambda f: f.__name__
)
def test_nothing_in_a_files_place_stops_loading(
    tmp_path: Path, name: str, harm: Callable[[Path], None]
) -> None:
    folder = copy_of("embedded", tmp_path / "model")
    if name == "model.safetensors.index.json":
        (folder / "model.safetensors").unlink()
    (folder / name).unlink(missing_ok=True)
    harm(folder / name)
    code = "import mlx_jinabert, sys\ntry: mlx_jinabert.load(sys.argv[1])\n"
    code += "except mlx_jinabert.errors.JinabertError as e: print('refused', e)\n"
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-1000:]


@pytest.fixture
def tokenizer_folder(tmp_path: Path) -> Path:
    return write(tmp_path / "model", Checkpoint(vocab=512))


@pytest.mark.parametrize(
    "pattern",
    [r"(a+)+$", r"(?:a|a)*$", r"(x+x+)+y", "(", r"(?R)", r"\p{Nonsense}", "a{1000000000}", "(?<=a+)b"],
)
def test_a_catastrophic_pattern_is_a_fault_of_the_folder(tokenizer_folder: Path, pattern: str) -> None:
    described = tokenizer_of(tokenizer_folder)
    described["pre_tokenizer"] = {
        "type": "Split",
        "pattern": {"Regex": pattern},
        "behavior": "Isolated",
        "invert": False,
    }
    (tokenizer_folder / "tokenizer.json").write_text(json.dumps(described))
    with contextlib.suppress(ModelFolderError):  # some are no fault
        load(tokenizer_folder, "onnx").encode(["a" * 300 + "!", "x" * 3000])


def _graph(body: str) -> Any:
    """A graph of a model's inputs whose one output is not what a model gives."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["b", "l"])
    mask = helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["b", "l"])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    if body == "wide":
        shape = helper.make_node("Constant", [], ["shape"], value_ints=[3, 7])
        nodes = [shape, helper.make_node("ConstantOfShape", ["shape"], ["out"])]
        outputs = [out]
    elif body == "two":
        nodes = [
            helper.make_node("Cast", [name], [to], to=1)
            for name, to in (("input_ids", "out"), ("attention_mask", "o2"))
        ]
        outputs = [out, helper.make_tensor_value_info("o2", TensorProto.FLOAT, None)]
    else:
        nodes, outputs = _endless(helper, TensorProto), [out]
    graph = helper.make_graph(nodes, "g", [ids, mask], outputs)
    return onnx, helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _endless(helper: Any, types: Any) -> list[Any]:
    """while True: x = x + 1."""
    counter = helper.make_tensor_value_info("i", types.INT64, [])
    condition = helper.make_tensor_value_info("c", types.BOOL, [])
    carried = helper.make_tensor_value_info("x", types.FLOAT, None)
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["c"], ["c2"]),
            helper.make_node("Add", ["x", "x"], ["x2"]),
        ],
        "body",
        [counter, condition, carried],
        [
            helper.make_tensor_value_info("c2", types.BOOL, []),
            helper.make_tensor_value_info("x2", types.FLOAT, None),
        ],
    )
    return [
        helper.make_node("Cast", ["input_ids"], ["start"], to=1),
        helper.make_node("Constant", [], ["most"], value_int=2**62),
        helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("t", types.BOOL, [], [True])),
        helper.make_node("Loop", ["most", "yes", "start"], ["out"], body=body),
    ]


@pytest.mark.parametrize(
    ("body", "problem"), [("wide", "gave"), ("two", "its graph has"), ("endless", "failed")]
)
def test_a_graph_of_ones_own_is_bounded(
    tmp_path: Path, body: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr("mlx_jinabert.backends.onnx_session._SECONDS", 0.5)
    folder = copy_of("embedded", tmp_path, mlx_jinabert={"dtype": "float32"})
    onnx, model = _graph(body)
    onnx.save(model, folder / "model.onnx")
    with pytest.raises(ModelFolderError, match=problem):
        load(folder, "onnx").encode(["x"])


@pytest.mark.parametrize(
    "name", ["a" * 300, "x/" + "a" * 300, "~/" + "a" * 300, "a\0b", "x/a\0b", "\ud800", ""]
)
def test_no_name_of_a_model_is_a_bug(name: str) -> None:
    with pytest.raises(ModelFolderError, match=r"no such folder|unknown model|neither a known"):
        mlx_jinabert.load(name)


def test_every_refusal_is_of_one_base() -> None:
    assert issubclass(UnsupportedConfig, JinabertError)
    assert issubclass(ModelFolderError, JinabertError)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config_sentence_transformers.json", {"prompts": {}, "default_prompt_name": []}),
        ("1_Pooling/config.json", {"pooling_mode": [{}]}),
        ("model.safetensors.index.json", {"weight_map": {"a": [], "b": "x"}}),
    ],
)
def test_a_list_where_a_name_belongs_is_refused(tmp_path: Path, name: str, content: object) -> None:
    folder = copy_of("embedded", tmp_path / "model")
    (folder / name).write_text(json.dumps(content))
    if name.startswith("model."):
        (folder / "model.safetensors").unlink()
    with pytest.raises(JinabertError):
        mlx_jinabert.load(folder)
