"""Import OpenVINO with its telemetry off; nothing else in the project imports it.

``import openvino`` sends an event to Google Analytics by the package ``openvino-telemetry``
(``openvino/tools/ovc/__init__.py``) and has a stub for where that is not installed. Here it is as if it were
not. A program that imported openvino before has sent its event.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["openvino"]

_TELEMETRY = "openvino_telemetry"
_before: Any = sys.modules.get(_TELEMETRY)
sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # importing it raises ImportError
try:
    import openvino
finally:
    if _before is None:
        del sys.modules[_TELEMETRY]
    else:
        sys.modules[_TELEMETRY] = _before
