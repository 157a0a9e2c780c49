"""The table of README: largest difference and lowest cosine from the PyTorch references, as Markdown.

``python -m scripts.parity_table [--full]``. Random rows are checkpoints in the original layout (lengths
1, 2, 127, 128, 129 and 512 in one padded batch); ``--full`` takes 12 layers of 768 and the real
vocabularies. Vectors have unit length.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.checkpoint.folder import EMBEDDED
from mlx_jinabert.errors import JinabertError
from mlx_jinabert.text.tokenizer import Tokenizer
from tests.golden import TEXTS
from tests.support import reference
from tests.support.checkpoints import Checkpoint
from tests.support.running import (
    LENGTHS,
    Ids,
    checkpoint_folder,
    cosine,
    embed,
    minilm,
    open_model,
    random_ids,
)

RUNS = (("mlx", "float32"), ("mlx", "float16"), ("mlx", "bfloat16"), ("onnx", "float32"), ("onnx", "int8"))


@dataclass(frozen=True)
class Subject:
    """A row's model. Quantised rows are for trained weights: on random ones they say nothing."""

    name: str
    weights: str
    folder: Path
    ids: Sequence[Ids]

    @property
    def is_trained(self) -> bool:
        return self.weights == "trained"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    full = parser.parse_args().full
    print("| model | weights | backend | dtype | max. difference | min. cosine |")
    print("|---|---|---|---|---|---|")
    for subject in _subjects(full):
        want = reference.embed(subject.folder, subject.ids)
        for backend, dtype in RUNS:
            if (subject.is_trained or dtype != "int8") and not (
                full and backend == "mlx" and dtype != "float32"
            ):
                print(_row(subject, backend, dtype, want), flush=True)


def _subjects(full: bool) -> Iterator[Subject]:
    large = {"layers": 12, "hidden": 768, "heads": 12, "intermediate": 3072, "dtype": "float16"}
    kinds = {"code": ("JinaBERT code", 61056), "en": ("JinaBERT en", 30528), "bert": ("BERT", 30522)}
    for kind, (name, vocab) in kinds.items():
        for heads in (12,) if full else (8, 12):
            small = Checkpoint(kind, heads=heads, hidden=8 * heads)
            checkpoint = small.but(**large, vocab=vocab, max_position=512 if kind == "bert" else 8192)
            checkpoint = checkpoint if full else small
            layout = f"random, {checkpoint.layers} x {checkpoint.hidden}, {heads} heads"
            yield Subject(name, layout, checkpoint_folder(checkpoint), random_ids(LENGTHS, checkpoint.vocab))
    if full:
        return
    for name, folder in (("shipped model", EMBEDDED), ("all-MiniLM-L6-v2", minilm())):
        yield Subject(name, "trained", folder, Tokenizer(folder / "tokenizer.json", 256).encode(TEXTS).ids)


def _row(subject: Subject, backend: str, dtype: str, want: NDArray[np.float32]) -> str:
    start = f"| {subject.name} | {subject.weights} | {backend} | {dtype} |"
    try:
        got = embed(open_model(subject.folder, backend, dtype), subject.ids)
    except JinabertError as error:
        return f"{start} {type(error).__name__} | |"
    return f"{start} {np.abs(got - want).max():.1e} | {cosine(got, want).min():.7f} |"


if __name__ == "__main__":
    main()
