"""Guess the one-byte encoding of a text from the letters of its language.

Two questions that a comment is long enough for. In languages of Latin letters: does one language have all the
accented letters of the text? In the others: how many of the letters are those that the language uses most?
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["alphabet_of"]

_LONG_RUN = re.compile(rb"[\x80-\xff]{4}")
"""More neighbours than accents have: the script is another one."""
_SIGNS = frozenset("«»¡¿°©®§µ·×±²³€£–—‘’“”„…•ªº™\xa0")
_LATIN = tuple(
    frozenset(letters)
    for letters in (
        "äöüß",  # German
        "àâæçéèêëîïôœùûüÿ",  # French
        "áéíóúüñ",  # Spanish
        "ãáàâçéêíóõôú",  # Portuguese
        "åäöæøéü",  # the North
        "àèéìíîòóùú",  # Italian
        "áéíóúýðþæö",  # Icelandic
        "ąćęłńóśźż",  # Polish
        "áčďéěíňóřšťúůýž",  # Czech
        "áäčďéíĺľňóôŕšťúýž",  # Slovak
        "áéíóöőúüű",  # Hungarian
        "čćđšž",  # Croatian, Serbian, Slovenian
        "ăâîşţșț",  # Romanian
        "çğıöşüâîû",  # Turkish
        "āčēģīķļņšūž",  # Latvian
        "ąčęėįšųūž",  # Lithuanian
        "äõöüšž",  # Estonian
    )
)
_WESTERN = frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüÿœß")
_LATIN_ENCODINGS = ("cp1252", "cp1250", "iso8859_2", "cp1254", "cp1257", "iso8859_4", "iso8859_16")
_COMMON: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "оеаинтсрвлкмпдуя": ("cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic"),
        "оаинвітерслкудмпя": ("cp1251", "koi8_u"),
        "αοιετσνηυρπκμλςωάίόέή": ("cp1253", "iso8859_7"),
        "יוהלארתבשמנדקעםח": ("cp1255", "iso8859_8"),
        "اليمونرتبةعدسفهح": ("cp1256", "iso8859_6"),
        "านรอกเงมยลวดทสตะปบคหแจพชขใไโผถซ่้ัิีุู็์": ("cp874",),
    }
)
"""The letters that a language uses most, and what it is written in."""
_LEAST_COMMON = 0.6
"""Share of a text that these letters must make up."""


def alphabet_of(sample: bytes) -> str | None:
    """Return the encoding of lines of a text that are not ASCII; None where nothing fits well.

    >>> alphabet_of("příliš žluťoučký kůň".encode("cp1250"))
    'cp1250'
    """
    return _latin(sample) if not _LONG_RUN.search(sample) else _other(sample)


def _latin(sample: bytes) -> str | None:
    """The first encoding in which one language has all the letters; else Western Europe's, if it has them."""
    texts = [
        (encoding, text) for encoding in _LATIN_ENCODINGS if (text := _foreign(sample, encoding)) is not None
    ]
    for encoding, text in texts:
        letters = {char.lower() for char in text} - _SIGNS
        if any(letters <= language for language in _LATIN):
            return encoding
    return next(
        (e for e, text in texts if e == "cp1252" and {c.lower() for c in text} <= _WESTERN | _SIGNS), None
    )


def _other(sample: bytes) -> str | None:
    """The encoding in which most of the letters are the common ones of its language."""
    graded: list[tuple[float, str]] = []
    for common, encodings in _COMMON.items():
        for encoding in encodings:
            text = _foreign(sample, encoding)
            if text:
                graded.append((sum(char in common for char in text) / len(text), encoding))
    best, encoding = max(graded, key=lambda pair: pair[0], default=(0.0, ""))
    return encoding if best >= _LEAST_COMMON else None


def _foreign(sample: bytes, encoding: str) -> str | None:
    """The characters of a sample that are not ASCII; None where it is not in this encoding."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return None
    return "".join(char for char in text if ord(char) > 0x7F)
