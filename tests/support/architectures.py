"""Which architecture each model of the catalog is of, and a random checkpoint that stands for all of them."""

from __future__ import annotations

from dataclasses import dataclass

from mlx_jinabert.catalog import CatalogEntry
from tests.support.checkpoints import Checkpoint

WIDE = {"heads": 12, "hidden": 192, "intermediate": 256, "max_position": 160}
DECODER = {"intermediate": 256, "max_position": 160, "pooling": "last"}


@dataclass(frozen=True)
class Architecture:
    """What models of one architecture have in common: a checkpoint that stands for them."""

    name: str
    models: str
    """Beginnings of their aliases."""
    checkpoint: Checkpoint
    note: str


ARCHITECTURES = (
    Architecture(
        "JinaBERT code", "embedded jina-code", Checkpoint("code", **WIDE), "ALiBi, GLU, norms on q and k"
    ),
    Architecture("JinaBERT en", "jina-base-en jina-small-en", Checkpoint("en", **WIDE), "ALiBi, GLU"),
    Architecture(
        "JinaBERT classifier", "jina-reranker", Checkpoint("reranker", **WIDE), "a logit for a pair"
    ),
    Architecture(
        "BERT",
        "minilm bge-small bge-base bge-large arctic- mxbai-large mdbr",
        Checkpoint("bert", **WIDE),
        "learned positions",
    ),
    Architecture(
        "NomicBERT",
        "coderank swerank-small nomic-text",
        Checkpoint("nomic_bert", **WIDE, pooling="cls"),
        "RoPE, SwiGLU",
    ),
    Architecture(
        'GTE "new"',
        "sfr-code-400m gte-large gte-base",
        Checkpoint("gte", **WIDE, pooling="cls"),
        "RoPE with NTK, GeGLU",
    ),
    Architecture(
        "ModernBERT",
        "gte-modernbert granite denseon nightowl lateon ettin",
        Checkpoint("modernbert", **WIDE, layers=4),
        "local and global attention",
    ),
    Architecture(
        "Qwen2",
        "jina-code-0.5b jina-code-1.5b qodo nomic-embed-code swerank-large bge-code",
        Checkpoint("qwen2", heads=12, hidden=192, kv_heads=2, **DECODER),
        "grouped causal attention, last token",
    ),
    Architecture(
        "Qwen3",
        "qwen3 f2llm harrier-0.6b",
        Checkpoint("qwen3", heads=16, hidden=128, kv_heads=8, head_dim=16, **DECODER),
        "the same with norms on q and k",
    ),
    Architecture(
        "Qwen3, both ways",
        "voyage-4-nano pplx",
        Checkpoint(
            "qwen3",
            heads=16,
            hidden=128,
            kv_heads=8,
            head_dim=16,
            intermediate=256,
            max_position=160,
            config=(("use_bidirectional_attention", True), ("num_labels", 96)),
        ),
        "a projection behind the final norm",
    ),
    Architecture(
        "XLM-RoBERTa",
        "e5-multi arctic-l-v2 bge-m3",
        Checkpoint("roberta", **WIDE),
        "positions from the padding id on",
    ),
    Architecture(
        "Gemma-3",
        "embeddinggemma harrier-270m",
        Checkpoint(
            "gemma3",
            layers=4,
            heads=8,
            hidden=128,
            kv_heads=4,
            head_dim=16,
            intermediate=256,
            max_position=160,
        ),
        "both ways, two rotations, norms on q and k",
    ),
    Architecture(
        "C2LLM",
        "c2llm",
        Checkpoint("c2llm", heads=14, hidden=112, intermediate=256, max_position=160, pooling="pma"),
        "Qwen2, pooled by attention",
    ),
    Architecture("static", "potion", Checkpoint("static", hidden=192), "a table of token vectors"),
    Architecture("CodeSage", "codesage", Checkpoint("codesage", **WIDE), "GPT-2's blocks, both directions"),
    Architecture(
        "Gemma-2",
        "sfr-code-2b",
        Checkpoint("gemma2", layers=4, heads=8, hidden=128, kv_heads=4, head_dim=16, **DECODER),
        "soft cap, sliding window, four norms",
    ),
    Architecture(
        "Qwen2.5-VL, text",
        "jina-v4",
        Checkpoint("qwen2_5_vl", heads=16, hidden=256, kv_heads=2, intermediate=256, max_position=160),
        "Qwen2 with a merged adapter",
    ),
)


def architecture_of(entry: CatalogEntry) -> Architecture:
    """The one whose longest name begins the alias. KeyError for a model that nobody put in the table."""
    found = [
        (len(name), architecture)
        for architecture in ARCHITECTURES
        for name in architecture.models.split()
        if entry.alias.startswith(name)
    ]
    if not found:
        raise KeyError(f"{entry.alias}: say in ARCHITECTURES what it is")
    return max(found, key=lambda pair: pair[0])[1]
