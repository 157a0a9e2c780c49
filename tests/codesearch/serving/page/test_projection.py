"""Vectors to places on a plane."""

from __future__ import annotations

import numpy as np
import pytest

from codesearch.serving.page.projection import principal_plane, project

RANDOM = np.random.default_rng(0)


def clusters(count: int = 200, dim: int = 16) -> np.ndarray:
    centres = RANDOM.normal(size=(3, dim))
    vectors = centres[np.arange(count) % 3] + 0.1 * RANDOM.normal(size=(count, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_components_are_those_of_a_singular_value_decomposition() -> None:
    vectors = clusters()
    _, _, rows = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    expected = (vectors - vectors.mean(axis=0)) @ rows[:2].T
    plane = principal_plane(vectors)
    for axis in (0, 1):
        sign = np.sign(plane[:, axis] @ expected[:, axis])
        np.testing.assert_allclose(plane[:, axis], sign * expected[:, axis], atol=1e-4)


def test_the_picture_is_the_same_again_and_in_any_order() -> None:
    vectors = clusters()
    order = RANDOM.permutation(len(vectors))
    plane, method = project(vectors, "pca")
    shuffled, _ = project(vectors[order], "pca")
    assert method == "pca"
    np.testing.assert_allclose(plane[order], shuffled, atol=1e-4)


def test_nearly_all_points_lie_in_the_square() -> None:
    plane, _ = project(clusters(1000), "pca")
    assert np.mean(np.abs(plane).max(axis=1) <= 1.001) >= 0.98


def test_near_stays_near() -> None:
    vectors = clusters(300)
    plane, _ = project(vectors, "pca")
    centres = np.stack([plane[np.arange(300) % 3 == kind].mean(axis=0) for kind in range(3)])
    nearest = np.linalg.norm(plane[:, None] - centres, axis=2).argmin(axis=1)
    assert np.mean(nearest == np.arange(300) % 3) > 0.95


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_points_for_a_plane(count: int) -> None:
    plane, _ = project(clusters(3)[:count])
    assert plane.shape == (count, 2)
    assert np.isfinite(plane).all()
