"""The list of ``codesearch models``: columns for a person, tab-separated fields for a program.

As other tools do it, what a pipe gets has no header and is never cut.
"""

from __future__ import annotations

from collections.abc import Sequence

from codesearch.models.names import KnownModel
from codesearch.rendering.terminal import one_line

__all__ = ["columns", "fields"]

_HEADER = ("MODEL", "SIZE", "DIMS", "TOKENS", "LICENCE", "USE")
_NUMBERS = (1, 3)
"""Columns that are aligned on the right."""
_GAP = "  "
_LEAST_USE = 20
_FOOT = (
    "* take it as not for commercial use unless its model card says otherwise\n"
    "! config_overrides has to state a setting that nobody published\n"
    "DIMS in parentheses: shorter vectors that the model was trained for (truncate_dim). Details: --json\n"
)


def columns(models: Sequence[KnownModel], width: int) -> str:
    """Aligned columns, the last one cut so that a line has ``width`` characters at most."""
    rows = [_HEADER, *(_row(model) for model in models)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(_HEADER) - 1)]
    left = max(_LEAST_USE, width - sum(widths) - len(_GAP) * len(widths))
    lines = []
    for *cells, use in rows:
        aligned = [
            cell.rjust(size) if n in _NUMBERS else cell.ljust(size)
            for n, (cell, size) in enumerate(zip(cells, widths, strict=True))
        ]
        lines.append(_GAP.join([*aligned, use if len(use) <= left else f"{use[: left - 3]}..."]).rstrip())
    return "\n".join(lines) + "\n\n" + _FOOT


def fields(models: Sequence[KnownModel]) -> str:
    """A line a model: name, source, parameters, dims, tokens, licence, commercial use, recommended use."""
    return "".join(
        "\t".join(
            one_line(str(value))
            for value in (
                model.name,
                model.source,
                model.parameters,
                ",".join(map(str, (model.dim, *reversed(model.matryoshka_dims)))),
                model.context,
                model.licence,
                "yes" if model.commercial_use else "no",
                model.use,
            )
        )
        + "\n"
        for model in models
    )


def _row(model: KnownModel) -> tuple[str, ...]:
    shorter = f" ({' '.join(map(str, model.matryoshka_dims))})" if model.matryoshka_dims else ""
    shorter = " (any)" if model.any_prefix else shorter
    return (
        model.name + ("!" if model.to_state else ""),
        _count(model.parameters),
        f"{model.dim}{shorter}",
        f"{model.context:,}",
        model.licence + ("" if model.commercial_use else "*"),
        one_line(model.use),
    )


def _count(parameters: int) -> str:
    """6,832,128 -> "7M"."""
    millions = parameters / 1e6
    return f"{millions:.0f}M" if millions < 1000 else f"{millions / 1000:.1f}B"
