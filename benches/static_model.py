"""Distil a BERT into one vector a token, the kind of model that semble embeds with.

    python -m benches.static_model FOLDER OUT

FOLDER is a sentence-transformers BERT, such as all-MiniLM-L6-v2. A token's vector is the mean of the last
hidden states of ``[CLS] token [SEP]``, the first 256 principal components of it, times log(1 + rank): what
model2vec does (MinishLab, 0.6, ``distill`` with Zipf weighting). For rivals where no model hub is; the models
that they are published with are better.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

DIM, _BATCH = 256, 1024


def main(folder: Path, out: Path) -> None:
    from transformers import AutoTokenizer, BertModel

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
    first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
    rows = []
    with torch.inference_mode():
        for start in range(0, len(tokenizer), _BATCH):
            tokens = torch.arange(start, min(start + _BATCH, len(tokenizer)))
            ids = torch.stack([torch.full_like(tokens, first), tokens, torch.full_like(tokens, last)], 1)
            rows.append(model(ids).last_hidden_state.mean(1).numpy())
    vectors = np.concatenate(rows)
    vectors -= vectors.mean(0)
    components = np.linalg.svd(vectors.T @ vectors)[0][:, :DIM]
    vectors = (vectors @ components) * np.log(1 + np.arange(1, len(vectors) + 1))[:, None]
    out.mkdir(parents=True, exist_ok=True)
    save_file({"embeddings": vectors.astype(np.float32)}, out / "model.safetensors")
    shutil.copy(folder / "tokenizer.json", out / "tokenizer.json")
    about = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "hidden_dim": DIM,
        "normalize": True,
    }
    (out / "config.json").write_text(json.dumps(about, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
