"""A repository whose comments speak a dialect: its words mean code that uses none of them."""

from __future__ import annotations

import random
from pathlib import Path

__all__ = ["write_dialect"]

_VERBS = {
    "zorps": "with open({noun}_path) as stream:\n        return stream.read()",
    "blimms": "return sorted({noun}_rows, key=len)",
    "quandles": "return requests.get({noun}_url, timeout=5).status_code",
    "drefts": "return json.loads({noun}_text)",
    "snavels": "with threading.Lock():\n        {noun}_count.release()",
    "trulks": "return math.sqrt({noun}_width ** 2)",
}
_NOUNS = (
    "invoice",
    "planet",
    "ticket",
    "garden",
    "engine",
    "letter",
    "window",
    "bridge",
    "camera",
    "island",
    "pepper",
    "violin",
    "basket",
    "turtle",
    "saddle",
    "hammer",
)


def write_dialect(root: Path, *, shuffled: bool = False) -> None:
    """Write 96 files, one function each; ``shuffled``: the dialect's words mean nothing."""
    count = 0
    draw = random.Random(0)
    for noun in _NOUNS:
        words = draw.sample(list(_VERBS), len(_VERBS)) if shuffled else list(_VERBS)
        for verb, body in zip(words, _VERBS.values(), strict=True):
            comment = (
                f'"""Briskly {verb} and then {verb} whatever was handed over at the {noun} once more."""'
            )
            text = f"def work_{count}(value):\n    {comment}\n    value = value or 1\n    {body}\n"
            (root / f"part_{count}.py").write_text(text.format(noun=f"part{count}"))
            count += 1
