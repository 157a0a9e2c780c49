"""``python -m mlx_jinabert.verify``: does a model compute the right numbers on this machine, and how fast.

Prints what was checked and one line to paste into a report. Exit 0 if all holds, 1 if not, 2 if the model
could not be loaded.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from mlx_jinabert import __version__
from mlx_jinabert.errors import JinabertError
from mlx_jinabert.loading.common import DTYPES
from mlx_jinabert.loading.embedding import load_local
from mlx_jinabert.local.embedder import LocalEmbedder
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.verify import checks
from mlx_jinabert.verify.checks import Check, Speed
from mlx_jinabert.verify.machine import Machine, describe
from mlx_jinabert.verify.published import identify

__all__ = ["Report", "main", "verify"]

FUSED_HEAD_WIDTHS = (64, 72, 80, 96, 128, 192, 256)
"""For which ``mx.fast.scaled_dot_product_attention`` has a kernel with an array as the mask (MLX 0.32)."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of all checks. ``max_difference`` is the largest one among the checks that measure it."""

    model: str
    fingerprint: str
    backend: str
    device: str
    dtype: str
    attention: str
    """Which kernel computes it, where that is known; "" elsewhere."""
    version: str
    machine: Machine
    checks: tuple[Check, ...]
    speed: Speed

    @property
    def passed(self) -> bool:
        """Whether every check held."""
        return all(check.passed for check in self.checks)

    @property
    def max_difference(self) -> float:
        """Of a component of two unit vectors that should be equal."""
        return float(np.nanmax([check.difference for check in self.checks]))

    @property
    def min_cosine(self) -> float:
        """Of two vectors that should be equal."""
        return float(np.nanmin([check.cosine for check in self.checks]))

    def line(self) -> str:
        """Everything that matters in one line."""
        parts = (
            f"mlx-jinabert {self.version}",
            f"{self.model} {self.fingerprint[:12]}",
            f"{self.backend} {self.dtype} on {self.device}",
            *([self.attention] if self.attention else []),
            self.machine.chip,
            self.machine.system,
            f"Python {self.machine.python}",
            ", ".join(self.machine.libraries),
            f"max diff {self.max_difference:.1e}, min cosine {self.min_cosine:.6f}",
            f"{self.speed.texts_per_second:.1f} texts/s ({self.speed.tokens_per_second:.0f} tokens/s)",
            "pass" if self.passed else "FAIL",
        )
        return " | ".join(parts)


def verify(model: LocalEmbedder, seconds: float = 3.0) -> Report:
    """Run all checks on a loaded model and time it for about ``seconds``."""
    found = [*checks.golden(model), *checks.published(model), *checks.invariants(model)]
    return Report(
        model=_public_name(model),
        fingerprint=model.fingerprint,
        backend=model.backend,
        device=model.device,
        dtype=model.dtype,
        attention=attention_kernel(model.backend, model.device, model.head_width),
        version=__version__,
        machine=describe(),
        checks=tuple(found),
        speed=checks.throughput(model, seconds),
    )


def attention_kernel(backend: str, device: str, head_width: int) -> str:
    """Return which kernel MLX takes on a GPU for heads of this width; "" where there is no choice."""
    if backend != "mlx" or device == "cpu" or not head_width:
        return ""
    if head_width in FUSED_HEAD_WIDTHS:
        return "fused attention"
    return f"unfused attention (no fused kernel for heads {head_width} wide)"


def _public_name(model: LocalEmbedder) -> str:
    """The model's name without the path it lies under, which is nobody's business in a report."""
    folder = model.folder
    return model.model_id if folder.origin != "folder" else identify(folder) or folder.path.name


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        model = load_local(
            options.model, backend=options.backend, dtype=options.dtype, revision=options.revision
        )
        report = verify(model, options.seconds)
    except (JinabertError, ValueError) as error:
        print(json.dumps({"error": str(error)}) if options.json else f"error: {error}", file=sys.stderr)
        return 2
    print(_as_json(report) if options.json else _as_text(report))
    return 0 if report.passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlx_jinabert.verify", description=__doc__)
    parser.add_argument("--model", default="embedded", help="alias, Hub id, folder or %(default)r")
    parser.add_argument("--backend", default="auto", choices=("auto", "mlx", "onnx", "openvino"))
    parser.add_argument("--dtype", default="auto", choices=DTYPES)
    parser.add_argument("--revision", default=None, help="commit, tag or branch of a Hub model")
    parser.add_argument("--seconds", type=float, default=3.0, help="time to measure for (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


def _as_text(report: Report) -> str:
    lines = [_check_line(check) for check in report.checks]
    return "\n".join([*lines, "", "Please paste this line into your report:", report.line()])


def _check_line(check: Check) -> str:
    figures = [f"max diff {check.difference:.1e}"] if not np.isnan(check.difference) else []
    figures += [f"cosine {check.cosine:.6f}"] if not np.isnan(check.cosine) else []
    figures += [check.detail] if check.detail else []
    return f"{'ok  ' if check.passed else 'FAIL'}  {check.name:<26} {', '.join(figures)}".rstrip()


def _as_json(report: Report) -> str:
    record = asdict(report) | {"passed": report.passed, "line": report.line()}
    for check in record["checks"]:
        for figure in ("difference", "cosine"):
            check[figure] = None if np.isnan(check[figure]) else check[figure]
    return json.dumps(record, indent=2)
