"""Whether a question is one for tests: "which tests cover retries", "tests for a lost connection".

English only, like prose.py; a question that merely speaks of testing asks for code and tests alike.
"""

from __future__ import annotations

import re

from codesearch.searching.question.query import Query

__all__ = ["wants_tests"]

_ASKS_FOR_TESTS = re.compile(
    r"""
    \b(?:which|what|find|show|list|where\ are|are\ there|any|all|existing)\ (?:the\ )?(?:\w+\ )?tests?\b
        (?!\ (?:data|fixtures?|helpers?|utils?|runners?|clients?|servers?|frameworks?|commands?))
    | ^\W*(?:\w+\ )?tests?\ (?:cases?\ )?(?:for|of|that|where|which|whether|when|with|covering|about)\b
    | \btests?\ (?:cover|exercise|check|verif|assert)\w*\b
    | \b(?:covered|exercised|checked)\ by\ (?:\w+\ )?tests?\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def wants_tests(query: Query) -> bool:
    """Whether tests are what this question looks for. A name, and an issue, ask for code."""
    if query.is_name or query.is_long:
        return False
    return _ASKS_FOR_TESTS.search(" ".join(query.text.split())) is not None
