"""Hold a model against its original in PyTorch, where torch and transformers are installed.

They are no part of this package and nothing else in it imports them. What is compared is everything behind
the token ids: transformers reads the same folder by itself, in float32, one text at a time and with its own
attention; pooling and dense layers are written down once more here. Code that a checkpoint brings is never
run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.checkpoint.dense import Layer, NormModule
from mlx_jinabert.local.embedder import LocalEmbedder
from mlx_jinabert.local.headed import HeadedReranker
from mlx_jinabert.local.judge import JudgingReranker
from mlx_jinabert.local.model import LocalModel
from mlx_jinabert.local.reranker import Reranker
from mlx_jinabert.text.judging import JudgingTokenizer
from mlx_jinabert.text.tokenizer import Ids
from mlx_jinabert.verify.checks import LIMITS, Check

__all__ = ["NotComparable", "against_original"]

Array = NDArray[np.float32]

_TEXTS = (
    "def add(a, b):\n    return a + b\n",
    "How are retries decided when the connection drops?",
    "naïve café, 你好，世界 🚀",
    "for (int i = 0; i < n; ++i) { sum += a[i]; } " * 8,
)
_QUERY = "where are numbers added"
_NATIVE = (
    "bert",
    "xlm-roberta",
    "modernbert",
    "eurobert",
    "qwen2",
    "qwen3",
    "llama",
    "gemma2",
    "gemma3_text",
)
"""Types whose checkpoints transformers computes as they were trained, unless config.json says otherwise."""
_POOLERS = ("pooler.", "bert.pooler.", "roberta.pooler.")
"""Layers that no vector comes from and that checkpoints may leave out."""


class NotComparable(Exception):
    """The reason why a model cannot be held against its original."""


def against_original(model: LocalModel) -> Check:
    """Compare an embedding model's vectors, or a reranker's logits. Raises NotComparable."""
    _refuse(model)
    try:
        import torch
        import transformers
    except ImportError as error:
        raise NotComparable("PyTorch and transformers are not installed") from error
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    by = f"transformers {transformers.__version__} in PyTorch {torch.__version__.partition('+')[0]}"
    limit = LIMITS[model.dtype]
    if isinstance(model, LocalEmbedder):
        want, got = _vectors(model), model.encode(_TEXTS, prompt="")
        cosine, difference = float((want * got).sum(1).min()), float(np.abs(want - got).max())
        return Check("original", cosine >= limit.cosine, difference, cosine, by)
    assert isinstance(model, Reranker)
    pairs = [(_QUERY, text) for text in _TEXTS]
    want, got = _logits(model, pairs), model.predict(pairs, activation="identity")
    difference = float(np.abs(want - got).max())
    return Check("original", difference <= limit.difference * 10, difference, np.nan, by)


def _refuse(model: LocalModel) -> None:
    folder, kind = model.folder, model.folder.config.get("model_type")
    if not isinstance(model, LocalEmbedder | Reranker):
        raise NotComparable("vectors of tokens are not compared")
    if not folder.weights:
        raise NotComparable("the folder holds an ONNX graph alone")
    if folder.quantization is not None:
        raise NotComparable("its weights are packed, which transformers does not read")
    foreign = kind not in _NATIVE or folder.config.get("position_embedding_type") == "alibi"
    if foreign or folder.config.get("is_causal") is False:
        raise NotComparable(f"only code of its own computes it ({kind})")
    if kind != "gemma3_text" and folder.config.get("use_bidirectional_attention") is True:
        raise NotComparable(f"only code of its own computes it ({kind} that sees both ways)")


def _open(model: LocalModel, task: str) -> Any:
    """Load the folder as one of transformers' classes. Raises NotComparable."""
    import torch
    import transformers

    try:
        original, report = getattr(transformers, task).from_pretrained(
            model.folder.path,
            dtype=torch.float32,
            attn_implementation="eager",
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise NotComparable(
            f"transformers cannot load it: {str(error).partition(chr(10))[0]:.200}"
        ) from error
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(_POOLERS))
    if missing:
        raise NotComparable(f"transformers finds no {missing[0]} in it, so it is of another type")
    return original.eval()


def _vectors(model: LocalEmbedder) -> Array:
    """Unit vectors of the texts, (n, dim) float32."""
    import torch

    rows = _pooled(model, model.tokenizer.encode(_TEXTS).ids)
    vectors: Array = torch.nn.functional.normalize(rows[:, : model.dim]).numpy()
    return vectors


def _pooled(model: LocalModel, texts: Sequence[Ids]) -> Any:
    """What the transformer, the pooling and the layers behind it make of each text, (n, width)."""
    import torch

    original = _open(model, "AutoModel")
    rows = []
    with torch.no_grad():
        for ids in texts:
            hidden = original(torch.from_numpy(ids).long()[None]).last_hidden_state[0]
            row = {"mean": hidden.mean(0), "cls": hidden[0], "last": hidden[-1]}[model.folder.pooling]
            for module in model.folder.dense:
                row = _behind(module, row)
            rows.append(row)
    return torch.stack(rows)


def _behind(module: Layer, x: Any) -> Any:
    import torch

    tensors = {name: torch.from_numpy(value) for name, value in module.read().items()}
    if isinstance(module, NormModule):
        return torch.nn.functional.layer_norm(x, x.shape[-1:], tensors["norm.weight"], tensors["norm.bias"])
    y = torch.nn.functional.linear(x, tensors["linear.weight"], tensors.get("linear.bias"))
    y = {"tanh": torch.tanh, "gelu": torch.nn.functional.gelu, "identity": torch.clone}[module.activation](y)
    if not module.residual:
        return y
    return y + (tensors["residual.weight"] @ x if "residual.weight" in tensors else x)


def _logits(model: Reranker, pairs: Sequence[tuple[str, str]]) -> Array:
    """Logits of the pairs, (n,) float32; of a model that answers yes or no, that of yes less that of no."""
    import torch

    tokens = model.tokenizer.encode_pairs(pairs)
    if isinstance(model, HeadedReranker):
        scores: Array = _pooled(model, tokens.ids)[:, 0].numpy()
        return scores
    judges = isinstance(model, JudgingReranker)
    original = _open(model, "AutoModelForCausalLM" if judges else "AutoModelForSequenceClassification")
    with torch.no_grad():
        rows = [
            original(**_inputs(ids, types, model.folder.config)).logits[0]
            for ids, types in zip(tokens.ids, tokens.types, strict=True)
        ]
    if judges:
        assert isinstance(model.tokenizer, JudgingTokenizer)
        rows = [row[-1, [model.tokenizer.yes]] - row[-1, [model.tokenizer.no]] for row in rows]
    logits: Array = torch.stack(rows)[:, 0].numpy()
    return logits


def _inputs(ids: Ids, types: Ids, config: Any) -> dict[str, Any]:
    import torch

    inputs = {"input_ids": torch.from_numpy(ids).long()[None]}
    if config.get("type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = torch.from_numpy(types).long()[None]
    return inputs
