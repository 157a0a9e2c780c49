"""Speed and memory of each architecture, per token and layer, on both backends and in ONNX Runtime's types.

    python -m benches.models [--texts 8] [--length 128] [--only NAME ...] [--out benches/results/models.json]

Random weights at the widths of the model that is named, in few layers and with a small vocabulary: what a
layer costs does not depend on its numbers, and a run takes minutes. Each contestant runs in a process of its
own, whose graph was built before; memory is what that process grew by from before it loaded to after its last
batch. MLX on a CPU gets one text of 16 tokens, as it is slow there.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benches import program, records
from mlx_jinabert.text.tokenizer import TokenBatch
from tests.support.checkpoints import Checkpoint, write
from tests.support.running import open_model

RUNS = (("mlx", "float32"), ("onnx", "float32"), ("onnx", "int8"), ("onnx", "int4"))
_SMALL = {"vocab": 2048, "max_position": 512}
_BASE = {"hidden": 768, "heads": 12, "intermediate": 3072}


@dataclass(frozen=True)
class Subject:
    """One architecture at the widths of ``model``, and how many layers that has."""

    name: str
    model: str
    depth: int
    checkpoint: Checkpoint


def _subject(name: str, model: str, depth: int, kind: str, **shape: object) -> Subject:
    return Subject(name, model, depth, Checkpoint().but(kind=kind, **{**_SMALL, **_BASE, **shape}))


SUBJECTS = (
    _subject("JinaBERT code", "jina-code", 12, "code"),
    _subject("JinaBERT en", "jina-small-en", 4, "en", hidden=512, heads=8, intermediate=2048),
    _subject("BERT", "bge-base", 12, "bert", pooling="cls"),
    _subject("NomicBERT", "coderank", 12, "nomic_bert", pooling="cls"),
    _subject('GTE "new"', "gte-base", 12, "gte", pooling="cls"),
    _subject("ModernBERT", "gte-modernbert", 22, "modernbert", intermediate=1152, layers=3),
    _subject("XLM-RoBERTa", "e5-multi-base", 12, "roberta"),
    _subject("CodeSage", "codesage-small", 6, "codesage", hidden=1024, heads=8, intermediate=4096),
    _subject("Gemma-3", "embeddinggemma", 24, "gemma3", heads=3, kv_heads=1, head_dim=256, intermediate=1152),
    _subject("Qwen2", "jina-code-0.5b", 24, "qwen2", hidden=896, heads=14, intermediate=4864, pooling="last"),
    _subject("C2LLM", "c2llm-0.5b", 24, "c2llm", hidden=896, heads=14, intermediate=4864, pooling="pma"),
    _subject(
        "Qwen3",
        "qwen3-0.6b",
        28,
        "qwen3",
        hidden=1024,
        heads=16,
        kv_heads=8,
        head_dim=128,
        pooling="last",
    ),
)
"""Those whose layers fit into the memory of a small machine."""


def _timed(folder: Path, backend: str, dtype: str, shape: tuple[int, int], repeats: int) -> dict[str, float]:
    batch = _batch(*shape)
    before = _resident()
    model = open_model(folder, backend, dtype)
    timing = records.timed(lambda: model.embed(batch), repeats=repeats)
    return {"seconds": timing.median, "mib": (_resident() - before) / (1 << 20)}


def _resident() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)


def _batch(texts: int, length: int) -> TokenBatch:
    ids = np.random.RandomState(0).randint(5, _SMALL["vocab"], (texts, length)).astype(np.int32)
    return TokenBatch.pad(list(ids), length, 1, None)


def _measured(subject: Subject, folder: Path, args: argparse.Namespace) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    layers = subject.checkpoint.layers
    for backend, dtype in RUNS:
        texts, length = (1, 16) if backend == "mlx" else (args.texts, args.length)
        for repeats in (1, args.repeats)[backend == "mlx" :]:  # the first one builds the graph
            found = program.fresh(_timed, folder, backend, dtype, (texts, length), max(1, repeats))
        row: dict[str, object] = {"name": subject.name, "model": subject.model, "depth": subject.depth}
        cost = found["seconds"] / (texts * length * layers) * 1e6
        row |= {"run": f"{backend} {dtype}", "us_per_token_and_layer": cost}
        row["mib_a_layer"] = found["mib"] / layers
        print(f"{subject.name:14} {row['run']!s:14} {cost:9.2f} us {found['mib']:6.0f} MiB", flush=True)
        rows.append(row)
    return rows


def table(rows: Sequence[dict[str, object]]) -> list[tuple[str, ...]]:
    """Cells by architecture: name, model, tokens/s at its depth, times that in each run, MiB a layer."""
    lines = []
    for name in dict.fromkeys(str(row["name"]) for row in rows):
        found = {str(row["run"]): row for row in rows if row["name"] == name}
        first = next(iter(found.values()))
        depth = int(str(first["depth"]))
        runs = [f"{backend} {dtype}" for backend, dtype in RUNS]
        speeds = [1e6 / (float(str(found[run]["us_per_token_and_layer"])) * depth) for run in runs]
        memory = [f"{float(str(found[run]['mib_a_layer'])):.0f}" for run in runs]
        ratios = [f"{speed / speeds[1]:.2f}" for speed in speeds]
        shown = f"{speeds[1]:,.0f}"
        lines.append((name, f"`{first['model']}`, {depth} layers", shown, *ratios, *memory))
    return lines


HEADER = (
    "architecture",
    "widths of",
    "tokens/s, ONNX float32",
    *(f"{backend} {dtype}" for backend, dtype in RUNS),
    *(f"MiB a layer, {backend} {dtype}" for backend, dtype in RUNS),
)


def main() -> None:
    parser = program.parser(__doc__)
    parser.add_argument("--texts", type=int, default=8)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of architectures")
    parser.add_argument("--note", default="", help="what else the machine was doing")
    args = parser.parse_args()
    rows: list[dict[str, object]] = []
    for subject in SUBJECTS:
        if not args.only or subject.name in args.only:
            with tempfile.TemporaryDirectory() as scratch:
                rows += _measured(subject, write(Path(scratch) / "model", subject.checkpoint), args)
    print(f"\n{args.texts} texts of {args.length} tokens, on {records.machine_line()}\n")
    print(records.table(HEADER, table(rows)))
    settings = {"texts": args.texts, "length": args.length, "note": args.note}
    records.write(args.out, "models", settings, rows)


if __name__ == "__main__":
    main()
