"""Configurations of NomicBERT, GTE and ModernBERT: spellings of two libraries, refusals, swapped tensors."""

from __future__ import annotations

from itertools import permutations
from math import prod

import numpy as np
import pytest

from mlx_jinabert.architectures import ArchitectureConfig, read_architecture
from mlx_jinabert.architectures.gte.config import GteConfig
from mlx_jinabert.architectures.modernbert.config import ModernBertConfig
from mlx_jinabert.architectures.nomic_bert.config import NomicBertConfig
from mlx_jinabert.architectures.shared.rotary import inverse_frequencies
from mlx_jinabert.errors import UnsupportedConfig, WeightMismatch
from tests.support.checkpoints import Checkpoint, config_of, tensors_of
from tests.support.closeness import assert_close

KINDS = {"nomic_bert": NomicBertConfig, "gte": GteConfig, "modernbert": ModernBertConfig}
GPT2_KEYS = ("n_embd", "n_head", "n_inner", "n_layer", "n_positions", "layer_norm_epsilon", "rotary_emb_base")
BERT_KEYS = ("hidden_size", "num_attention_heads", "intermediate_size", "num_hidden_layers")


def names(kind: str, prefix: str = "") -> list[str]:
    return list(tensors_of(Checkpoint(kind, prefix=prefix)))


def read(
    kind: str, changes: dict[str, object] | None = None, without: tuple[str, ...] = ()
) -> ArchitectureConfig:
    config = config_of(Checkpoint(kind, layers=4)) | (changes or {})
    return read_architecture({k: v for k, v in config.items() if k not in without}, names(kind))


@pytest.mark.parametrize(
    ("kind", "prefix"), [("nomic_bert", ""), ("gte", ""), ("gte", "new."), ("modernbert", "model.")]
)
def test_shapes_are_those_of_the_checkpoint(kind: str, prefix: str) -> None:
    checkpoint = Checkpoint(kind, pooler=False, prefix=prefix)
    architecture = read_architecture(config_of(checkpoint), tensors_of(checkpoint))
    assert type(architecture) is KINDS[kind]
    stored = {name.removeprefix(prefix): tensor.shape for name, tensor in tensors_of(checkpoint).items()}
    assert architecture.tensor_shapes() == stored


def test_nomic_in_either_spelling_is_the_same() -> None:
    both = read("nomic_bert")
    switches = ("activation_function", "prenorm", "qkv_proj_bias", "rotary_emb_fraction")
    assert read("nomic_bert", without=(*GPT2_KEYS, *switches)) == both
    assert read("nomic_bert", without=(*BERT_KEYS, "layer_norm_eps", "hidden_act", "rope_parameters")) == both
    assert both.rope_theta == 1000


def test_modernbert_in_the_keys_of_transformers_5_is_the_same() -> None:
    kinds = ["full_attention", *["sliding_attention"] * 2, "full_attention"]
    theta = {"full_attention": 160000.0, "sliding_attention": 10000.0}
    rope = {kind: {"rope_theta": value, "rope_type": "default"} for kind, value in theta.items()}
    old = ("global_attn_every_n_layers", "global_rope_theta", "local_rope_theta", "layer_norm_eps")
    new = read("modernbert", {"layer_types": kinds, "rope_parameters": rope}, without=old)
    assert new == read("modernbert")
    assert (new.window, new.is_global) == (64, (True, False, False, True))
    assert (new.global_theta, new.local_theta) == (160000, 10000)


def test_gte_as_transformers_5_writes_it() -> None:
    rope = {"rope_theta": 160000.0, "rope_type": "default"}
    changes = {"model_type": "gte", "rope_parameters": rope, "rope_scaling": None}
    assert read("gte", changes, without=("rope_theta",)) == read("gte", {"rope_scaling": None})


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("nomic_bert", "activation_function", "gelu"),
        ("nomic_bert", "prenorm", True),
        ("nomic_bert", "qkv_proj_bias", True),
        ("nomic_bert", "mlp_fc1_bias", True),
        ("nomic_bert", "mlp_fc2_bias", True),
        ("nomic_bert", "rotary_emb_fraction", 0.5),
        ("nomic_bert", "rotary_emb_interleaved", True),
        ("nomic_bert", "rotary_emb_scale_base", 512),
        ("nomic_bert", "rotary_scaling_factor", 2.0),
        ("nomic_bert", "rotary_emb_base", 10000),
        ("nomic_bert", "use_rms_norm", True),
        ("nomic_bert", "parallel_block", True),
        ("nomic_bert", "causal", True),
        ("nomic_bert", "moe_every_n_layers", 2),
        ("nomic_bert", "rope_parameters", {"rope_theta": 1000.0, "rope_type": "dynamic", "factor": 2.0}),
        ("nomic_bert", "hidden_size", 128),
        ("nomic_bert", "head_dim", 16),
        ("gte", "hidden_act", "gelu_new"),
        ("gte", "layer_norm_type", "rms_norm"),
        ("gte", "pack_qkv", False),
        ("gte", "position_embedding_type", "absolute"),
        ("gte", "logn_attention_scale", True),
        ("gte", "rope_scaling", {"type": "dynamic", "factor": 2.0}),
        ("gte", "rope_scaling", {"type": "ntk", "factor": 0.5}),
        ("gte", "rope_scaling", {"type": "ntk", "factor": 2.0, "mixed_b": 0.6}),
        ("gte", "rope_theta", None),
        ("gte", "type_vocab_size", -1),
        ("modernbert", "hidden_activation", "relu"),
        ("modernbert", "norm_bias", True),
        ("modernbert", "attention_bias", True),
        ("modernbert", "mlp_bias", True),
        ("modernbert", "rope_scaling", {"type": "linear", "factor": 2.0}),
        ("modernbert", "layer_types", ["full_attention"]),
        ("modernbert", "sliding_window", 128),
        ("modernbert", "rope_parameters", {"rope_theta": 10000.0}),
        ("modernbert", "is_causal", True),
    ],
)
def test_a_value_that_changes_numbers_is_refused_by_key(kind: str, key: str, value: object) -> None:
    with pytest.raises(UnsupportedConfig) as caught:
        read(kind, {key: value})
    assert caught.value.key in {key, "rope_parameters" if key == "rotary_emb_base" else key}


@pytest.mark.parametrize("key", ["prenorm", "activation_function", "rotary_emb_base", "mlp_fc1_bias"])
def test_a_switch_that_gpt2_s_spelling_leaves_out_is_not_guessed(key: str) -> None:
    with pytest.raises(UnsupportedConfig, match=key):
        read("nomic_bert", without=(key, "rope_parameters"))


@pytest.mark.parametrize(("said", "is_"), list(permutations([*KINDS, "bert", "code", "qwen2"], 2)))
def test_tensors_of_another_architecture_are_refused_by_name(said: str, is_: str) -> None:
    if said in KINDS or is_ in KINDS:
        with pytest.raises(WeightMismatch) as caught:
            read_architecture(config_of(Checkpoint(said)), names(is_))
        assert caught.value.extra or caught.value.missing
        assert set(caught.value.extra) <= set(names(is_))


@pytest.mark.parametrize(
    ("kind", "sizes", "parameters"),
    [  # Published totals.
        ("nomic_bert", {"layers": 12, "hidden": 768, "intermediate": 3072, "vocab": 30528}, 136_731_648),
        ("gte", {"layers": 24, "hidden": 1024, "intermediate": 4096, "vocab": 30528}, 434_139_136),
        ("gte", {"layers": 12, "hidden": 768, "intermediate": 3072, "vocab": 30528, "types": 0}, 136_776_192),
        ("modernbert", {"layers": 22, "hidden": 768, "intermediate": 1152, "vocab": 50368}, 149_014_272),
        ("modernbert", {"layers": 12, "hidden": 384, "intermediate": 1536, "vocab": 50368}, 47_662_464),
        ("modernbert", {"layers": 12, "hidden": 384, "intermediate": 1536, "vocab": 180_000}, 97_441_152),
        ("modernbert", {"layers": 22, "hidden": 768, "intermediate": 1152, "vocab": 262_152}, 311_664_384),
    ],
)
def test_parameter_totals_are_the_published_ones(kind: str, sizes: dict[str, int], parameters: int) -> None:
    architecture = read_architecture(config_of(Checkpoint(kind, **sizes)), names(kind))
    assert sum(prod(shape) for shape in architecture.tensor_shapes().values()) == parameters


def test_ntk_scaling_is_the_published_formula() -> None:
    for n, got in enumerate(inverse_frequencies(64, 160000.0, 2.0)):
        want = 1 / (320000.0 ** (2 * n / 64)) / 2 ** (2 / 64)
        assert_close(np.float32(got), np.float32(want), atol=1e-7 * want, what=f"pair {n}")
