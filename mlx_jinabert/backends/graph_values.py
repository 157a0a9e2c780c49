"""What goes into an ONNX graph and what has to come out of it, whichever runtime computes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.errors import ModelFolderError

if TYPE_CHECKING:
    from mlx_jinabert.text.tokenizer import TokenBatch

__all__ = ["GraphValues"]

_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})


class GraphValues:
    """Inputs and output of the graph at ``path``, which gives ``width`` numbers a text, or a token."""

    def __init__(
        self, path: str, width: int, inputs: Iterable[str], outputs: Sequence[str], *, per_token: bool
    ) -> None:
        """Raises ModelFolderError for inputs or outputs that are no model's."""
        self._path = path
        self._width = width
        self._per_token = per_token
        self._inputs = set(inputs)
        if not {"input_ids"} <= self._inputs <= _INPUTS or len(outputs) != 1:
            names = ", ".join([*sorted(self._inputs), "->", *outputs])
            raise ModelFolderError(
                path, f"its graph has {names}; expected {', '.join(sorted(_INPUTS))} -> one"
            )

    def columns(self, batch: TokenBatch) -> dict[str, NDArray[np.int64]]:
        """Inputs by name, (batch, columns) int64, without the columns that hold nothing but padding.

        With a vector per token all columns are computed.

        An even number of columns: the product of one row that pools a text adds up in another order where
        the length is 3 more than a multiple of 4. Nothing else in a graph depends on padding or neighbours,
        so with it a text has one vector, to the bit, in whatever company it is computed (ONNX Runtime 1.32,
        x86-64).
        """
        length = batch.ids.shape[1]
        if not self._per_token:
            used = np.flatnonzero(batch.mask.any(axis=0))
            length = int(used[-1]) + 1 if used.size else 1
            length += (
                length % 2
            )  # where the batch ends before that, every text of it has all its columns already
        inputs = {"input_ids": batch.ids, "attention_mask": batch.mask, "token_type_ids": batch.types}
        return {
            name: values[:, :length].astype(np.int64)
            for name, values in inputs.items()
            if values is not None and name in self._inputs
        }

    def checked(self, values: NDArray[np.float32], batch: TokenBatch) -> NDArray[np.float32]:
        """``values`` if they are (batch, width) float32, or (batch, length, width) with a vector per token.

        Raises ModelFolderError for anything else.
        """
        shape = (*batch.ids.shape, self._width) if self._per_token else (len(batch.ids), self._width)
        if values.shape != shape or values.dtype != np.float32:
            raise ModelFolderError(
                self._path,
                f"its graph gave {values.dtype} {values.shape} for {len(batch.ids)} text(s), expected "
                f"float32 {shape}",
            )
        return values
