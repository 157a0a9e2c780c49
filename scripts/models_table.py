"""docs/models.md: every model of the catalog, and how far its architecture is from PyTorch on this machine.

``make docs``, which is ``python -m scripts.models_table > docs/models.md``. Figures are computed when it
runs: on random checkpoints in the published layouts (``tests/support/checkpoints.py``) and on the two trained
ones that come as packages. A model that needs a download has a command in the table, not a figure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benches import models
from mlx_jinabert.catalog import CatalogEntry, available_models
from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.text.tokenizer import TokenBatch, Tokenizer
from mlx_jinabert.verify.checked import checked_models
from mlx_jinabert.verify.published import _published, check_logits
from tests.golden import TEXTS
from tests.support.architectures import ARCHITECTURES, architecture_of
from tests.support.checkpoints import Checkpoint
from tests.support.running import Ids, checkpoint_folder, cosine, minilm, open_model, random_ids

LENGTHS = (1, 2, 31, 64, 65, 160)
RUNS = (
    ("mlx", "float32"),
    ("mlx", "float16"),
    ("mlx", "bfloat16"),
    ("mlx", "int8"),
    ("mlx", "int4"),
    ("onnx", "float32"),
    ("onnx", "int8"),
    ("onnx", "int4"),
)


@dataclass(frozen=True)
class Subject:
    """Something to embed with, and what PyTorch says in float64."""

    folder: Callable[[str], Path]
    """dtype -> the checkpoint, in the half type itself, so that its rounding is no part of the figure."""
    ids: Sequence[Ids]
    types: Sequence[Ids] | None
    pooling: str

    def figures(self) -> list[str]:
        """One per run: the largest difference in float32, else the lowest cosine."""
        return [self._figure(backend, dtype) for backend, dtype in RUNS]

    def _figure(self, backend: str, dtype: str) -> str:
        folder = self.folder(dtype)
        batch = TokenBatch.pad(self.ids, max(map(len, self.ids)), 1, self.types)
        model = open_model(folder, backend, dtype)
        got = model.embed(batch)
        model.close()
        want = _reference(folder, self)
        if self.types is not None:
            return f"{np.abs(got - want).max():.0e}"
        got = got / np.linalg.norm(got, axis=1, keepdims=True)
        return f"{np.abs(got - want).max():.0e}" if dtype == "float32" else f"{cosine(got, want).min():.6f}"


def _reference(folder: Path, subject: Subject) -> NDArray[np.float32]:
    from tests.support import reference  # late, as the rows of the catalog need no torch

    if subject.types is None:
        return reference.embed(folder, subject.ids, subject.pooling)
    import torch

    from tests.support.reference import jina_bert

    forward = jina_bert.open_classifier(folder, json.loads((folder / "config.json").read_text()))
    with torch.no_grad():
        rows = [
            forward(torch.from_numpy(ids).long(), torch.from_numpy(types).long())
            for ids, types in zip(subject.ids, subject.types, strict=True)
        ]
    return torch.stack(rows).float().numpy()


def subject_of(checkpoint: Checkpoint) -> Subject:
    ids = random_ids(LENGTHS, checkpoint.vocab)
    types = [(np.arange(len(row)) > len(row) // 2).astype(np.int32) for row in ids]

    def folder(dtype: str) -> Path:
        stored = dtype if dtype in ("float16", "bfloat16") else "float32"
        return checkpoint_folder(checkpoint.but(dtype=stored))

    return Subject(folder, ids, types if checkpoint.kind == "reranker" else None, checkpoint.pooling)


def trained(folder: Path) -> Subject:
    ids = Tokenizer(folder / "tokenizer.json", 256).encode(TEXTS).ids
    return Subject(lambda dtype: folder, ids, None, "mean")


@cache
def figures(name: str) -> tuple[str, ...]:
    """Of an architecture or of one of the two trained models."""
    own = {"embedded": lambda: trained(EMBEDDED), "minilm": lambda: trained(minilm())}
    of_architecture = {a.name: a.checkpoint for a in ARCHITECTURES}
    subject = own[name]() if name in own else subject_of(of_architecture[name])
    return tuple(subject.figures())


def model_row(entry: CatalogEntry, parity: Mapping[str, str]) -> str:
    """One model; ``parity`` by architecture or alias."""
    architecture = architecture_of(entry).name
    hub = f"[{entry.hub_id}](https://huggingface.co/{entry.hub_id})" if entry.hub_id else "in the wheel"
    shorter = ", ".join(map(str, reversed(entry.matryoshka_dims)))
    shorter = f"any from {entry.shortest_prefix}" if entry.any_prefix else shorter
    cells = (
        f"`{entry.alias}`",
        hub,
        architecture,
        f"{entry.parameters / 1e6:,.0f} M",
        entry.licence,
        "yes" if entry.commercial_use else "**no**",
        {"embedding": f"{entry.dim}", "reranker": "a score"}.get(entry.task, f"{entry.dim} a token"),
        shorter,
        f"{entry.context:,}",
        ", ".join(f"`{name}`" for name in entry.prompts),
        parity.get(entry.alias, parity[architecture]),
        _command(entry),
        _unknown(entry),
        _checked(entry),
    )
    return f"| {' | '.join(cells)} |"


def _command(entry: CatalogEntry) -> str:
    if entry.alias == "embedded":
        return "`python -m mlx_jinabert.verify`"
    stated = " after config.json states what is unknown" if entry.unknown else ""
    whole = [v for v in _published() if v.hub_id == entry.hub_id and len(v.values) == entry.dim]
    known = whole or check_logits(entry.hub_id)
    published = "" if known else " (against the source in float32: no whole vector is published)"
    adapter = " --adapter code" if entry.alias == "jina-v4" else ""
    verify = "" if adapter else " --verify"
    return f"`convert-weights {entry.alias}{adapter}{verify}`{stated}{published if verify else ''}"


def _checked(entry: CatalogEntry) -> str:
    """The last check of the real checkpoint that somebody recorded."""
    records = checked_models().get(entry.alias, ())
    last = [f"{record.date}, {record.by}, {record.run}, {record.against}" for record in records[-1:]]
    return "".join(last) or "unverified"


def _unknown(entry: CatalogEntry) -> str:
    stated = [f"`{key}`: {why}" for key, why in entry.unknown.items()]
    return (
        "; ".join([*stated, *([entry.note] if not stated else [])]).replace("|", "\\|").replace("\n", "\\n")
    )


_INTRODUCTION = """\
# Models

Written by `make docs`: do not edit. Other checkpoints of these architectures load too, by Hub id or folder.

Parity of a model is that of its architecture, on a random checkpoint in the published layout (real tensor
names, head counts and grouping; few layers), against PyTorch in float64: the largest difference of a
component of unit vectors in float32 on MLX and ONNX Runtime, then the lowest cosine in float16 and bfloat16
on MLX (of a reranker, the largest differences of logits). `embedded` and `minilm`, which come as packages,
are measured on their own weights.
The command holds the real checkpoint against published vectors, where there are any, on your machine.

"""
_MODEL_COLUMNS = (
    "alias",
    "Hub id",
    "architecture",
    "parameters",
    "licence",
    "commercial use",
    "dims",
    "shorter dims",
    "tokens",
    "prompts",
    "MLX; ONNX; float16; bfloat16",
    "reproduce on the checkpoint",
    "unknown, or to mind",
    "checked",
)
_PINS = """
## What an alias downloads

The commit that the facts were read at, and the sha256 of its model.safetensors: other bytes are refused, and
nothing of them stays. Where the sha256 is unknown, files are held against the hashes that the Hub lists.
Where the commit is unknown too, nobody has recorded one that was checked: the main branch is followed.

"""
_ARCHITECTURES = """
## Architectures

Against PyTorch in float64, this machine's CPU: largest difference in float32, else lowest cosine (of the
classifier, largest difference of logits). int8 and int4 of random weights say that the path works; what they
cost is in the rows of trained weights and below.

"""
_SPEED = """
## Speed and memory

Tokens per second of float32 on ONNX Runtime at the depth of the model that is named, and how many times as
fast each run is; then by how much a process grew per layer, activations and the buffers of the runtime
included. {texts} texts of {length} tokens (MLX: one of 16), random weights in two or three layers and a small
table of tokens; {machine}; with {note}, so that ratios count and
not speeds: Qwen2 and C2LLM have the same layers, and as far as their ratios differ none is to be trusted. On
a CPU int4 is slower than int8 everywhere, for decoders too. MLX is measured on the CPU, for which it is not
made: on a Mac it computes on the GPU. `python -m benches.models`.

"""
_RESULTS = Path(__file__).parents[1] / "benches/results/models.json"
_QUANTISED = """
## Fewer bits, on trained weights

Cosine to float32, and retrieval of the functions of Python's standard library by their documentation
(NDCG@10 among 400, both sides in the precision of the row). `python -m scripts.quantisation_table`.

"""


def pin_row(entry: CatalogEntry) -> str:
    """One model of the Hub: its alias, its commit, the hash of its weights."""
    pins = (entry.revision, entry.weights_sha256)
    return f"| `{entry.alias}` | {' | '.join(f'`{pin}`' if pin else 'unknown' for pin in pins)} |"


def main() -> None:
    rows = {name: figures(name) for name in ("embedded", "minilm", *(a.name for a in ARCHITECTURES))}
    short = {name: f"{f[0]}; {f[5]}; {f[1]}; {f[2]}" for name, f in rows.items()}
    print(_INTRODUCTION, end="")
    _table(_MODEL_COLUMNS, [model_row(entry, short) for entry in available_models().values()])
    print(_PINS, end="")
    pinned = [pin_row(entry) for entry in available_models().values() if entry.hub_id]
    _table(("alias", "commit", "sha256 of model.safetensors"), pinned)
    print(_ARCHITECTURES, end="")
    notes = {a.name: a.note for a in ARCHITECTURES} | {"embedded": "trained", "minilm": "trained"}
    lines = [f"| {name} | {notes[name]} | {' | '.join(found)} |" for name, found in rows.items()]
    _table(("architecture", "", *(f"{backend} {dtype}" for backend, dtype in RUNS)), lines)
    _speed()
    print(_QUANTISED, end="")
    from scripts import quantisation_table

    quantisation_table.table(quantisation_table.PAIRS)


def _speed() -> None:
    """The last record of ``benches.models``."""
    record = json.loads(_RESULTS.read_text(encoding="utf-8").splitlines()[-1])
    about, where = record["settings"], record["machine"]
    machine = f"{where['cpu']}, {where['cores']} cores, {where['os']}, Python {where['python']}"
    print(_SPEED.format(**about, machine=machine), end="")
    _table(models.HEADER, [f"| {' | '.join(cells)} |" for cells in models.table(record["rows"])])


def _table(columns: Sequence[str], rows: Sequence[str]) -> None:
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
