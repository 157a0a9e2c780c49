"""Figures as a table to read and as JSON to keep, with what they are figures of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.evaluate.figures import Figure
from training.evaluate.models import Model

__all__ = ["Conditions", "markdown", "write"]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What was measured on what. ``notes``: what a reader must know of it, such as what was left out."""

    models: tuple[Model, ...]
    rankers: tuple[str, ...]
    tested: str
    notes: tuple[str, ...]


def write(stem: Path, conditions: Conditions, figures: Sequence[Figure]) -> None:
    """``<stem>.json`` and ``<stem>.md``."""
    stored = {
        "tested": conditions.tested,
        "models": [_model(model) for model in conditions.models],
        "notes": conditions.notes,
        "figures": [asdict(figure) for figure in figures],
    }
    stem.with_name(f"{stem.name}.json").write_text(
        json.dumps(stored, indent=1, ensure_ascii=False) + "\n", "utf-8"
    )
    stem.with_name(f"{stem.name}.md").write_text(markdown(conditions, figures), "utf-8")


def markdown(conditions: Conditions, figures: Sequence[Figure]) -> str:
    """Two tables: figures by ranker, and differences to ``tested``."""
    names = [name for name in conditions.rankers if any(name in figure.means for figure in figures)]
    others = [name for name in names if name != conditions.tested]
    lines = [*_table(figures, names, _value), ""]
    if others:
        lines += [
            f"{conditions.tested} minus each, with 90 % intervals (paired bootstrap over questions):",
            "",
        ]
        lines += [*_table(figures, others, _difference), ""]
    for model in map(_model, conditions.models):
        files = ", ".join(f"{name} sha256 {digest}" for name, digest in model["weights"].items())
        lines.append(
            f"- {model['name']}: {model['dim']} dims, {model['dtype']}, up to {model['max_length']} tokens, "
            f"fingerprint {model['fingerprint']}; {files}"
        )
    return "\n".join([*lines, *(f"- {note}" for note in conditions.notes), ""])


def _table(figures: Sequence[Figure], names: Sequence[str], cell: Any) -> list[str]:
    head = ["task", "part", "measure", "questions", *names]
    rows = [
        [
            figure.task,
            figure.slice,
            figure.measure,
            f"{figure.questions:,}",
            *(cell(figure, n) for n in names),
        ]
        for figure in figures
    ]
    rule = ["---", "---", "---", *["---:"] * (len(names) + 1)]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]


def _value(figure: Figure, name: str) -> str:
    return f"{figure.means[name]:.3f}" if name in figure.means else ""


def _difference(figure: Figure, name: str) -> str:
    return str(figure.differences[name]) if name in figure.differences else ""


def _model(model: Model) -> dict[str, Any]:
    embedder = model.embedder
    return {
        "name": model.name,
        "dim": embedder.dim,
        "dtype": embedder.dtype,
        "max_length": embedder.max_length,
        "fingerprint": embedder.fingerprint,
        "weights": model.weights(),
    }
