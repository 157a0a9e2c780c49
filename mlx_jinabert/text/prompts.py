"""Check the texts of a call and choose the prompt that goes in front of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["choose_prompt", "list_texts"]


def list_texts(texts: str | Iterable[str]) -> list[str]:
    """The texts as a list, a ``str`` as one text. TypeError names the first that is not a ``str``."""
    if isinstance(texts, str):
        return [texts]
    if isinstance(texts, bytes | bytearray | Mapping) or not isinstance(texts, Iterable):
        raise TypeError(f"texts must be a str or a list of str, not {type(texts).__name__}")
    found = list(texts)
    for position, text in enumerate(found):
        if not isinstance(text, str):
            raise TypeError(f"text {position} must be a str, not {type(text).__name__}: {text!r:.80}")
    return found


def choose_prompt(
    prompts: Mapping[str, str], default: str | None, prompt_name: str | None, prompt: str | None
) -> str:
    """The text to put before every text of the call; "" for none.

    Raises ValueError for two prompts at once and for a name that is not among ``prompts``.
    """
    if prompt is not None and prompt_name is not None:
        raise ValueError("give prompt or prompt_name, not both")
    if prompt is not None:
        return prompt
    name = default if prompt_name is None else prompt_name
    if name is None:
        return ""
    if name not in prompts:
        known = ", ".join(sorted(prompts)) or "none"
        raise ValueError(f"unknown prompt_name {name!r}; this model's prompts: {known}")
    return prompts[name]
