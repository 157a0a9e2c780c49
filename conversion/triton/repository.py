"""Lay out a model repository: an ensemble NAME of NAME-tokenizer (Python) and NAME-graph (ONNX Runtime).

Tokens are made in the server, by an ensemble with Triton's Python backend, and not by the clients: a client
in any language sends texts, no client can have another tokenizer, limit or padding than the weights, and
lengths are rounded up to the same buckets for all clients, without which Triton could not join their
requests. The price is ``tokenizers`` in the server's Python.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conversion.errors import ConversionError
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.text.tokenizer import Tokenizer

__all__ = ["GRAPH_BACKENDS", "Layout", "check_source", "graph_folder", "repository_name", "write_repository"]

GRAPH_BACKENDS = ("onnxruntime", "python")
BUCKETS = (16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 8192)
"""Lengths that texts are padded to, up to the model's own limit."""
MAX_BATCH, PREFERRED, DELAY_US = 256, (16, 64, 256), 100
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Layout:
    """Settings of one model in every configuration file."""

    name: str
    dim: int
    max_length: int
    backend: str
    """Of the graph: ``GRAPH_BACKENDS``."""
    about: Mapping[str, str]
    """Parameters of the ensemble, which clients read: model, revision, dtype, max_length."""


def check_source(source: ModelFolder) -> None:
    """Refuse a model whose vectors need more than a tokenizer and a graph. Raises ConversionError."""
    more = {
        "dense layers behind its pooling": bool(source.dense),
        "a vector for each token": source.pooling == "tokens",
        "a closing token that tokenizer.json does not append": source.end_token is not None,
    }
    found = [what for what, there in more.items() if there]
    if found:
        raise ConversionError(
            f"--to triton: {source.model_id} has {found[0]}; serve it with mlx-jinabert serve instead"
        )


def repository_name(model_id: str) -> str:
    """A name for Triton from the last part of a model's: letters, digits, ``_``, ``.`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", model_id.rstrip("/\\").replace("\\", "/").rpartition("/")[2])


def write_repository(folder: Path, source: ModelFolder, layout: Layout) -> None:
    """Write everything but the graph, which is in ``graph_folder`` already."""
    name = layout.name
    tokenizer = folder / f"{name}-tokenizer" / "1"
    tokenizer.mkdir(parents=True)
    shutil.copyfile(source.tokenizer, tokenizer / "tokenizer.json")
    shutil.copyfile(_HERE / "tokenizer_model.py", tokenizer / "model.py")
    (folder / name / "1").mkdir(parents=True)
    if layout.backend == "python":
        shutil.copyfile(_HERE / "graph_model.py", graph_folder(folder, name) / "model.py")
    for model, text in _configurations(source, layout).items():
        (folder / model / "config.pbtxt").write_text(text, encoding="utf-8")
    # Empty folders do not survive git and object storage, and an ensemble has nothing else in its version.
    (folder / name / "1" / "README").write_text("An ensemble: see ../config.pbtxt\n", encoding="utf-8")


def graph_folder(folder: Path, name: str) -> Path:
    """Return the place of the graph."""
    return folder / f"{name}-graph" / "1"


def _configurations(source: ModelFolder, layout: Layout) -> dict[str, str]:
    name, dim = layout.name, layout.dim
    pad = Tokenizer(source.tokenizer, layout.max_length).pad_id
    buckets = [*(length for length in BUCKETS if length < layout.max_length), layout.max_length]
    text = _tensor("TEXT", "STRING", 1)
    ids, mask = (_tensor(key, "INT64", -1) for key in ("input_ids", "attention_mask"))
    vector, tokens = _tensor("VECTOR", "FP32", dim), _tensor("TOKENS", "INT32", 1)
    batching = (
        f"dynamic_batching {{\n  preferred_batch_size: [ {', '.join(map(str, PREFERRED))} ]\n"
        f"  max_queue_delay_microseconds: {DELAY_US}\n}}\n"
    )
    graph = f'backend: "{layout.backend}"\n' + batching
    graph += "instance_group [ { count: 1 kind: KIND_AUTO } ]\n"  # a GPU where there is one
    outputs = {"VECTOR": "VECTOR"} if layout.backend == "python" else {"sentence_embedding": "VECTOR"}
    made = vector if layout.backend == "python" else _tensor("sentence_embedding", "FP32", dim)
    steps = _steps(name, outputs)
    tokenizer = 'backend: "python"\ninstance_group [ { count: 2 kind: KIND_CPU } ]\n'
    settings = {"buckets": ",".join(map(str, buckets)), "pad_id": str(pad)}
    if source.config.get("count_repeated_tokens"):
        settings["count_repeated_tokens"] = "true"
    return {
        name: _head(name, [text], [vector, tokens]) + 'platform: "ensemble"\n' + steps + _said(layout.about),
        f"{name}-tokenizer": _head(f"{name}-tokenizer", [text], [ids, mask, tokens])
        + tokenizer
        + _said(settings),
        f"{name}-graph": _head(f"{name}-graph", [ids, mask], [made]) + graph,
    }


def _head(name: str, inputs: Sequence[str], outputs: Sequence[str]) -> str:
    return (
        f"name: {_quoted(name)}\nmax_batch_size: {MAX_BATCH}\n"
        f"input [\n{_joined(inputs)}\n]\noutput [\n{_joined(outputs)}\n]\n"
    )


def _steps(name: str, outputs: Mapping[str, str]) -> str:
    tokens = {key: key for key in ("input_ids", "attention_mask", "TOKENS")}
    inputs = {key: key for key in ("input_ids", "attention_mask")}
    steps = [_step(f"{name}-tokenizer", {"TEXT": "TEXT"}, tokens), _step(f"{name}-graph", inputs, outputs)]
    return f"ensemble_scheduling {{\n  step [\n{_joined(steps)}\n  ]\n}}\n"


def _step(model: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> str:
    maps = [
        f'      {kind}_map {{ key: "{key}" value: "{value}" }}'
        for kind, pairs in (("input", inputs), ("output", outputs))
        for key, value in pairs.items()
    ]
    lines = "\n".join(maps)
    return f"    {{\n      model_name: {_quoted(model)}\n      model_version: -1\n{lines}\n    }}"


def _tensor(name: str, kind: str, length: int) -> str:
    return f'  {{ name: "{name}" data_type: TYPE_{kind} dims: [ {length} ] }}'


def _said(parameters: Mapping[str, str]) -> str:
    return "".join(
        f"parameters {{ key: {_quoted(key)} value: {{ string_value: {_quoted(value)} }} }}\n"
        for key, value in parameters.items()
    )


def _joined(blocks: Sequence[str]) -> str:
    return ",\n".join(blocks)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
