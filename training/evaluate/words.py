"""Whether a question and its answer share a word: only meaning can answer the questions that share none.

Words are compared by a stem that is cruder than a dictionary's, on purpose: it takes too many words for
the same rather than too few, so that no question passes for one without shared words because of an ending.
"""

from __future__ import annotations

import re
from functools import lru_cache

from training.evaluate.bm25 import counted, terms

__all__ = ["share_a_word", "stem"]

_ENDINGS = re.compile(
    r"(?<=.{3})(izations|urations|ization|uration|ations|ifying|ables|ances|ating|ation|ences|ibles|ified|ifies"
    r"|ising|ities|izing|ments|able|ally|ance|ated|ates|ence|ible|ings|ions|ised|ises|ized|izes|less|ment|ness"
    r"|ures|ant|ate|ent|ers|ful|ify|ing|ion|ise|ity|ive|ize|ors|ure|al|ed|en|er|es|ic|ly|or|ur|e|i|s|y)$"
)
_MIN_STEM = 3


@lru_cache(maxsize=1 << 18)
def stem(word: str) -> str:
    """What is left of a folded word without its endings, at least three letters.

    >>> [stem(word) for word in ("configuration", "configured", "config", "running", "parser", "parses")]
    ['config', 'config', 'config', 'run', 'par', 'par']
    """
    while (rest := _ENDINGS.sub("", word)) != word:
        word = rest
    return word[:-1] if len(word) > _MIN_STEM and word[-1] == word[-2] else word


def share_a_word(question: str, answer: str) -> bool:
    """Whether any word of the question but function words, split and stemmed, stands in the answer."""
    return not {stem(term) for term in terms(question)}.isdisjoint(map(stem, counted(answer)))
