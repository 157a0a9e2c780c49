"""CodeSage v2: GPT-2's names, dense weights as (in, out), StarCoder's tokenizer, which closes nothing.

The published configurations carry ids of a tokenizer that the model no longer has (100257).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from tests.support.checkpoint_tokenizers import endless_bpe

if TYPE_CHECKING:
    from tests.support.checkpoints import Checkpoint, Shape

END = "<|endoftext|>"


def config(checkpoint: Checkpoint) -> dict[str, object]:
    return {
        "model_type": "codesage",
        "architectures": ["CodeSage"],
        "auto_map": {"AutoModel": "modeling_codesage.CodeSageModel"},
        "activation_function": "gelu_new",
        "vocab_size": checkpoint.vocab,
        "hidden_size": checkpoint.hidden,
        "intermediate_size": checkpoint.intermediate,
        "num_hidden_layers": checkpoint.layers,
        "num_attention_heads": checkpoint.heads,
        "max_position_embeddings": checkpoint.max_position,
        "layer_norm_epsilon": 1e-5,
        "position_embedding_type": "absolute",
        "attention_dropout_prob": 0.1,
        "bos_token_id": 100257,
        "eos_token_id": 100257,
        "pad_token_id": 49153,
        "torch_dtype": checkpoint.dtype,
    }


def shapes(checkpoint: Checkpoint) -> dict[str, Shape]:
    width, inner = checkpoint.hidden, checkpoint.intermediate
    found: dict[str, Shape] = {
        "wte.weight": (checkpoint.vocab, width),
        "wpe.weight": (checkpoint.max_position, width),
    }
    for n in range(checkpoint.layers):
        dense = {"attn.c_attn": (width, 3 * width), "attn.c_proj": (width, width)}
        dense |= {"mlp.c_fc": (width, inner), "mlp.c_proj": (inner, width)}
        for name, shape in dense.items():
            found |= {f"h.{n}.{name}.weight": shape, f"h.{n}.{name}.bias": shape[1:]}
        for norm in ("ln_1", "ln_2"):
            found |= {f"h.{n}.{norm}.{part}": (width,) for part in ("weight", "bias")}
    found |= {"ln_f.weight": (width,), "ln_f.bias": (width,)}
    return found | ({"lm_head.weight": (checkpoint.vocab, width)} if checkpoint.head else {})


def tokenizer(checkpoint: Checkpoint) -> Tokenizer:
    return endless_bpe()


def special_tokens(checkpoint: Checkpoint) -> dict[str, object]:
    return {"bos_token": END, "eos_token": END, "unk_token": END, "add_eos_token": True}
