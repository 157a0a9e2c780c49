"""What a model costs a token, counted in MLX's own graph, and the rate that a Mac's GPU cannot exceed.

    python -m benches.costs [--lengths 128 512] [--out FILE]

The graph is exported and never computed, so this runs anywhere. Operations are those of products of matrices,
two for each multiplication and addition: with weights, and of attention. Bytes are the least that a GPU moves
in half precision: each weight once a batch, what goes into and comes out of each product with weights,
queries, keys, values and the result of a fused attention. Where MLX has no fused kernel for the head width,
scores are written and read twice as well: by the products, and by the softmax between them.

The limits are those of an M3 Max and an M3 Ultra as published: 14 and 28 TFLOP/s, 400 and 800 GB/s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any, cast

from benches import program, records
from mlx_jinabert.architectures import ArchitectureConfig, implementation
from mlx_jinabert.architectures.bert.config import BertConfig
from mlx_jinabert.architectures.jina_bert.config import JinaBertConfig
from mlx_jinabert.architectures.qwen2.config import Qwen2Config
from mlx_jinabert.local.spec import read_spec
from mlx_jinabert.verify.report import FUSED_HEAD_WIDTHS

MACS: Mapping[str, tuple[float, float]] = {"M3 Max": (14e12, 400e9), "M3 Ultra": (28e12, 800e9)}
"""Operations and bytes a second."""
_BATCH_TOKENS = 16_384
_QWEN2 = (
    *(f"self_attn.{side}_proj.{part}" for side in "qkv" for part in ("weight", "bias")),
    *(f"mlp.{name}_proj.weight" for name in ("gate", "up", "down")),
    "self_attn.o_proj.weight",
    "input_layernorm.weight",
    "post_attention_layernorm.weight",
)
_HALF = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one text in a batch."""

    tokens: int
    dense: float
    """Operations of products with weights."""
    attention: float
    """Operations of products of scores."""
    weights: float
    """Numbers of the weights that are multiplied: of those of the batch, this text's share."""
    moved: float
    """Numbers that go into and come out of products, without weights."""

    @property
    def bytes(self) -> float:
        """The least bytes that are moved."""
        return _HALF * (self.weights + self.moved)

    def limit(self, operations: float, bandwidth: float) -> float:
        """Tokens a second that no machine of these rates exceeds."""
        seconds = max((self.dense + self.attention) / operations, self.bytes / bandwidth)
        return self.tokens / seconds


def models() -> dict[str, ArchitectureConfig]:
    """The shipped model and the shapes of others."""
    jina = cast(JinaBertConfig, read_spec("embedded").architecture)
    base = {"hidden_size": 768, "num_layers": 12, "num_heads": 12, "intermediate_size": 3072}
    bert = {
        "model_type": "bert",
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
        "vocab_size": 30522,
        "max_position_embeddings": 512,
    }
    qwen = {
        "model_type": "qwen2",
        "hidden_size": 896,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "intermediate_size": 4864,
        "vocab_size": 151936,
        "max_position_embeddings": 32768,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1e6,
    }
    return {
        "shipped": jina,
        "all-MiniLM-L6-v2": BertConfig.read(bert, ()),
        "JinaBERT-base": replace(jina, **base),  # type: ignore[arg-type]
        "jina-code-embeddings-0.5b": Qwen2Config.read(qwen, [f"layers.0.{name}" for name in _QWEN2]),
    }


def cost(config: ArchitectureConfig, length: int, batch_tokens: int = _BATCH_TOKENS) -> Cost:
    """Count the graph of one text, as one of so many as fill a batch."""
    import mlx.core as mx

    model = implementation(type(config), "mlx").build(config)
    primitives: list[dict[str, Any]] = []

    def note(part: dict[str, Any]) -> None:
        if part["type"] == "primitive":
            primitives.append(part)

    ids = mx.zeros((1, length), mx.int32)
    mx.export_function(note, lambda ids: model(ids, None), ids)
    found = _counted(primitives, length)
    return replace(found, weights=found.weights * length / batch_tokens)


def _counted(primitives: list[dict[str, Any]], tokens: int) -> Cost:
    """Add up the products: with weights, a plain matrix on the right, and of attention, one for each head."""
    dense = attention = weights = moved = 0.0
    for part in primitives:
        if part["name"] not in ("Matmul", "AddMM"):
            continue
        (_, left, _), (_, right, _) = part["inputs"][:2]
        out = part["outputs"][0][1]
        operations = 2.0 * prod(out) * left[-1]
        if len(right) == 2:
            dense, weights = dense + operations, weights + prod(right)
            moved += prod(left) + prod(out)
        else:
            attention += operations
            moved += _attended(left, right, out)
    return Cost(tokens, dense, attention, weights, moved)


def _attended(left: tuple[int, ...], right: tuple[int, ...], out: tuple[int, ...]) -> float:
    """Count the numbers that one of the two products of attention moves; a fused one moves no scores."""
    gives_scores = out[-2:] == (left[-2], left[-2])
    width, scores = (left[-1], out) if gives_scores else (out[-1], left)
    moved = prod(left) + prod(right) if gives_scores else prod(right) + prod(out)
    return moved if width in FUSED_HEAD_WIDTHS else moved + 2 * prod(scores)


def main() -> None:
    """Count and report."""
    parser = program.parser(__doc__)
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 512])
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    cells = []
    for name, config in models().items():
        for length in options.lengths:
            found = cost(config, length)
            limits = {mac: found.limit(*rates) for mac, rates in MACS.items()}
            rows.append(
                {
                    "model": name,
                    "length": length,
                    "dense": found.dense / found.tokens,
                    "attention": found.attention / found.tokens,
                    "bytes": found.bytes / found.tokens,
                    **limits,
                }
            )
            cells.append(
                [
                    name,
                    length,
                    f"{found.dense / found.tokens / 1e6:.1f} + {found.attention / found.tokens / 1e6:.1f}",
                    f"{found.bytes / found.tokens / 1e3:,.0f}",
                    f"{(found.dense + found.attention) / found.bytes:,.0f}",
                    *(f"{limit:,.0f} ({limit / length:,.0f})" for limit in limits.values()),
                ]
            )
    header = ["", "tokens a text", "MFLOP a token: weights, attention", "KB a token", "FLOP a byte"]
    header += [f"{mac}: tokens/s (texts/s) at most" for mac in MACS]
    print(f"batches of {_BATCH_TOKENS:,} tokens, half precision\n")
    print(records.table(header, cells))
    records.write(options.out, "costs", {"batch_tokens": _BATCH_TOKENS}, rows)


if __name__ == "__main__":
    main()
