"""A file's bytes -> its text as UTF-8, whatever it was written in.

What the file or its repository declares counts first (a byte order mark, PEP 263's and Emacs's ``coding:``,
XML's and HTML's ``charset``, ``working-tree-encoding`` in ``.gitattributes``), then UTF-8, then what the
bytes look like: East Asian encodings by the share of their common characters (a comment is too short for
statistics over a language), alphabets by the letters of their languages (alphabets.py), all others by
charset-normalizer.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from codesearch.files.content.alphabets import alphabet_of
from codesearch.quick_dataclass import dataclass

__all__ = ["DecodedText", "decode", "is_wide"]

_HEAD_BYTES = 2_000
_SAMPLE_BYTES = 1 << 15
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPES = (
    *((b"\x1b$)C", "iso2022_kr"), (b"\x1b$(D", "iso2022_jp_1"), (b"\x1b$(Q", "iso2022_jp_3")),
    *((b"\x1b$B", "iso2022_jp"), (b"\x1b$@", "iso2022_jp")),
)
_COOKIE = re.compile(rb"coding[:=][ \t]*([-\w.]+)")
_CHARSET = re.compile(
    rb"""(?:<\?xml[^>]{0,200}\bencoding|<meta[^>]{0,200}\bcharset)\s*=\s*["']?([-\w.]+)""", re.I
)
_SINGLE_BYTE = [
    *("cp1252", "cp1251", "koi8_r", "cp1250", "cp866", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"),
    "mac_roman",
]
_SURE = 0.8
"""Share of common characters from which on an East Asian encoding is believed."""


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A text as UTF-8 bytes, and what it was written in."""

    data: bytes
    encoding: str
    is_sure: bool = True
    """False where nothing fits: the bytes are as they were."""


def is_wide(data: bytes) -> bool:
    """Whether the bytes are UTF-16 or UTF-32: by their mark, or a zero in every other byte at first."""
    if data.startswith(tuple(mark for mark, _ in _MARKS)):
        return True
    return _unmarked(data) is not None


def decode(data: bytes, declared: str | None = None) -> DecodedText:
    """The text of a file that is one; ``declared`` is what its repository says it is written in."""
    marked = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), None)
    for encoding in (marked, declared, _unmarked(data), _escaped(data), "utf-8", _declared(data)):
        if encoding is not None and (text := _strict(data, encoding)) is not None:
            return DecodedText(text, encoding)
    guessed = _guessed(data)
    text = _strict(data, guessed) if guessed else None
    return (
        DecodedText(data, "unknown", is_sure=False)
        if guessed is None or text is None
        else DecodedText(text, guessed)
    )


def _strict(data: bytes, encoding: str) -> bytes | None:
    """The bytes as UTF-8; None where they are not in this encoding, or there is none of that name."""
    try:
        if codecs.lookup(encoding).name == "utf-8":
            data.decode("utf-8")
            return data
        return data.decode(encoding).encode("utf-8")
    except (LookupError, UnicodeError, ValueError):
        return None


def _declared(data: bytes) -> str | None:
    first_lines = b"\n".join(data[:_HEAD_BYTES].split(b"\n", 2)[:2])
    found = _COOKIE.search(first_lines) or _CHARSET.search(data[:_HEAD_BYTES])
    return found[1].decode("ascii", "replace") if found else None


def _unmarked(data: bytes) -> str | None:
    """UTF-16 without a mark: text whose letters are mostly ASCII has a zero in every other byte."""
    head = data[: _HEAD_BYTES & ~1]
    if len(head) < 4 or 0 not in head:
        return None
    even, odd = head[::2].count(0) / (len(head) / 2), head[1::2].count(0) / (len(head) / 2)
    if odd > 0.4 and even == 0:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd == 0 else None


def _escaped(data: bytes) -> str | None:
    """ISO 2022, which is seven bits wide: its escape sequences say what follows them."""
    return next((encoding for escape, encoding in _ESCAPES if escape in data), None)


def _guessed(data: bytes) -> str | None:
    sample = b"\n".join(line for line in data[:_SAMPLE_BYTES].split(b"\n") if not line.isascii())
    if not sample:  # what is not ASCII comes later
        sample = b"\n".join(line for line in data.split(b"\n") if not line.isascii())[:_SAMPLE_BYTES]
    graded = [(grade(sample), encoding) for encoding, grade in _EAST_ASIAN.items()]
    best, encoding = max(graded)
    if best >= _SURE and _strict(data, encoding) is not None:
        return encoding
    if (alphabet := alphabet_of(sample)) is not None and _strict(data, alphabet) is not None:
        return alphabet
    from charset_normalizer import from_bytes  # slow to import, and seldom needed

    found = from_bytes(sample, cp_isolation=_SINGLE_BYTE).best()
    return found.encoding if found is not None else None


def _share(encoding: str, common: Callable[[int, int], float]) -> Callable[[bytes], float]:
    """Grades a sample by its two-byte characters: 0 where it is not in this encoding or holds none.

    Half-width kana, which are one byte, say nothing: the capitals of other alphabets have the same bytes.
    """

    def grade(sample: bytes) -> float:
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            if len(sample) < _SAMPLE_BYTES - 1:
                return 0.0
            text = sample.decode(encoding, "ignore")
        wide = [char.encode(encoding) for char in text if ord(char) > 0x7F and not _is_half_width(char)]
        grades = [common(raw[0], raw[-1]) if len(raw) == 2 else 0.0 for raw in wide]
        return sum(grades) / len(grades) if grades else 0.0

    return grade


def _is_half_width(char: str) -> bool:
    return "\uff61" <= char <= "\uff9f"


def _gb2312(lead: int, trail: int) -> float:
    """Level 1 of GB 2312, the 3,755 characters that texts are made of, and its punctuation."""
    return float((0xB0 <= lead <= 0xD7 or lead in (0xA1, 0xA3)) and trail >= 0xA1)


def _shift_jis(lead: int, trail: int) -> float:
    """Kana most of all, level 1 of JIS X 0208, punctuation."""
    return 1.0 if lead in (0x81, 0x82, 0x83) else 0.9 * (0x88 <= lead <= 0x97)


def _euc_jp(lead: int, trail: int) -> float:
    """Kana count, which is where Chinese in GB 2312 has none; kanji alone do not decide."""
    return 1.0 if lead in (0xA4, 0xA5) else 0.7 * (0xB0 <= lead <= 0xCF or lead == 0xA1)


def _euc_kr(lead: int, trail: int) -> float:
    """Hangul; nothing else in a Korean text has leads of this range alone."""
    return 1.01 * (0xB0 <= lead <= 0xC8 and trail >= 0xA1)


def _big5(lead: int, trail: int) -> float:
    """Level 1 of Big5 and its punctuation; of its second bytes two in five are ASCII."""
    return (0.95 if trail < 0x7F else 0.8) * (0xA4 <= lead <= 0xC6 or lead == 0xA1)


_EAST_ASIAN = {
    "gb18030": _share("gb18030", _gb2312),
    "cp932": _share("cp932", _shift_jis),
    "euc_jp": _share("euc_jp", _euc_jp),
    "euc_kr": _share("cp949", _euc_kr),
    "big5": _share("big5", _big5),
}
