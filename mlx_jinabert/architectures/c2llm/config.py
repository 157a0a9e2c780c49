"""C2LLM as an embedder (arXiv:2512.21332): a causal Qwen2 whose tokens are pooled by attention.

Pooling by multi-head attention (PMA, arXiv:1810.00825): one learned query looks at the hidden states of all
tokens. Source: the checkpoint's configuration, and the layers of that name in codefuse-ai's embedding models
(CodeFuse-CGE, utils/vllm_codefuse_cge_large.py); their number is that of the published checkpoints, exactly.
Refused by key: norms before the attention, and another pooling.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from mlx_jinabert.architectures.qwen2.config import Qwen2Config
from mlx_jinabert.architectures.shared.config import Reader, Shape
from mlx_jinabert.errors import UnsupportedConfig
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["CONFIG", "C2LLMConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class C2LLMConfig(Qwen2Config):
    """Numbers of one C2LLM checkpoint."""

    architecture: ClassVar[str] = "c2llm"
    prefixes: ClassVar[tuple[str, ...]] = ("plm_model.model.", "plm_model.", "model.")
    pools_itself: ClassVar[bool] = True

    pma_heads: int
    pma_width: int
    """Width of the pooled vector."""

    @property
    def output_size(self) -> int:
        """Width of the pooled vector."""
        return self.pma_width

    @classmethod
    def recognises(cls, config: Mapping[str, object], names: Collection[str]) -> bool:
        """By ``model_type``; ``read`` holds it against the tensors."""
        return config.get("model_type") == "c2llm"

    @classmethod
    def _language(cls, config: Mapping[str, object]) -> Mapping[str, object]:
        """Its own code takes Qwen2 for generation as it is, which sees what is before a token."""
        return {"is_causal": True, **config}

    @classmethod
    def _check(cls, reader: Reader) -> None:
        reader.only("embedding_method", "pma", default="pma")
        reader.only("pma_norm_mode", "post_normal")
        reader.only("pma_ln", True)
        reader.only("keep_max_layer", -1, default=-1)

    @classmethod
    def _own(cls, config: Mapping[str, object]) -> dict[str, Any]:
        reader = Reader(config)
        width, heads = reader.positive_int("compressed_dim"), reader.positive_int("pma_num_heads")
        if width % heads:
            raise UnsupportedConfig("pma_num_heads", heads, f"a divisor of compressed_dim ({width})")
        return {"pma_heads": heads, "pma_width": width}

    def tensor_shapes(self) -> dict[str, Shape]:
        """Those of Qwen2, and the layers of the pooling."""
        # Not super() without arguments: a dataclass with slots is made twice.
        shapes = Qwen2Config.tensor_shapes(self)
        block, out = "mha_pma.mab", self.pma_width
        shapes["mha_pma.S"] = (1, 1, out)
        for name, width in (
            ("fc_q", out),
            ("fc_k", self.hidden_size),
            ("fc_v", self.hidden_size),
            ("fc_o", out),
        ):
            shapes |= {f"{block}.{name}.weight": (out, width), f"{block}.{name}.bias": (out,)}
        for name in ("ln0", "ln1"):
            shapes |= {f"{block}.{name}.weight": (out,), f"{block}.{name}.bias": (out,)}
        return shapes


CONFIG = C2LLMConfig
