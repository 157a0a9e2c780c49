"""A thin layer over ``onnx.helper``: values are names, constants are stored once, files may be split.

Opset 20 brings GELU as an operator; opset 21 and IR version 10 are the most that onnxruntime 1.20
reads. Weights are NumPy arrays apart from the nodes, see ``initializers.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NewType

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper

from mlx_jinabert.architectures.shared.onnx.initializers import INLINE_BYTES, SMALL_BYTES, Initializers
from mlx_jinabert.quick_dataclass import dataclass

__all__ = ["DOUBLE", "FLOAT", "INT64", "Graph", "GraphBuilder", "Value"]

Value = NewType("Value", str)
"""The name of a tensor in the graph."""

FLOAT = TensorProto.FLOAT
DOUBLE = TensorProto.DOUBLE
INT64 = TensorProto.INT64

_OPSET = 20
_IR_VERSION = 9
_PRODUCER = "mlx_jinabert"
_CONTRIB = "com.microsoft"


@dataclass(frozen=True, slots=True)
class Graph:
    """A finished graph: ``model`` without its weights, and these."""

    model: onnx.ModelProto
    initializers: Initializers

    @property
    def weights(self) -> Mapping[str, NDArray[Any]]:
        """All constants by name."""
        return self.initializers.arrays()

    def save(self, path: Path, inline_bytes: int = INLINE_BYTES) -> None:
        """Write ``path``, and ``path`` + ".data" if the weights are more than ``inline_bytes``.

        A builder that was given a file for its weights can save to the path of that file alone.
        """
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        model.graph.initializer.extend(self.initializers.write(path, inline_bytes))
        path.write_bytes(model.SerializeToString())


class GraphBuilder:
    """Collects nodes and constants of one graph. ``data``: see ``Initializers``."""

    def __init__(self, data: Path | None = None) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._numbers = count()
        self._initializers = Initializers(data)
        self._small: dict[tuple[str, tuple[int, ...], bytes], Value] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, dtype: int, shape: Sequence[str | int]) -> Value:
        """Declare an input; names in ``shape`` are dynamic axes."""
        self._inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return Value(name)

    def output(self, value: Value, name: str, dtype: int, shape: Sequence[str | int]) -> None:
        """Declare ``value`` as an output called ``name``."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self._outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def constant(self, array: NDArray[Any]) -> Value:
        """A weight or another constant; small equal ones are stored once."""
        if array.nbytes > SMALL_BYTES:
            return Value(self._initializers.add(array))
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._small:
            self._small[key] = Value(self._initializers.add(array))
        return self._small[key]

    def rows(self, shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Iterable[NDArray[Any]]) -> Value:
        """A weight that comes as blocks of rows, so that it need not be in memory at once."""
        return Value(self._initializers.add_rows(shape, dtype, blocks))

    def ints(self, *values: int) -> Value:
        """A constant (n,) int64: axes, shapes, bounds."""
        return self.constant(np.array(values, np.int64))

    def number(self, value: ArrayLike, dtype: type[np.generic] = np.float32) -> Value:
        """A scalar constant."""
        return self.constant(np.array(value, dtype))

    def op(self, kind: str, *inputs: Value | None, **attributes: Any) -> Value:
        """A node with one output; None leaves an optional input out."""
        return self._node(kind, "", inputs, attributes)

    def split(self, value: Value, parts: int) -> tuple[Value, ...]:
        """Equal parts along the second axis."""
        number = next(self._numbers)
        names = tuple(Value(f"Split_{number}_{part}") for part in range(parts))
        self._nodes.append(helper.make_node("Split", [value], names, axis=1, num_outputs=parts))
        return names

    def stacked(self, rounds: Value, body: Callable[[Value], Value]) -> Value:
        """``body(i)`` for i = 0 .. ``rounds`` - 1 (scalars, int64), stacked along a new first axis.

        One round is done before the next begins, so what a body makes is never there twice. Bodies see all
        that was made before them.
        """
        name = Value(f"Loop_{next(self._numbers)}")
        index, going = Value(f"{name}_index"), Value(f"{name}_going")
        inner, result = self._body(lambda: body(index))
        inner.append(helper.make_node("Identity", [going], [f"{going}_on"], name=f"{going}_on"))
        graph = helper.make_graph(
            inner,
            f"{name}_body",
            [
                helper.make_tensor_value_info(index, INT64, ()),
                helper.make_tensor_value_info(going, TensorProto.BOOL, ()),
            ],
            [
                helper.make_tensor_value_info(f"{going}_on", TensorProto.BOOL, ()),
                helper.make_tensor_value_info(result, FLOAT, None),
            ],
        )
        self._nodes.append(helper.make_node("Loop", [rounds, ""], [name], name=name, body=graph))
        return name

    def either(self, condition: Value, then: Callable[[], Value], otherwise: Callable[[], Value]) -> Value:
        """``then()`` where the condition (one bool) holds, else ``otherwise()``; the other is not run."""
        name = Value(f"If_{next(self._numbers)}")
        branches = {}
        for branch, body in (("then", then), ("else", otherwise)):
            nodes, result = self._body(body)
            output = helper.make_tensor_value_info(result, FLOAT, None)
            branches[f"{branch}_branch"] = helper.make_graph(nodes, f"{name}_{branch}", [], [output])
        self._nodes.append(helper.make_node("If", [condition], [name], name=name, **branches))
        return name

    def contrib(self, kind: str, *inputs: Value | None, **attributes: Any) -> Value:
        """The same for an operator that only onnxruntime has."""
        return self._node(kind, _CONTRIB, inputs, attributes)

    def finish(self, **metadata: str) -> Graph:
        """The graph; ``metadata`` is kept in the file and read back by the backend."""
        graph = helper.make_graph(self._nodes, _PRODUCER, self._inputs, self._outputs)
        model = helper.make_model(
            graph,
            producer_name=_PRODUCER,
            opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)],
            ir_version=_IR_VERSION,
        )
        helper.set_model_props(model, metadata)
        return Graph(model, self._initializers)

    def _body(self, body: Callable[[], Value]) -> tuple[list[onnx.NodeProto], Value]:
        """The nodes that ``body`` adds, kept out of this graph, and its result."""
        outer, self._nodes = self._nodes, []
        result = body()
        inner, self._nodes = self._nodes, outer
        return inner, result

    def _node(
        self, kind: str, domain: str, inputs: Sequence[Value | None], attributes: dict[str, Any]
    ) -> Value:
        name = Value(f"{kind}_{next(self._numbers)}")
        given = [value or "" for value in inputs]
        self._nodes.append(helper.make_node(kind, given, [name], name=name, domain=domain, **attributes))
        return name
