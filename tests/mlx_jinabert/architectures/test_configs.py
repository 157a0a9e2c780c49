"""config.json is read strictly: the variant from tensor names, every number-changing key checked."""

from __future__ import annotations

import pytest

from mlx_jinabert.architectures import AffineQuantization, read_architecture
from mlx_jinabert.architectures.bert.config import BertConfig
from mlx_jinabert.architectures.jina_bert.config import JinaBertConfig
from mlx_jinabert.architectures.shared.alibi import alibi_slopes
from mlx_jinabert.errors import UnsupportedConfig, WeightMismatch
from tests.support.checkpoints import Checkpoint, config_of, tensors_of
from tests.support.closeness import assert_close

KINDS = ("code", "en", "bert")


def names(kind: str, prefix: str = "") -> list[str]:
    return list(tensors_of(Checkpoint(kind, prefix=prefix)))


@pytest.mark.parametrize("prefix", ["", "bert.", "model."])
def test_the_architecture_is_found_by_tensor_names(prefix: str) -> None:
    found = [read_architecture(config_of(Checkpoint(kind)), names(kind, prefix)) for kind in KINDS]
    assert [type(config) for config in found] == [JinaBertConfig, JinaBertConfig, BertConfig]
    assert [config.variant for config in found[:2]] == ["code", "en"]
    assert {(config.hidden_size, config.max_position) for config in found} == {(64, 512)}


@pytest.mark.parametrize("kind", ["code", "en"])
def test_a_checkpoint_saved_under_another_name_is_still_found(kind: str) -> None:
    config = config_of(Checkpoint(kind)) | {"_name_or_path": "me/fine-tuned", "auto_map": {}}
    assert read_architecture(config, names(kind)).variant == kind


@pytest.mark.parametrize(("said", "is_"), [("code", "en"), ("en", "code"), ("code", "bert"), ("en", "bert")])
def test_another_model_under_jina_s_configuration_is_refused_with_the_tensors(said: str, is_: str) -> None:
    with pytest.raises(WeightMismatch) as caught:
        read_architecture(config_of(Checkpoint(said)), names(is_))
    assert caught.value.extra
    assert set(caught.value.extra) <= set(names(is_))
    assert set(caught.value.missing) <= set(names(said))


@pytest.mark.parametrize("key", ["_name_or_path", "auto_map"])
def test_an_unknown_variant_is_refused_by_name(key: str) -> None:
    name = "jinaai/jina-bert-v2-qk-devlin-norm-1e-2"
    value = {"AutoModel": f"{name}--modeling_bert.JinaBertModel"} if key == "auto_map" else name
    with pytest.raises(UnsupportedConfig, match="devlin-norm"):
        read_architecture(config_of(Checkpoint("code")) | {key: value}, names("code"))


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("code", "position_embedding_type", "absolute"),
        ("code", "position_embedding_type", None),
        ("code", "feed_forward_type", "reglu"),
        ("code", "feed_forward_type", "original"),
        ("code", "hidden_act", "gelu_new"),
        ("en", "hidden_act", "relu"),
        ("en", "layer_norm_eps", "1e-12"),
        ("en", "layer_norm_eps", 0),
        ("en", "num_attention_heads", 7),
        ("en", "is_decoder", True),
        ("bert", "model_type", "electra"),  # named as BERT is, and not BERT
        ("bert", "position_embedding_type", "relative_key"),
        ("bert", "position_embedding_type", "alibi"),
        ("bert", "hidden_act", "gelu_pytorch_tanh"),
        ("bert", "is_causal", True),
        ("bert", "num_hidden_layers", 0),
        ("bert", "num_hidden_layers", True),
        ("bert", "hidden_size", 64.0),
        ("bert", "quantization_config", {"quant_method": "gptq"}),
        ("bert", "quantization", {"bits": 4, "group_size": 64, "mode": "mxfp4"}),
        ("bert", "quantization", {"bits": 7, "group_size": 64}),
    ],
)
def test_a_value_that_changes_numbers_is_refused_by_key(kind: str, key: str, value: object) -> None:
    with pytest.raises((UnsupportedConfig, WeightMismatch)) as caught:
        read_architecture(config_of(Checkpoint(kind)) | {key: value}, names(kind))
    if value != "alibi":  # A claim to JinaBERT over BERT's tensors is a contradiction, not a value.
        assert caught.value.key == key.rpartition(".")[2] or key == "quantization"


@pytest.mark.parametrize("key", ["vocab_size", "hidden_size", "max_position_embeddings", "intermediate_size"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_number_is_named(kind: str, key: str) -> None:
    config = config_of(Checkpoint(kind))
    del config[key]
    with pytest.raises(UnsupportedConfig, match=key):
        read_architecture(config, names(kind))


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(UnsupportedConfig, match="distilbert"):
        read_architecture({"model_type": "distilbert"}, ["transformer.layer.0.attention.q_lin.weight"])
    with pytest.raises(WeightMismatch, match=r"conv\.weight"):
        read_architecture(config_of(Checkpoint("bert")), ["conv.weight"])


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_are_those_of_the_checkpoint(kind: str) -> None:
    checkpoint = Checkpoint(kind, pooler=False)
    architecture = read_architecture(config_of(checkpoint), names(kind))
    assert architecture.tensor_shapes() == {name: t.shape for name, t in tensors_of(checkpoint).items()}


@pytest.mark.parametrize(
    ("kind", "sizes", "parameters"),
    [  # Published totals without the pooler, (H + 1) H parameters.
        ("code", {"layers": 12, "hidden": 768, "intermediate": 3072, "vocab": 61056}, 160_278_528),
        ("en", {"layers": 12, "hidden": 768, "intermediate": 3072, "vocab": 30528}, 137_368_320 - 769 * 768),
        ("en", {"layers": 4, "hidden": 512, "intermediate": 2048, "vocab": 30528}, 32_690_688 - 513 * 512),
        ("bert", {"layers": 6, "hidden": 384, "intermediate": 1536, "vocab": 30522}, 22_713_216 - 385 * 384),
    ],
)
def test_parameter_totals_are_the_published_ones(kind: str, sizes: dict[str, int], parameters: int) -> None:
    config = config_of(Checkpoint(kind, heads=8, **sizes))
    total = 0
    for shape in read_architecture(config, names(kind)).tensor_shapes().values():
        total += shape[0] * (shape[1] if len(shape) == 2 else 1)
    assert total == parameters


def test_old_spellings_and_prefixes_lead_to_one_name() -> None:
    old = [
        "bert.embeddings.LayerNorm.gamma",
        "embeddings.LayerNorm.weight",
        "model.embeddings.LayerNorm.weight",
    ]
    assert {BertConfig.canonical(name) for name in old} == {"embeddings.LayerNorm.weight"}
    assert BertConfig.canonical("bert.embeddings.LayerNorm.beta") == "embeddings.LayerNorm.bias"


def test_the_record_of_quantisation_is_read() -> None:
    record = {"group_size": 64, "bits": 4}
    config = config_of(Checkpoint("code")) | {"quantization": record, "quantization_config": record}
    assert read_architecture(config, names("code")).quantization == AffineQuantization(group_size=64, bits=4)


def test_alibi_slopes() -> None:
    assert_close(alibi_slopes(8), [2.0**-n for n in range(1, 9)], atol=0, what="8 heads")
    twelve = [*(2.0**-n for n in range(1, 9)), *(2.0 ** -(n + 0.5) for n in range(4))]
    assert_close(alibi_slopes(12), twelve, atol=1e-7, what="12 heads")
    assert_close(alibi_slopes(1), [2.0**-8], atol=0, what="one head")
