"""What a token costs, counted in the graph, is what the shapes of the weights and of attention say."""

from __future__ import annotations

from math import prod

import pytest

from mlx_jinabert.verify.report import FUSED_HEAD_WIDTHS
from tests.support.running import require


@pytest.mark.parametrize(
    ("name", "length"), [("shipped", 32), ("all-MiniLM-L6-v2", 48), ("JinaBERT-base", 40)]
)
def test_the_count_is_that_of_the_shapes(name: str, length: int) -> None:
    require("mlx.core")
    from benches.costs import cost, models

    config = models()[name]
    found = cost(config, length, batch_tokens=length)  # one text is the whole batch
    matrices = {
        key: prod(shape)
        for key, shape in config.tensor_shapes().items()
        if len(shape) == 2 and "embeddings" not in key
    }
    assert found.weights == sum(matrices.values())
    assert found.dense == 2 * length * sum(matrices.values())
    scores = config.num_heads * length * length * config.num_layers
    assert found.attention == 4 * scores * config.head_width
    unfused = 0 if config.head_width in FUSED_HEAD_WIDTHS else 4 * scores
    gated = 2 if "JinaBERT" in name or name == "shipped" else 1
    inner, outer = config.intermediate_size, config.hidden_size
    # four square products, the way up and the way down, and queries, keys, values and result of attention
    a_token = 4 * 2 * outer + (outer + gated * inner) + (inner + outer) + 4 * outer
    assert found.moved == config.num_layers * length * a_token + unfused
