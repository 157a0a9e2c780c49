"""Cross-encoders as transformers saves them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.support.checkpoints import Checkpoint, config_of, tensors_of, write, write_shards

MODERN = Checkpoint("modernbert", heads=4, hidden=64, layers=4, max_position=160, pooler=False)


def write_modernbert_classifier(folder: Path, *, bias: bool = False, **config: object) -> Path:
    """As transformers saves ``ModernBertForSequenceClassification`` with one label."""
    write(folder, MODERN)
    random = np.random.RandomState(5)
    width = MODERN.hidden
    tensors = {f"model.{name}": value for name, value in tensors_of(MODERN).items()}
    tensors["head.dense.weight"] = (random.standard_normal((width, width)) / 8).astype(np.float32)
    if bias:
        tensors["head.dense.bias"] = random.standard_normal(width).astype(np.float32)
    tensors["head.norm.weight"] = 1 + 0.1 * random.standard_normal(width).astype(np.float32)
    tensors["classifier.weight"] = (random.standard_normal((1, width)) / 8).astype(np.float32)
    tensors["classifier.bias"] = random.standard_normal(1).astype(np.float32)
    write_shards(folder, tensors, "float32")
    record = {**config_of(MODERN), "id2label": {"0": "LABEL_0"}, "classifier_bias": bias, **config}
    (folder / "config.json").write_text(json.dumps(record))
    return folder
