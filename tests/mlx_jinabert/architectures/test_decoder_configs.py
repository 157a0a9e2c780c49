"""Configurations of Qwen2 and Qwen3: what is read, what is refused by key, and telling them apart."""

from __future__ import annotations

import numpy as np
import pytest

from mlx_jinabert import UnsupportedConfig, WeightMismatch
from mlx_jinabert.architectures import read_architecture
from mlx_jinabert.architectures.decoder.config import DecoderConfig
from mlx_jinabert.architectures.qwen2.config import Qwen2Config
from mlx_jinabert.architectures.qwen3.config import Qwen3Config
from tests.support.checkpoints import Checkpoint, config_of, tensors_of

QWEN2 = Checkpoint("qwen2", heads=4, hidden=32, pooling="last")
QWEN3 = Checkpoint("qwen3", heads=4, hidden=32, head_dim=16, pooling="last")
BOTH = pytest.mark.parametrize("checkpoint", [QWEN2, QWEN3], ids=["qwen2", "qwen3"])


def architecture(checkpoint: Checkpoint, **changes: object) -> DecoderConfig:
    config = {k: v for k, v in (config_of(checkpoint) | changes).items() if v != "absent"}
    return read_architecture(config, list(tensors_of(checkpoint)))


@BOTH
@pytest.mark.parametrize("prefix", ["", "model."])
def test_shapes_are_those_of_the_checkpoint(checkpoint: Checkpoint, prefix: str) -> None:
    found = architecture(checkpoint.but(prefix=prefix, head=True))
    kind = {"qwen2": Qwen2Config, "qwen3": Qwen3Config}[checkpoint.kind]
    assert type(found) is kind
    assert found.tensor_shapes() == {name: t.shape for name, t in tensors_of(checkpoint).items()}
    assert found.dropped("lm_head.weight")
    assert found.dropped("model.layers.0.self_attn.rotary_emb.inv_freq")
    assert not found.dropped("layers.0.self_attn.q_proj.bias")


SIZES = {
    494_032_768: QWEN2.but(hidden=896, layers=24, heads=14, intermediate=4864, vocab=151936),
    1_543_268_864: QWEN2.but(hidden=1536, layers=28, heads=12, intermediate=8960, vocab=151646),
    7_070_619_136: QWEN2.but(hidden=3584, layers=28, heads=28, kv_heads=4, intermediate=18944, vocab=152064),
    595_776_512: QWEN3.but(
        hidden=1024, layers=28, heads=16, kv_heads=8, head_dim=128, intermediate=3072, vocab=151669
    ),
    7_567_295_488: QWEN3.but(
        hidden=4096, layers=36, heads=32, kv_heads=8, head_dim=128, intermediate=12288, vocab=151665
    ),
}


@pytest.mark.parametrize(("parameters", "checkpoint"), SIZES.items())
def test_parameter_totals_are_the_published_ones(checkpoint: Checkpoint, parameters: int) -> None:
    names = list(tensors_of(QWEN2 if checkpoint.kind == "qwen2" else QWEN3))
    shapes = read_architecture(config_of(checkpoint), names).tensor_shapes().values()
    assert sum(int(np.prod(shape)) for shape in shapes) == parameters


@pytest.mark.parametrize(("said", "is_"), [(QWEN2, QWEN3), (QWEN3, QWEN2)], ids=["qwen3 as 2", "qwen2 as 3"])
def test_the_other_one_is_refused_with_the_tensors(said: Checkpoint, is_: Checkpoint) -> None:
    with pytest.raises(WeightMismatch) as caught:
        read_architecture(config_of(said), list(tensors_of(is_)))
    parts = {
        "qwen2": ("k_proj.bias", "q_proj.bias", "v_proj.bias"),
        "qwen3": ("k_norm.weight", "q_norm.weight"),
    }
    names = {kind: [f"layers.0.self_attn.{part}" for part in found] for kind, found in parts.items()}
    assert (list(caught.value.missing), list(caught.value.extra)) == (names[said.kind], names[is_.kind])


def test_a_foreign_decoder_under_qwen_s_name_is_refused() -> None:
    foreign = ["layers.0.pre_feedforward_layernorm.weight", "layers.0.self_attn.sinks"]
    with pytest.raises(WeightMismatch, match="pre_feedforward_layernorm"):
        read_architecture(config_of(QWEN2), [*tensors_of(QWEN2), *foreign])
    with pytest.raises(UnsupportedConfig, match="mistral"):
        architecture(QWEN2, model_type="mistral")


@pytest.mark.parametrize(
    ("checkpoint", "key", "value"),
    [
        (QWEN2, "hidden_act", "gelu"),
        (QWEN2, "use_sliding_window", True),
        (QWEN2, "layer_types", ["full_attention", "sliding_attention"]),
        (QWEN2, "rope_scaling", {"type": "yarn", "factor": 4.0}),
        (QWEN2, "rope_parameters", {"rope_type": "linear", "rope_theta": 1e6}),
        (QWEN2, "rope_parameters", {"rope_type": "default", "rope_theta": 1e4}),
        (QWEN2, "rope_theta", "absent"),
        (QWEN2, "num_attention_heads", 6),
        (QWEN2, "num_key_value_heads", 3),
        (QWEN2, "rms_norm_eps", "absent"),
        (QWEN2, "is_causal", "no"),
        (QWEN2, "auto_map", {"AutoModel": "modeling_qwen.Qwen2Model"}),
        (QWEN3, "attention_bias", True),
        (QWEN3, "use_sliding_window", True),
    ],
)
def test_a_value_that_changes_numbers_is_refused_by_key(
    checkpoint: Checkpoint, key: str, value: object
) -> None:
    with pytest.raises(UnsupportedConfig) as caught:
        architecture(checkpoint, **{key: value})
    named = {"rope_scaling": "rope_", "rope_parameters": "rope_", "auto_map": "is_causal"}.get(key, key)
    assert caught.value.key.startswith(named)


def test_rope_s_base_is_read_wherever_it_is_written() -> None:
    inside = {"rope_type": "default", "rope_theta": 5e5}
    assert architecture(QWEN3, rope_theta="absent", rope_parameters=inside).rope_theta == 5e5
    assert architecture(QWEN3, rope_theta=10000).rope_theta == 1e4
    assert architecture(QWEN3, rope_scaling={"type": "default"}).rope_theta == 1e6


def test_the_mask_is_stated_or_native_and_never_guessed() -> None:
    gte = {"AutoModel": "Alibaba-NLP/gte-Qwen2--modeling_qwen.Qwen2Model"}
    jina = {"AutoModel": "jinaai/x--modeling_jina_embeddings_c1.JinaEmbeddingsC1Model"}
    assert architecture(QWEN2).is_causal
    assert architecture(QWEN2, auto_map=jina).is_causal
    assert [architecture(QWEN2, auto_map=gte, is_causal=value).is_causal for value in (True, False)] == [
        True,
        False,
    ]
    with pytest.raises(UnsupportedConfig, match=r"modeling_qwen.*config_overrides"):
        architecture(QWEN2, auto_map=gte)
