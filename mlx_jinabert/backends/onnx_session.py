"""One ONNX Runtime session: opened, held against what the model is to give, and run with an end.

A folder may bring a graph of its own, which is a program: it may loop without end, and give anything.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.backends.ort import onnxruntime
from mlx_jinabert.errors import ModelFolderError

if TYPE_CHECKING:
    from mlx_jinabert.text.tokenizer import TokenBatch

__all__ = ["Session"]

_QUIET = 3
"""Log errors only: warnings about graph clean-up are not the user's concern."""
_FATAL = 4
_SECONDS, _SECONDS_PER_TOKEN = 60.0, 0.05
"""Time that a run may take: a hundred times that of the slowest model of the catalogue."""
_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})


class Session:
    """The graph at ``path`` on ``threads`` threads; it gives ``width`` numbers a text, or a token.

    ``foreign``: it was not built here, so its runs are timed. ``final``: there is nothing to optimise in it.
    """

    def __init__(
        self,
        path: str,
        threads: int,
        width: int,
        *,
        foreign: bool,
        final: bool = False,
        per_token: bool = False,
    ) -> None:
        """Raises ModelFolderError for inputs or outputs that are no model's, and what onnxruntime raises."""
        self.foreign = foreign
        self._path = path
        self._width = width
        self._per_token = per_token
        self.session = _open(path, threads, final)
        inputs = {each.name for each in self.session.get_inputs()}
        outputs = self.session.get_outputs()
        if not {"input_ids"} <= inputs <= _INPUTS or len(outputs) != 1:
            names = ", ".join([*sorted(inputs), "->", *(each.name for each in outputs)])
            raise ModelFolderError(
                path, f"its graph has {names}; expected {', '.join(sorted(_INPUTS))} -> one"
            )
        self._inputs = inputs
        self._output = outputs[0].name
        self._options = _run_options()

    def run(self, batch: TokenBatch) -> NDArray[np.float32]:
        """(batch, width) float32, without the columns that hold nothing but padding.

        With a vector per token all columns are computed: (batch, length, width).

        An even number of columns: the product of one row that pools a text adds up in another order where
        the length is 3 more than a multiple of 4. Nothing else in a graph depends on padding or neighbours,
        so with it a text has one vector, to the bit, in whatever company it is computed (ONNX Runtime 1.32,
        x86-64).

        Raises ModelFolderError where the graph fails, gives something else or comes to no end.
        """
        length = batch.ids.shape[1]
        if not self._per_token:
            used = np.flatnonzero(batch.mask.any(axis=0))
            length = int(used[-1]) + 1 if used.size else 1
            length += (
                length % 2
            )  # where the batch ends before that, every text of it has all its columns already
        inputs = {"input_ids": batch.ids, "attention_mask": batch.mask, "token_type_ids": batch.types}
        columns = {
            name: values[:, :length].astype(np.int64)
            for name, values in inputs.items()
            if values is not None and name in self._inputs
        }
        values = self._bounded(columns, _SECONDS + _SECONDS_PER_TOKEN * batch.ids.size)
        shape = (*batch.ids.shape, self._width) if self._per_token else (len(batch.ids), self._width)
        if values.shape != shape or values.dtype != np.float32:
            raise ModelFolderError(
                self._path,
                f"its graph gave {values.dtype} {values.shape} for {len(batch.ids)} text(s), expected "
                f"float32 {shape}",
            )
        return values

    def _bounded(self, columns: dict[str, NDArray[np.int64]], seconds: float) -> NDArray[np.float32]:
        options = _run_options() if self.foreign else self._options  # one of its own is told to end
        timer = (
            threading.Timer(seconds, lambda: setattr(options, "terminate", True)) if self.foreign else None
        )
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            values: NDArray[np.float32] = np.asarray(self.session.run([self._output], columns, options)[0])
        except Exception as error:  # onnxruntime's errors share no base
            raise ModelFolderError(self._path, f"its graph failed: {error}") from error
        finally:
            if timer is not None:
                timer.cancel()
        return values


def _run_options() -> onnxruntime.RunOptions:
    options = onnxruntime.RunOptions()
    options.log_severity_level = _FATAL
    return options


def _open(path: str, threads: int, final: bool) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_DISABLE_ALL if final else levels.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _QUIET
    # Two pools of threads that spin while they wait take each other's cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Plans for the buffers of every shape that ever came are not worth keeping.
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
