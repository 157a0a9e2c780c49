"""The graph in ONNX Runtime, inside of Triton's Python backend; ``convert-weights --to triton`` copies it.

For a Triton without the ONNX Runtime backend. Needs ``onnxruntime`` and ``numpy`` in Triton's Python.
"""

from pathlib import Path

import numpy as np
import onnxruntime
import triton_python_backend_utils as triton


class TritonPythonModel:
    """input_ids and attention_mask, (n, length) int64 -> VECTOR, (n, dim) float32."""

    def initialize(self, args):
        """Open the graph that lies beside this file."""
        onnxruntime.disable_telemetry_events()
        path = str(Path(__file__).with_name("model.onnx"))
        self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def execute(self, requests):
        """Run the requests, which have one length, as one batch."""
        inputs = [
            [triton.get_input_tensor_by_name(request, name).as_numpy() for request in requests]
            for name in ("input_ids", "attention_mask")
        ]
        ids, mask = (np.concatenate(parts) for parts in inputs)
        [vectors] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        ends = np.cumsum([len(part) for part in inputs[0]])
        return [
            triton.InferenceResponse([triton.Tensor("VECTOR", np.ascontiguousarray(part, np.float32))])
            for part in np.split(vectors, ends[:-1])
        ]
