"""Arrays -> a trained student -> a model folder: what the teacher says, a bag of words, layers on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from training import export
from training.data.encoded import Pairs
from training.data.kinds import KINDS
from training.model import grow, teacher
from training.model.student import JinaBertStudent, Shape
from training.run import Data, Run, device_here
from training.settings import Settings

__all__ = ["export_folder", "go_on", "train"]


def train(
    work: Path,
    bag: Settings,
    layers: Callable[[], Settings],
    saved: Callable[[Path], None] = lambda path: None,
    every: int = 250,
) -> None:
    """Runs in ``work/bag`` and ``work/layers``, of ``work/pairs.npz`` and ``work/teacher.npz``.

    ``layers`` is asked when its turn comes: what time is left is known then. ``saved`` is called with each
    checkpoint of the layers, one every ``every`` steps.
    """
    pairs = Pairs.load(work / "pairs.npz")
    said = teacher.ask(work / "teacher.npz", Shape(1).width, device_here())
    data = Data(pairs, KINDS, said.queries, said.of_pairs)
    words = JinaBertStudent(Shape(len(said.table), layers=0))
    words.embeddings.word_embeddings.weight.data = torch.from_numpy(said.table)
    words.output_scale.data[-1] = 0.0
    Run(work / "bag", data, words, bag).go(every)
    settings = layers()
    student = JinaBertStudent(
        Shape(len(said.table), layers=settings.layers, feed_forward=settings.feed_forward)
    )
    student.load_state_dict(words.state_dict(), strict=False)
    Run(work / "layers", data, student, settings, saved).go(every)


def go_on(work: Path, begin: Path, words: Settings, layers: Settings, every: int = 250) -> None:
    """Runs in ``work/bag`` and ``work/layers`` that begin with the model folder ``begin``.

    The first teaches the words that the model did not know, with all else as it is; the second everything. No
    teacher is asked: the model has its meaning already.
    """
    pairs = Pairs.load(work / "pairs.npz")
    vocabulary = json.loads((work / "vocabulary.json").read_text(encoding="utf-8"))
    student = grow.grown(begin, vocabulary, np.load(work / "counts.npy"))
    nothing = Data(pairs, KINDS, np.zeros((1, 1), np.float16), np.zeros(len(pairs), np.int64))
    bag = grow.of_words(student, ~grow.known_to(begin, vocabulary))
    Run(work / "bag", nothing, bag, words.changed({"distil": 0.0})).go(every)
    table = bag.embeddings.word_embeddings.weight.detach()
    student.embeddings.word_embeddings.weight.data = table.clone()
    layers = layers.changed(
        {"distil": 0.0, "layers": student.shape.layers, "feed_forward": student.shape.feed_forward}
    )
    Run(work / "layers", nothing, student, layers).go(every)


def export_folder(work: Path, weights: str, out: Path) -> None:
    """The layers' checkpoint as a model folder; ``weights``: ``average`` or ``student`` (the last step's)."""
    state = torch.load(work / "layers" / "checkpoint.pt", weights_only=True, map_location="cpu")[weights]
    settings = Settings.read(work / "layers" / "settings.json")
    vocabulary = len(state["embeddings.word_embeddings.weight"])
    student = JinaBertStudent(Shape(vocabulary, layers=settings.layers, feed_forward=settings.feed_forward))
    student.load_state_dict(state)
    export.write_folder(student, work / "tokenizer.json", out)
