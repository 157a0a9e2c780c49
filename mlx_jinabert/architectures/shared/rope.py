"""``rope_parameters``, as transformers 5 writes what older configurations say in keys of their own."""

from __future__ import annotations

from collections.abc import Mapping

from mlx_jinabert.architectures.shared.config import Reader
from mlx_jinabert.errors import UnsupportedConfig

__all__ = ["unscaled_theta"]

_KNOWN = {"rope_theta", "rope_type", "type", "partial_rotary_factor"}


def unscaled_theta(
    key: str, section: object, beside: Mapping[str, object], old: str, default: float | None = None
) -> float:
    """The base of unscaled RoPE: ``rope_theta`` of ``section``, or the key ``old`` of ``beside``.

    ``section`` is the value of ``key``, or None where there is none. Where both are given they have to
    agree. ``default`` is what the reference takes where neither is; None requires one of them.
    """
    stated = None
    if section is not None:
        if not isinstance(section, Mapping) or set(section) - _KNOWN:
            raise UnsupportedConfig(key, section, "rope_theta and rope_type 'default', unscaled")
        reader = Reader(section)
        reader.only("rope_type", "default", default="default")
        reader.only("type", "default", default="default")
        reader.only("partial_rotary_factor", 1.0, 1, default=1.0)
        stated = reader.positive_float("rope_theta") if "rope_theta" in section else None
    if old not in beside and stated is not None:
        return stated
    theta = Reader(beside).positive_float(old, **({} if default is None else {"default": default}))
    if stated is not None and stated != theta:
        raise UnsupportedConfig(key, section, f"rope_theta {theta:g}, as {old} says")
    return theta
