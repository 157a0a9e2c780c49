"""Long texts through the encoders: attention in tiles gives what attention at once gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkpoints import Checkpoint
from tests.support.closeness import assert_close
from tests.support.paths import ROOT
from tests.support.running import BACKENDS, checkpoint_folder, embed, open_model, random_ids

WINDOW = (("local_attention", 16),)
CHECKPOINTS = {
    "code": Checkpoint("code", heads=12, hidden=48),
    "en": Checkpoint("en", heads=4, hidden=32),
    "nomic_bert": Checkpoint("nomic_bert", heads=4, hidden=32),
    "modernbert": Checkpoint("modernbert", heads=4, hidden=32, config=WINDOW),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_tiles_give_the_same(
    kind: str, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, ids = CHECKPOINTS[kind], random_ids((1, 50, 61), 512)
    folder = checkpoint_folder(checkpoint)
    whole = embed(open_model(folder, backend), ids)
    module = {
        "mlx": "mlx_jinabert.architectures.shared.mlx.layers",
        "onnx": "mlx_jinabert.architectures.shared.onnx.tiles",
    }[backend]
    monkeypatch.setattr("mlx_jinabert.architectures.shared.mlx.local_attention._STRETCH", 7)
    for rows in (1, 7, 60):
        monkeypatch.setattr(f"{module}._TILE_ELEMENTS", rows * 3 * checkpoint.heads * 61)
        monkeypatch.setenv("MLX_JINABERT_CACHE", str(tmp_path / str(rows)))  # The size is built into a graph.
        assert_close(embed(open_model(folder, backend), ids), whole, atol=2e-6, what=f"tiles of {rows}")


RUN = """
import sys
from pathlib import Path
from tests.support.running import embed, open_model, random_ids

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

model = open_model(Path(sys.argv[1]), "onnx")
before = peak()
embed(model, random_ids([3000], 512))
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_long_text_of_jinabert_never_has_all_its_scores_in_memory() -> None:
    """Those of 12 heads, and their bias, are 412 MiB each."""
    pytest.importorskip("onnxruntime")
    folder = checkpoint_folder(Checkpoint("code", heads=12, hidden=96, layers=1, max_position=3000))
    command = [sys.executable, "-c", RUN, str(folder)]
    root = ROOT
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 200 * 1024
