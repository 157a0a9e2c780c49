"""Long texts through the rotary encoders: attention in tiles gives what attention at once gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checkpoints import Checkpoint
from tests.running import BACKENDS, checkpoint_folder, embed, open_model, random_ids
from tests.support import assert_close

WINDOW = (("local_attention", 16),)
CHECKPOINTS = {
    "nomic_bert": Checkpoint("nomic_bert", heads=4, hidden=32),
    "modernbert": Checkpoint("modernbert", heads=4, hidden=32, config=WINDOW),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_tiles_give_the_same(
    kind: str, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, ids = checkpoint_folder(CHECKPOINTS[kind]), random_ids((1, 50, 61), 512)
    whole = embed(open_model(folder, backend), ids)
    module = {"mlx": "mlx_jinabert.models.layers", "onnx": "mlx_jinabert.graphs.tiles"}[backend]
    monkeypatch.setattr("mlx_jinabert.models.local_attention._STRETCH", 7)
    for rows in (1, 7):
        monkeypatch.setattr(f"{module}._TILE_ELEMENTS", rows * 3 * 4 * 61)
        monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path / str(rows)))  # The size is built into a graph.
        assert_close(embed(open_model(folder, backend), ids), whole, atol=2e-6, what=f"tiles of {rows}")
