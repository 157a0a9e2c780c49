"""``--verify``: does the converted model still give the vectors that it should?

Held against the published vectors of the checkpoint where there are whole ones, else against the source
itself in float32. Published excerpts (five components) are shown but not judged. The bounds are for telling a
broken conversion from a sound one, not good from better: what a quantisation costs is for a benchmark to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from conversion.errors import ConversionError
from conversion.record import Record
from mlx_jinabert import load
from mlx_jinabert.architectures import read_architecture
from mlx_jinabert.backends import resolve_backend
from mlx_jinabert.catalog import find, hint
from mlx_jinabert.checkpoint.dense import check_chain
from mlx_jinabert.checkpoint.folder import ModelFolder
from mlx_jinabert.verify.published import CheckVector, check_vectors

__all__ = ["CHECK_TEXTS", "Agreement", "VerificationFailed", "bound", "verifier"]

CHECK_TEXTS = (
    "What is Deep Learning?",
    "def quicksort(items):\n    return items if len(items) < 2 else quicksort(items[1:])",
    "where are retries decided",
)
"""Compared with the source where nothing was published."""

_BOUNDS: Mapping[str, float] = {
    "float32": 0.9999,
    "float16": 0.9999,
    "bfloat16": 0.999,
    "int8": 0.995,
    "int4": 0.9,
}
_PACKED_BOUNDS: Mapping[int, float] = {8: 0.999, 6: 0.99, 4: 0.9}


@dataclass(frozen=True, slots=True)
class Agreement:
    """The cosine of one text's vector to what it is held against."""

    text: str
    against: str
    cosine: float
    bound: float | None
    """None: shown, not judged."""

    @property
    def holds(self) -> bool:
        """Whether it is good enough; a NaN is not."""
        return self.bound is None or self.cosine >= self.bound


class VerificationFailed(Exception):
    """The converted model gives other vectors; it was not put in place."""


def verifier(
    target: str, show: Callable[[Agreement], None], note: Callable[[str], None], known_as: str | None = None
) -> Callable[[ModelFolder, Path, Record], None]:
    """The ``check`` for ``convert``. ``known_as`` names the published checkpoint that the source is.

    Raises BackendUnavailable where the target cannot run here, before a conversion is begun for nothing.
    """
    resolve_backend(target)
    entry = find(known_as) if known_as is not None else None
    if known_as is not None and entry is None:
        raise ConversionError(
            f"--verify-as {known_as}: unknown; {hint(known_as)}, and their Hub ids are taken, too"
        )

    def verify(source: ModelFolder, folder: Path, record: Record) -> None:
        published = check_vectors(replace(source, entry=entry) if entry else source)
        if not any(len(vector.values) == _width(source, record) for vector in published):
            note("no whole vector is published for this checkpoint: compared with the source in float32")
        found = _agreements(source, folder, record, published)
        for agreement in found:
            show(agreement)
        failed = [agreement for agreement in found if not agreement.holds]
        if failed:
            worst = min(failed, key=lambda agreement: np.nan_to_num(agreement.cosine, nan=-1.0))
            raise VerificationFailed(
                f"{worst.text!r} has cosine {worst.cosine:.5f} to {worst.against}, "
                f"expected at least {worst.bound}"
            )

    return verify


def bound(record: Record) -> float:
    """The smallest cosine that a sound conversion gives."""
    if record.quantization is not None and record.target == "mlx":
        return _PACKED_BOUNDS[record.quantization["bits"]]
    return _BOUNDS[record.dtype]


def _agreements(
    source: ModelFolder, folder: Path, record: Record, published: Sequence[CheckVector]
) -> list[Agreement]:
    width = _width(source, record)
    whole = max((len(vector.values) for vector in published), default=0) >= width
    texts = list(dict.fromkeys((*(vector.text for vector in published), *(() if whole else CHECK_TEXTS))))
    ours = _embed(str(folder), record.target, "auto", texts)
    limit = bound(record)
    found = [
        Agreement(
            vector.text,
            f"published vector ({vector.source.split()[0]}, {_extent(vector, width)})",
            vector.cosine(ours[vector.text]),
            limit if len(vector.values) == width else None,
        )
        for vector in published
    ]
    if not whole:
        theirs = _embed(source.model_id, record.target, "float32", texts, source.revision)
        found += [
            Agreement(text, "the source in float32", float(ours[text] @ theirs[text]), limit)
            for text in texts
        ]
    return found


def _width(source: ModelFolder, record: Record) -> int:
    """Width of the hidden states, which configurations spell in several ways: that of a whole vector."""
    return check_chain(source.dense, read_architecture(source.config, record.tensors).output_size)


def _extent(vector: CheckVector, width: int) -> str:
    if len(vector.values) == width:
        return "whole"
    return f"first {len(vector.values)} components, not judged"


def _embed(
    name: str, backend: str, dtype: str, texts: list[str], revision: str | None = None
) -> Mapping[str, NDArray[np.float32]]:
    """Unit vectors by text, without any prompt, as the published ones were made."""
    model = load(name, backend=backend, dtype=dtype, revision=revision)
    return dict(zip(texts, model.encode(texts, prompt=""), strict=True))
