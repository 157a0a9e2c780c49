"""Whether a question is one for the documentation: "how do I install it", "which options are there".

English only; a question of which nothing is recognised is one about code, as it was always taken. The
phrases are those in which people ask for help, of no project in particular.
"""

from __future__ import annotations

import re
from enum import IntEnum

from codesearch.searching.question.query import Query

__all__ = ["AnswerKind", "prose_wanted"]


class AnswerKind(IntEnum):
    """Decide which should answer: code, either, or prose."""

    CODE = 0
    EITHER = 1
    PROSE = 2


_ASKS_FOR_HELP = re.compile(
    r"""
    \bhow\ (?:to|(?:do|can|could|should|would|may|must)\ (?:i|we|you|one))\b
    | \bwhat\ (?:to\ do|makes|(?:should|can|do)\ i)\b
    | \b(?:install(?:ing|ation|ed)?|set(?:ting)?[ -]up|setup|troubleshoot\w*|getting\ started|quick\ ?start
        | tutorials?|guides?|documentation|readme|faqs?|best\ practices?|recommend(?:ed|ations?)|requirements?
        | prerequisites?|cheapest|pricing|free\ tier|download(?:s|ing)?|step[ -]by[ -]step|examples?\ of
        | changelog|release\ notes|licen[sc]e|contributing|upgrade\ from|migrat(?:e|ing|ion)\ from)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MAY_ASK_FOR_HELP = re.compile(
    r"""
    \bhow\ (?:does|do|is|are|was|were)\b.*\b(?:work|works|working|improved)\b
    | \bhow\ much\b
    | \b(?:what|which)\b.*\b(?:options?|parameters?|settings?|commands?|flags?|languages?|platforms?|versions?
        | benchmarks?|features?|support(?:s|ed)?|accepts?|limits?)\b
    | \bconfigur(?:e|ed|ing|ation)\b | \boptions?\b | \bapi\ keys?\b | \benvironment\ variables?\b
    | \bcommand[ -]line\b | \busage\b | \bworkflow\b | \bdifferen(?:t|ce)\ (?:from|between)\b
    | \bwhy\ (?:use|should)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ABOUT_CODE = re.compile(
    r"""
    \b(?:functions?|methods?|class(?:es)?|structs?|enums?|traits?|interfaces?|modules?|implement(?:ed|s|ation)?
        | defin(?:e|es|ed|ition)|algorithm|pars(?:e|es|er|ing)|handler|wrapper|decorator|callback
        | where\ (?:is|are|does|do))\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SAID = {"code": AnswerKind.CODE, "docs": AnswerKind.PROSE, "all": AnswerKind.EITHER}
_HOW_TO = re.compile(r"\s*how\s+(?:to|do|can|should)\b", re.IGNORECASE)


def prose_wanted(query: Query) -> AnswerKind:
    """Return what should answer this question. A name, and an issue, ask for code."""
    if query.kind in _SAID:
        return _SAID[query.kind]
    if query.is_name or query.is_long:
        return AnswerKind.CODE
    text = " ".join(query.text.split())
    score = 2 * bool(_ASKS_FOR_HELP.search(text)) + bool(_MAY_ASK_FOR_HELP.search(text))
    if _ABOUT_CODE.search(text) and not _HOW_TO.match(text):
        score -= 2
    score -= sum(not name.weak for name in query.names)
    return AnswerKind(max(AnswerKind.CODE, min(score, AnswerKind.PROSE)))
