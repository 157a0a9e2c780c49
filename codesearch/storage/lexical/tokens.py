"""Identifier-aware tokens: what the full-text index stores and what a query asks of it.

Code is not prose: ``getUserById`` must be found by "user id" and by ``get_user_by_id`` alike. So a
word is indexed whole (its parts joined, so that the naming convention does not matter) and in parts.
Words are cut where the letter case turns (``parseJSON`` = parse + JSON, ``URLs`` stays whole), at
underscores and between letters and digits; scripts that do not put spaces between words are
indexed as single characters and pairs, as Lucene's CJK analyser does.

Plurals are folded (``users`` is ``user``): questions and names disagree about them most. No more of the
inflection is: measured, a real stemmer gains what it loses.

Every token is made of letters and digits only, folded to one case, so any tokenizer of SQLite's FTS5
that keeps those together (``unicode61``) stores it as it is. This file knows no SQL; it refuses
nothing: any string is a query, and one that holds nothing to look for gives "".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import PurePosixPath

from codesearch.quick_dataclass import dataclass
from codesearch.records import Chunk

__all__ = [
    "VERSION",
    "LexicalDocument",
    "bare_name",
    "document",
    "is_function_word",
    "match_expression",
    "query_terms",
    "singular",
    "tokenize",
    "tokenize_telling",
]

VERSION = 3
"""Changes when the same text would give other tokens: an index of another version must be refilled."""

_MIN_PLURAL = 3
"""Words of up to this many letters are no plurals: css, tls, dns."""
_ENDING_IN_IE = frozenset({"cookies", "movies", "pies", "ties", "zombies"})
_MAX_WORD = 200
"""Longer runs of letters are data (base64, hashes), not names."""
_MAX_TERMS = 64
"""A query is a question, not a document; FTS5 also bounds the size of an expression."""

_WORD = re.compile(r"\w+")
# Scripts without spaces, in ascending order: Thai to Khmer, kana, Bopomofo, Han, Hangul, and the Han planes.
_UNSPACED = (
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)

# A word is cut by its shape: U upper, l lower, s the letter s, d digit, c unspaced script, _ the rest.
_BOUNDARY = re.compile(
    r"(?<=[ls])(?=U)"  # camel|Case
    r"|(?<=U)(?=U(?!s(?![ls]))[ls])"  # HTTP|Server, but URLs
    r"|(?<=[Uls])(?=d)|(?<=d)(?=[Uls])"  # utf|8
    r"|(?<=[^c])(?=c)|(?<=c)(?=[^c])"
)

# Function words of English questions. In code they are rare, so BM25 would take them for telling.
_FUNCTION_WORDS = (
    "a an and are as at be been being but by can could did do does doing for from had has have having how i "
    "if in into is it its me my of on or our shall should so than that the their them then there these "
    "they this those to us was we were what when where which while who whom whose why will with would "
    "you your"
)
_STOP_WORDS = frozenset(_FUNCTION_WORDS.split())


@dataclass(frozen=True, slots=True)
class LexicalDocument:
    """The three columns of a chunk's full-text row: tokens joined by single spaces."""

    symbol: str
    path: str
    body: str


def tokenize(text: str) -> list[str]:
    """Tokens of a text in reading order: each word whole, then its parts where it has several.

    >>> tokenize("getUserById(HTTP_URLs)")
    ['getuserbyid', 'get', 'user', 'by', 'id', 'httpurl', 'http', 'url']
    """
    return [token for word in _words(text) for token in _tokens_of(word)]


def singular(token: str) -> str:
    """A folded token without the s of an English plural; what only looks like one stays or loses it always.

    >>> [singular(word) for word in ("queries", "cookies", "matches", "class", "status")]
    ['query', 'cookie', 'match', 'class', 'status']
    """
    if len(token) <= _MIN_PLURAL or not token.endswith("s") or token.endswith(("ss", "us", "is")):
        return token
    if token.endswith("ies") and len(token) > _MIN_PLURAL + 1 and token not in _ENDING_IN_IE:
        return token[:-3] + "y"
    return token[:-2] if token.endswith(("sses", "shes", "ches", "xes")) else token[:-1]


def bare_name(name: str) -> str:
    """A name without case, underscores and hyphens: http_client, HttpClient and http-client are one."""
    return name.casefold().replace("_", "").replace("-", "")


_STOP_TERMS = frozenset(singular(word) for word in _STOP_WORDS)


def document(chunk: Chunk) -> LexicalDocument:
    """The full-text row of a chunk: names it defines, the words of its path, and its text."""
    names = dict.fromkeys((chunk.symbol, *chunk.scope, *chunk.definitions))
    return LexicalDocument(
        symbol=_joined(names),
        path=_joined(_path_words(chunk.path)),
        body=_joined([chunk.text]),
    )


def tokenize_telling(text: str) -> list[str]:
    """The tokens of a text in reading order, without function words."""
    return [token for token in tokenize(text) if token not in _STOP_TERMS]


@lru_cache(maxsize=64)  # whoever reads a query asks for them again
def query_terms(query: str) -> tuple[str, ...]:
    """The distinct tokens that a query looks for, without function words (unless it has no others)."""
    telling = dict.fromkeys(tokenize_telling(query))
    return tuple(telling or dict.fromkeys(tokenize(query)))[:_MAX_TERMS]


def is_function_word(word: str) -> bool:
    """Whether English sentences hold this word whatever they are about."""
    return word.casefold() in _STOP_WORDS


def match_expression(terms: Sequence[str]) -> str:
    """Return an FTS5 MATCH expression: any of the terms, each quoted; "" if there is none.

    >>> match_expression(query_terms('where is "sendRequest" OR'))
    '"sendrequest" OR "send" OR "request"'
    """
    return " OR ".join(f'"{term}"' for term in terms)


def _path_words(path: str) -> list[str]:
    """The file's stem twice (it names the subject), and the folders."""
    # A hyphen joins words in a path ("user-service"), where code would mean a subtraction.
    where = PurePosixPath(path.replace("-", "_"))
    stem = where.name.removesuffix(where.suffix)
    return [stem, stem, *where.parts[:-1]]


def _joined(texts: Iterable[str]) -> str:
    return " ".join(filter(None, (_joined_tokens(word) for text in texts for word in _words(text))))


def _words(text: str) -> list[str]:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _WORD.findall(text)


@lru_cache(maxsize=1 << 16)
def _joined_tokens(word: str) -> str:
    return " ".join(_tokens_of(word))


@lru_cache(maxsize=1 << 16)
def _tokens_of(word: str) -> tuple[str, ...]:
    """Tokens of one word; cached, because source repeats its words."""
    if len(word) <= _MAX_WORD and word.isascii() and word.isalpha() and word.islower():
        return (singular(word),)  # most words, and nothing to cut or fold
    unspaced = _holds_unspaced(word)
    if not unspaced:
        if len(word) > _MAX_WORD:
            return ()
        if word[0].isdigit():  # 404, 0x1F, 2fa: the parts of a number say nothing
            return (_folded(word),)
    parts = _parts(word)
    tokens = [_folded("".join(parts))] if len(parts) > 1 and not unspaced else []
    for part in parts:
        tokens.extend(_pairs(part) if _holds_unspaced(part[0]) else (_folded(part),))
    return tuple(singular(token) for token in tokens if token)


def _parts(word: str) -> list[str]:
    parts: list[str] = []
    for piece in word.split("_"):
        cuts = [match.start() for match in _BOUNDARY.finditer(_shapes(piece))]
        edges = [0, *cuts, len(piece)]
        parts.extend(piece[a:b] for a, b in pairwise(edges) if a < b)
    return parts


def _shapes(piece: str) -> str:
    return piece.translate(_ASCII_SHAPES) if piece.isascii() else "".join(map(_shape, piece))


def _shape(char: str) -> str:
    if char == "s":
        return "s"
    if char.isdigit():
        return "d"
    if _holds_unspaced(char):
        return "c"
    return "U" if char.isupper() else "l"


def _holds_unspaced(text: str) -> bool:
    return not text.isascii() and max(text) >= _UNSPACED[1] and _unspaced().search(text) is not None


@lru_cache(maxsize=1)
def _unspaced() -> re.Pattern[str]:
    """Compiled late: its table of characters takes three milliseconds, and few texts are in such a script."""
    return re.compile(_UNSPACED)


def _pairs(run: str) -> tuple[str, ...]:
    """Characters and neighbouring pairs of a run without spaces."""
    folded = _folded(run)
    return (*folded, *(folded[i : i + 2] for i in range(len(folded) - 1)))


_ASCII_SHAPES = {code: _shape(chr(code)) for code in range(128)}


def _folded(word: str) -> str:
    if word.isascii() and word.isalnum():
        return word.lower()
    return "".join(char for char in word.casefold() if char.isalnum())
