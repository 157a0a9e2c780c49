r"""How much a text looks as if it declared a name, whatever its language: for names that no table knows.

Languages differ less in this than in anything else: a keyword stands before the name (``def x``, ``let x``,
``CREATE SEQUENCE x``), a type (``int x;``), or ``=``, ``:`` and ``<-`` after it, mostly at the beginning of a
line; a name within braces behind a keyword of a type is a member. Asked only where nothing defines the name.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["declared_grade"]

_KEYWORDS = (
    "def|defn|defp|define|fn|func|fun|function|sub|proc|procedure|method|macro|subroutine|lambda|class|struct"
    "|structure|record|trait|interface|protocol|enum|union|type|typedef|alias|typealias|newtype|data|module"
    "|namespace|package|object|const|constant|constexpr|let|var|val|my|our|local|global|static|readonly|declare"
    "|event|error|exception|modifier|rpc|message|service|sequence|table|view|index|trigger|domain|schema"
    "|resource|variable|parameter|param|property|signal|theorem|lemma|axiom|definition|inductive|instance|rule"
    "|task|target|template|concept|contract|library|component|entity|mixin|extension|operator|keyframes"
    "|paragraph|section|program|division|scenario|feature|job|stage|fragment|query|mutation|input|scalar"
)
_TYPES = (
    "enum|struct|union|record|class|interface|type|data|message|service|protocol|trait|object|extension|input|table"
    "|contract|module|namespace|options|flags|typedef|NS_ENUM|NS_OPTIONS|entity|model|impl"
)
_NO_TYPE = (
    "return|throw|raise|new|import|from|use|using|else|case|goto|delete|await|yield|emit|assert|in|is|as|not|and|or"
    "|print|echo|puts|if|while|until|unless|for|switch|match|when|call|do|then|extends|implements|include|require"
    "|drop|insert|into|select|update|where|join|grant|alter|export|package|typeof|instanceof|with|go|defer|super"
)
_REMARKS = re.compile(r"^[ \t]*(?://|#(?![ \t]*define)|--|;|%|\*|/\*|<!--|\(\*|\"\"\").*$", re.MULTILINE)
"""Lines of comments, where any word may stand behind any other."""
_KEYWORD, _MEMBER, _ASSIGNED, _INDENTED, _TYPED = 1.0, 0.9, 0.8, 0.6, 0.7


def declared_grade(text: str, name: str) -> float:
    """Grade from 0 to 1 how surely a text declares the name.

    >>> declared_grade("CREATE SEQUENCE invoice_numbers;", "invoice_numbers")
    1.0
    >>> declared_grade("return invoice_numbers + 1", "invoice_numbers")
    0.0
    """
    return _declared_grade(text, name) if name in text else 0.0


@lru_cache(maxsize=1 << 10)  # the ranking asks twice, about each use of a name that nothing defines
def _declared_grade(text: str, name: str) -> float:
    text = _REMARKS.sub("", text)
    return next((grade for grade, form in _forms(name) if form.search(text)), 0.0)


@lru_cache(maxsize=64)
def _forms(name: str) -> tuple[tuple[float, re.Pattern[str]], ...]:
    """The expressions that find a declaration of the name, the surest first.

    Every repetition in them is bounded.
    """
    word = rf"(?<![\w-]){re.escape(name)}(?![\w-])"
    flags = re.MULTILINE | re.IGNORECASE
    exact = f"(?-i:{word})"
    keyword = (
        rf"^[ \t]{{0,80}}(?:[^\"'`/\s]{{1,60}}[ \t]{{1,20}}){{0,6}}[({{;@#-]{{0,2}}(?:{_KEYWORDS})\*?"
        r"(?:[ \t]+(?:if[ \t]+not[ \t]+exists|rec|mut|inline|-\w))?"
    )
    forms = (
        (_KEYWORD, rf"{keyword}(?:[ \t]+|[ \t]*\()[\"'`$@%:.]{{0,2}}(?:\w{{1,40}}[.:]{{1,2}})?{exact}"),
        (_KEYWORD, rf"(?:const|let|var|val|my|our|local)\s*[\[({{][^=\n;]{{0,200}}{exact}[^=\n;]{{0,200}}="),
        (
            _MEMBER,
            rf"^[ \t]{{0,80}}(?:[\w@#{{]{{1,40}}[ \t]{{1,20}}){{0,4}}(?:{_TYPES})\b"
            rf"(?:(?:[ \t]+\w|\()[^\n{{}};]{{0,200}})?[ \t]*\{{[^{{}}]{{0,2000}}?{exact}",
        ),
        (_MEMBER, rf"^[ \t]*(?:type|data|newtype|enum|union)[ \t]+\w[^\n=;]{{0,80}}=[^\n;]{{0,400}}{exact}"),
        (_MEMBER, rf"^[ \t]*@enum\b[^\n]{{0,400}}{exact}"),
        (_ASSIGNED, rf"^(?:[\w@#.]+[ \t]+){{0,3}}[$@%\"']?{exact}[\"']?[ \t]*(?:[:?+]?=(?![=>])|:|<-)"),
        (
            _TYPED,
            rf"^[ \t]*(?:(?!(?:{_NO_TYPE})\b)[\w<>\[\]?&*.,:]{{1,60}}[ \t]+){{1,4}}[*&]*{exact}[ \t]*"
            rf"(?:;|=(?!=)|,|\([^\n;]*\)[ \t]*[{{:]?[ \t]*$|\[|$)",
        ),
        (_INDENTED, rf"^[ \t]+[$@\"']?{exact}[\"']?[ \t]*(?::?=(?![=>])|:(?!:)|<-)"),
    )
    return tuple((grade, re.compile(form, flags)) for grade, form in forms)
