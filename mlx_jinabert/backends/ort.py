"""Import ONNX Runtime with its telemetry off; nothing else in the project imports it.

Since 1.29 its wheels for Linux and macOS keep a device id and a queue of events in the user's cache and
send them (``onnxruntime/core/platform/telemetry_1ds.cc``). The variable counts at the first import in a
process; the call covers a process that imported it before. ``MLX_JINABERT_ORT_TELEMETRY=1``
leaves ONNX Runtime's own settings alone; ``ORT_DISABLE_TELEMETRY=0`` does not switch it on.
"""

from __future__ import annotations

import os

__all__ = ["onnxruntime"]

_WANTED = os.environ.get("MLX_JINABERT_ORT_TELEMETRY") == "1"
if not _WANTED:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # noqa: E402 (after the variable)

if not _WANTED:
    onnxruntime.disable_telemetry_events()
