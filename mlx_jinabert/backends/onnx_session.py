"""One ONNX Runtime session: opened, held against what the model is to give, and run with an end.

A folder may bring a graph of its own, which is a program: it may loop without end, and give anything.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlx_jinabert.backends.graph_values import GraphValues
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
        self.session = _open(path, threads, final)
        names = [
            [each.name for each in those] for those in (self.session.get_inputs(), self.session.get_outputs())
        ]
        self._values = GraphValues(path, width, *names, per_token=per_token)
        self._output = names[1][0]
        self._options = _run_options()

    def run(self, batch: TokenBatch) -> NDArray[np.float32]:
        """(batch, width) float32; with a vector per token, (batch, length, width).

        Raises ModelFolderError where the graph fails, gives something else or comes to no end.
        """
        columns = self._values.columns(batch)
        values = self._bounded(columns, _SECONDS + _SECONDS_PER_TOKEN * batch.ids.size)
        return self._values.checked(values, batch)

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
