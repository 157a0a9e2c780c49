"""Project vectors onto a plane: by UMAP if it is installed, else by their two principal components.

UMAP (McInnes, Healy and Melville, arXiv:1802.03426) is the extra ``map``; principal components need NumPy
alone. Both give the same picture for the same vectors: seeds are fixed and the signs of components are
chosen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["METHODS", "project"]

METHODS = ("umap", "pca")
_LARGEST_UMAP = 60_000
"""Above this UMAP takes minutes; principal components take seconds."""
_OUTLIERS = 0.5
"""Percent of the points on each side that may lie outside of the square."""

Plane = NDArray[np.float32]


def project(vectors: NDArray[np.float32], method: str = "auto") -> tuple[Plane, str]:
    """Return (n, 2) float32 places, nearly all of them within [-1, 1], and the method that made them.

    ``method`` is "umap", "pca", or "auto": UMAP where it is installed and the index is not too large.
    """
    if len(vectors) < 3:
        return np.zeros((len(vectors), 2), np.float32), "pca"
    if method != "pca" and (method == "umap" or len(vectors) <= _LARGEST_UMAP):
        try:
            import umap
        except ImportError:
            if method == "umap":
                raise
        else:
            reducer = umap.UMAP(n_components=2, metric="cosine", random_state=0, n_jobs=1, n_neighbors=15)
            return _fitted(np.asarray(reducer.fit_transform(vectors), np.float32)), "umap"
    return _fitted(principal_plane(vectors)), "pca"


def principal_plane(vectors: NDArray[np.float32]) -> Plane:
    """Return the first two principal components, (n, 2) float32; the largest weight of each is positive."""
    centred = vectors - vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    covariance = (centred.T @ centred).astype(np.float64)
    _, directions = np.linalg.eigh(covariance)  # ascending
    first = directions[:, [-1, -2]]
    signs = np.sign(first[np.abs(first).argmax(axis=0), [0, 1]])
    plane: Plane = centred @ (first * signs).astype(np.float32)
    return plane


def _fitted(plane: Plane) -> Plane:
    """Scale and centre, so that nearly all points lie within the square from -1 to 1."""
    low, high = np.percentile(plane, [_OUTLIERS, 100 - _OUTLIERS], axis=0)
    half = float(max((high - low).max() / 2, np.finfo(np.float32).tiny))
    fitted: Plane = ((plane - (low + high) / 2) / half).astype(np.float32)
    return fitted
