"""The types that a graph can compute in; importing this file imports nothing else."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DTYPES", "GROUP_SIZES"]

GROUP_SIZES: Mapping[str, int] = {"int8": 0, "int4": 32}
"""Inputs whose weights share a scale; 0: those of an output channel, or of one of its few parts."""

DTYPES = ("float32", *GROUP_SIZES)
"""Types that a graph can compute its matrix products in."""
