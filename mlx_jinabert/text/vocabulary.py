"""The largest token id that a tokenizer.json can give, read from the file itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["largest_id"]


def largest_id(tokenizer: Mapping[str, Any]) -> int:
    """Return the largest id in ``tokenizer`` (a parsed tokenizer.json); -1 where there is none.

    Counted are the vocabulary, added tokens, and the ids that its template and its padding name, whether
    or not the vocabulary knows them.
    """
    return max((value for value in _ids(tokenizer) if isinstance(value, int)), default=-1)


def _ids(tokenizer: Mapping[str, Any]) -> Iterator[Any]:
    model = tokenizer.get("model")
    vocabulary = model.get("vocab") if isinstance(model, Mapping) else None
    if isinstance(vocabulary, Mapping):
        numbers = vocabulary.values()
        yield from [max(numbers)] if set(map(type, numbers)) == {int} else numbers  # at once: there are many
    elif isinstance(vocabulary, list):
        yield len(vocabulary) - 1
    for token in tokenizer.get("added_tokens") or ():
        yield token.get("id") if isinstance(token, Mapping) else None
    padding = tokenizer.get("padding")
    yield padding.get("pad_id") if isinstance(padding, Mapping) else None
    yield from _named_by_template(tokenizer.get("post_processor"))


def _named_by_template(processor: Any) -> Iterator[Any]:
    """Every id of ``"ids": [7]`` and of ``"sep": ["</s>", 7]``, however deep it stands."""
    left = [processor]
    while left:
        part = left.pop()
        if isinstance(part, Mapping):
            for key, value in part.items():
                if key in ("ids", "sep", "cls") and isinstance(value, list):
                    yield from value
                else:
                    left.append(value)
        elif isinstance(part, list):
            left += part
