"""CodeSage, Gemma-2 and Qwen2.5-VL: what their configurations say, leave open or must not say; end tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mlx_jinabert
from mlx_jinabert.architectures import read_architecture
from mlx_jinabert.architectures.codesage.config import CodeSageConfig
from mlx_jinabert.architectures.gemma2.config import Gemma2Config
from mlx_jinabert.architectures.qwen2_5_vl.config import Qwen25VLConfig
from mlx_jinabert.catalog import available_models
from mlx_jinabert.errors import UnsupportedConfig, WeightMismatch
from tests.support.checkpoints import Checkpoint, config_of, tensors_of, write
from tests.support.running import checkpoint_folder, cosine, embed, open_model, random_ids

CODESAGE = Checkpoint("codesage", hidden=32, heads=4)
GEMMA2 = Checkpoint("gemma2", hidden=32, heads=4, head_dim=16, layers=3)
QWEN25_VL = Checkpoint("qwen2_5_vl", hidden=64, heads=4)
SMALL = {"codesage": CODESAGE, "gemma2": GEMMA2, "qwen2_5_vl": QWEN25_VL}


def names(checkpoint: Checkpoint) -> list[str]:
    return list(tensors_of(checkpoint))


def read(checkpoint: Checkpoint, **changes: object):
    config = config_of(checkpoint) | changes
    return read_architecture(
        {key: value for key, value in config.items() if value != "absent"}, names(checkpoint)
    )


def test_what_the_keys_mean() -> None:
    codesage, gemma2, vision = read(CODESAGE), read(GEMMA2), read(QWEN25_VL)
    assert (type(codesage), codesage.max_position, codesage.layer_norm_eps) == (CodeSageConfig, 512, 1e-5)
    assert (type(gemma2), gemma2.window, gemma2.windowed) == (Gemma2Config, 48, (True, False, True))
    assert (gemma2.query_scale, gemma2.soft_cap, gemma2.is_causal) == (32**-0.5, 2.0, True)
    assert (type(vision), vision.head_dim, vision.rope_theta) == (Qwen25VLConfig, 16, 1e6)
    assert read(GEMMA2, attn_logit_softcapping=None).soft_cap is None
    assert read(GEMMA2, attn_logit_softcapping="absent", model_type="gemma2").soft_cap == 50
    assert read(GEMMA2, layer_types=["full_attention"] * 3).windowed == (False,) * 3
    assert read(CODESAGE, intermediate_size=None).intermediate_size == 4 * 32


def test_gpt2_s_spelling_of_codesage_s_keys() -> None:
    spelled = {"n_embd": 32, "n_head": 4, "n_inner": 96, "n_layer": 2, "n_positions": 512}
    plain = config_of(CODESAGE)
    kept = {
        key: value
        for key, value in plain.items()
        if "hidden" not in key and not key.startswith(("num_", "inter"))
    }
    del kept["max_position_embeddings"]
    assert read_architecture(kept | spelled, names(CODESAGE)) == read(CODESAGE)


def test_the_text_part_of_a_nested_configuration() -> None:
    plain = config_of(QWEN25_VL)
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "rope_theta": 1000000.0}
    text = {key: plain[key] for key in plain if key not in ("rope_theta", "rope_scaling", "vision_config")}
    text |= {"model_type": "qwen2_5_vl_text", "rope_parameters": rope}
    nested = {"model_type": "a_model_derived_from_it", "text_config": text, "is_causal": False}
    assert read_architecture(nested, names(QWEN25_VL)).is_causal is False
    assert read_architecture(nested | {"is_causal": True}, names(QWEN25_VL)) == read(QWEN25_VL)


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("codesage", "model_type", "gpt2"),
        ("codesage", "activation_function", "gelu"),
        ("codesage", "position_embedding_type", "rotary"),
        ("codesage", "is_decoder", True),
        ("codesage", "num_attention_heads", 5),
        ("gemma2", "hidden_act", "silu"),
        ("gemma2", "hidden_activation", "gelu"),
        ("gemma2", "attention_bias", True),
        ("gemma2", "use_bidirectional_attention", True),
        ("gemma2", "attn_logit_softcapping", 0),
        ("gemma2", "layer_types", ["full_attention"]),
        ("gemma2", "rope_scaling", {"rope_type": "linear", "factor": 2.0}),
        ("qwen2_5_vl", "rope_scaling", {"type": "yarn", "mrope_section": [4, 2, 2]}),
        ("qwen2_5_vl", "rope_scaling", {"type": "mrope", "factor": 4.0}),
        ("qwen2_5_vl", "use_sliding_window", True),
        ("qwen2_5_vl", "hidden_act", "gelu"),
    ],
)
def test_a_value_that_changes_numbers_is_refused_by_key(kind: str, key: str, value: object) -> None:
    with pytest.raises(UnsupportedConfig, match=key if key != "rope_scaling" else "rope|type"):
        read(SMALL[kind], **{key: value})


@pytest.mark.parametrize(("said", "is_"), [("gemma2", "qwen2"), ("qwen2_5_vl", "qwen3"), ("qwen2", "gemma2")])
def test_another_decoder_under_its_configuration_is_refused_with_the_tensors(said: str, is_: str) -> None:
    known = SMALL | {kind: Checkpoint(kind, hidden=32, heads=4, head_dim=16) for kind in ("qwen2", "qwen3")}
    with pytest.raises(WeightMismatch) as caught:
        read_architecture(config_of(known[said]), names(known[is_]))
    assert caught.value.missing or caught.value.extra
    assert set(caught.value.extra) <= set(names(known[is_]))


def test_code_of_one_s_own_has_to_state_its_mask() -> None:
    own = {"auto_map": {"AutoModel": "modeling_gemma2.CodeXEmbedModel2B"}}
    with pytest.raises(UnsupportedConfig, match="is_causal"):
        read(GEMMA2, **own)
    assert read(GEMMA2, **own, is_causal=False).is_causal is False
    assert (
        available_models()["sfr-code-2b"].settings
        == available_models()["jina-v4"].settings
        == {"is_causal": True}
    )


@pytest.mark.parametrize("prefix", ["", "model."])
def test_what_sees_images_is_dropped_by_name(prefix: str) -> None:
    vision = read(QWEN25_VL)
    assert all(vision.dropped(prefix + name) for name in ("visual.patch_embed.proj.weight", "lm_head.weight"))
    assert not vision.dropped(f"{prefix}layers.0.self_attn.q_proj.weight")


@pytest.mark.parametrize(
    ("alias", "checkpoint"),
    [
        ("codesage-small", Checkpoint("codesage", 0, 6, 1024, 8, 4096, 49154, 2048)),
        ("codesage-base", Checkpoint("codesage", 0, 24, 1024, 8, 4096, 49154, 2048)),
        ("codesage-large", Checkpoint("codesage", 0, 24, 2048, 16, 8192, 49154, 2048)),
        ("sfr-code-2b", Checkpoint("gemma2", 0, 26, 2304, 8, 9216, 256000, kv_heads=4, head_dim=256)),
    ],
)
def test_parameter_totals_are_the_published_ones(alias: str, checkpoint: Checkpoint) -> None:
    small = checkpoint.but(layers=1, hidden=32, intermediate=8, vocab=8, max_position=8, head_dim=8)
    shapes = read_architecture(config_of(checkpoint), names(small)).tensor_shapes()
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == available_models()[alias].parameters
    assert available_models()[alias].dim == checkpoint.hidden


def test_codesage_closes_a_text_with_the_end_token(tmp_path: Path) -> None:
    model = mlx_jinabert.load(checkpoint_folder(CODESAGE), backend="onnx", max_length=6)
    assert model.count_tokens(["abc", ""]) == [4, 1]
    assert [ids[-1] for ids in model._tokenizer.encode(["abc", "", "a" * 20]).ids] == [0, 0, 0]
    open_ended = mlx_jinabert.load(
        checkpoint_folder(CODESAGE), backend="onnx", config_overrides={"append_token": False}
    )
    assert open_ended.count_tokens(["abc"]) == [3]
    assert float(open_ended.encode("abc") @ model.encode("abc")) < 0.999
    assert open_ended.fingerprint != model.fingerprint
    assert available_models()["codesage-small"].settings == {"append_token": "<|endoftext|>"}


def test_int8_at_load_packs_the_transposed_layers_too() -> None:
    folder, ids = checkpoint_folder(CODESAGE.but(hidden=64, intermediate=128)), random_ids((9, 30), 512)
    packed = open_model(folder, "mlx", "int8")
    assert packed._model.h[0].mlp.c_fc.scales.shape == (64, 2)
    assert cosine(embed(packed, ids), embed(open_model(folder, "mlx"), ids)).min() > 0.999


def test_gemma2_opens_with_its_own_token_and_is_closed_if_that_is_stated() -> None:
    folder = checkpoint_folder(GEMMA2.but(pooling="last"))
    as_it_is = mlx_jinabert.load(folder, backend="onnx")
    closed = mlx_jinabert.load(folder, backend="onnx", config_overrides={"append_token": "<eos>"})
    assert [list(m._tokenizer.encode(["a"]).ids[0][[0, -1]]) for m in (as_it_is, closed)] == [[2, 68], [2, 1]]
    assert closed.fingerprint != as_it_is.fingerprint


def test_prompts_are_to_the_letter() -> None:
    query = "Instruct: Given Code or Text, retrieval relevant content\nQuery: "
    assert available_models()["sfr-code-2b"].prompts == {"query": query}
    assert available_models()["jina-v4"].prompts["query"] == "Query: "
    assert (
        available_models()["jina-v4"].prompts["document"]
        == available_models()["jina-v4"].prompts["passage"]
        == "Passage: "
    )


def test_a_folder_without_a_pooling_module_says_in_its_configuration_how(tmp_path: Path) -> None:
    changed = QWEN25_VL.but(config=(("single_vector_pool_strategy", "mean"),), pooling="last")
    folder = write(tmp_path / "own", changed)
    (folder / "1_Pooling/config.json").unlink()
    (folder / "modules.json").write_text(
        '[{"idx": 0, "name": "0", "path": "", "type": "custom_st.Transformer"}]'
    )
    assert mlx_jinabert.load(folder, backend="onnx").folder.pooling == "mean"
