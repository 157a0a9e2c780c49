"""Late-interaction models as PyLate saves them."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer

from tests.support.checkpoints import Checkpoint, write
from tests.support.dense import IDENTITY, add_dense


def write_late_interaction(folder: Path, checkpoint: Checkpoint, **settings: object) -> Path:
    """A checkpoint in PyLate's layout: marks in the tokenizer, Dense without bias, no pooling."""
    write(folder, checkpoint)
    modules = json.loads((folder / "modules.json").read_text())[:1]
    (folder / "modules.json").write_text(json.dumps(modules))
    add_dense(folder, checkpoint.hidden, 16, activation=IDENTITY, bias=False, seed=3)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.add_tokens([AddedToken("[Q] ", normalized=False), AddedToken("[D] ", normalized=False)])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config_sentence_transformers.json").write_text(json.dumps({"prompts": {}, **settings}))
    return folder
