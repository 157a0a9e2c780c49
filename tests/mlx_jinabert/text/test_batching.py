"""Batches: every text once, within the budget, in few shapes, without wasteful padding."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlx_jinabert.text.batching import Batch, _cost, _segments, bucket, plan

LENGTHS = st.lists(st.integers(1, 512), max_size=200)
BUDGETS = st.sampled_from([1, 64, 512, 2048, 16_384])


@given(LENGTHS, BUDGETS)
def test_every_text_is_in_one_batch_that_fits_it(lengths: list[int], budget: int) -> None:
    batches = plan(lengths, budget, 512)
    assert sorted(i for batch in batches for i in batch.indices) == list(range(len(lengths)))
    assert all(lengths[i] <= batch.padded_length <= 512 for batch in batches for i in batch.indices)


@given(LENGTHS, BUDGETS)
def test_batches_keep_to_the_budget(lengths: list[int], budget: int) -> None:
    for batch in plan(lengths, budget, 512):
        assert len(batch.indices) == 1 or len(batch.indices) * batch.padded_length <= budget


@given(LENGTHS, BUDGETS)
def test_shapes_are_few(lengths: list[int], budget: int) -> None:
    batches = plan(lengths, budget, 512)
    rows = {2**k for k in range(12)} | {3 * 2**k for k in range(11)}
    assert {len(batch.indices) for batch in batches} <= rows
    assert {batch.padded_length for batch in batches} <= {bucket(n, 512) for n in range(1, 513)}


def test_there_are_twenty_lengths_up_to_512() -> None:
    buckets = sorted({bucket(length, 512) for length in range(1, 513)})
    assert buckets == [*range(8, 65, 8), *range(80, 129, 16), *range(160, 257, 32), *range(320, 513, 64)]


@given(st.integers(65, 8192))
def test_a_bucket_wastes_less_than_a_quarter(length: int) -> None:
    assert length <= bucket(length, 8192) < 1.25 * length


def test_a_bucket_never_passes_the_limit() -> None:
    assert bucket(505, 510) == 510


def test_short_texts_do_not_wait_for_a_long_one() -> None:
    batches = plan([512, *[8] * 16], 16_384, 512)
    assert batches == [Batch((0,), 512), Batch(tuple(range(1, 17)), 8)]


def test_nearly_equal_lengths_share_a_launch() -> None:
    assert plan([100, 90, 80, 70], 16_384, 512) == [Batch((0, 1, 2, 3), 112)]


@given(LENGTHS)
def test_runs_cost_no_more_than_padding_all_alike_or_nothing(lengths: list[int]) -> None:
    padded = sorted((bucket(length, 512) for length in lengths), reverse=True)
    chosen = sum(_cost(padded[run.start], len(run), 4096) for run in _segments(padded, 4096))
    apart = sum(_cost(length, padded.count(length), 4096) for length in set(padded))
    assert chosen <= apart
    assert chosen <= (_cost(padded[0], len(padded), 4096) if padded else 0)
