r"""Places in the code as they are pasted: ``app.py:123``, tracebacks, links to a code host.

Every form is one that a program prints or takes: compilers and grep (``a.c:12:5``), Python (``File "a.py",
line 12``), PHP and people (``a.php on line 12``, ``line 12 of a.php``), .NET (``a.cs:line 12``), MSVC
(``a.cpp(12,5)``), JVM and Node (``(A.java:12)``), editors (``vim +12 a.c``), code hosts (``a.py#L12-L40``,
``a.py?...#lines-12``, ``?path=/a.py&line=12``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

from codesearch.quick_dataclass import dataclass

__all__ = ["Spot", "spots_in"]

_PART = r"[^\s\"'`()<>\[\]{},;:|?*#]"
_FILE = rf"(?P<path>{_PART}{{1,400}}\.\w{{1,12}}|{_PART}{{0,400}}(?:Makefile|Dockerfile|Rakefile))"
_ANCHOR = r"#(?:L|lines-|l|n)?(?P<first>\d{1,7})(?:C\d+)?(?:[-:]L?(?P<last>\d{1,7}))?"
_LINES = r"lines?[ \t]+(?P<first>\d{1,7})(?:[ \t]*(?:-|–|to|through)[ \t]*(?P<last>\d{1,7}))?"
_FORMS = (
    r'File "(?P<path>[^"\n]{1,400})", line (?P<first>\d{1,7})',
    _FILE + r"(?:\?[^\s#]{0,200})?" + _ANCHOR,
    r"[?&]path=(?P<path>[^\s&]{1,400})(?:&[^\s&]{1,200}?){0,6}"
    r"&line=(?P<first>\d{1,7})(?:&lineEnd=(?P<last>\d{1,7}))?",
    _FILE + r":line (?P<first>\d{1,7})",
    _FILE + r":(?P<first>\d{1,7})(?:-(?P<last>\d{1,7})|:\d{1,6})?(?![\w.]*\w/)",
    _FILE + r"\((?P<first>\d{1,7})(?:,\s?\d{1,6})?\)",
    _FILE + r"[\"'`]?,?[ \t]+(?:(?:at|on|in|around|near)[ \t]+)?" + _LINES,
    _LINES + r"[ \t]+(?:of|in)[ \t]+[\"'`]?" + _FILE,
    r"(?<!\S)\+(?P<first>\d{1,7})[ \t]+" + _FILE,
)
_DIGIT = re.compile(r"\d")
_SCHEME = re.compile(r"(?:https?|file|git|ssh|vscode)://[^/\s]*/")
_ADDRESS = "//"
"""Scheme and host, once taken off: only behind them is ``src`` or ``tree`` a code host's word."""
_HOSTED = re.compile(r"^//.*?/(?:blob|tree|raw|blame|src|edit|-/blob|browse)/[^/]+/")
_MOST = 200
_MOST_CHARACTERS = 100_000
_NO_PLACE = re.compile(r"\S{600,}")


@dataclass(frozen=True, slots=True)
class Spot:
    """Lines of a file, 1-based and inclusive; the path as it is written, without what only a host knows."""

    path: str
    first: int
    last: int

    @property
    def middle(self) -> int:
        """The line that stands for all of them: what holds it holds most of a range that is cut."""
        return (self.first + self.last) // 2

    def suffixes(self) -> Iterator[str]:
        """The path, and what is left of it without its first folders, longest first."""
        parts = [part for part in self.path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        for at in range(len(parts)):
            yield "/".join(parts[at:])


@lru_cache(maxsize=1)
def _forms() -> tuple[re.Pattern[str], ...]:
    """Compiled late: most questions hold no place."""
    return tuple(map(re.compile, _FORMS))


def spots_in(text: str) -> tuple[Spot, ...]:
    """The places that a text names, in its order, each once."""
    if not _DIGIT.search(text):  # which most questions do not hold, and every place does
        return ()
    found: dict[Spot, int] = {}
    text = _SCHEME.sub(_ADDRESS, _NO_PLACE.sub(" ", text[:_MOST_CHARACTERS]))
    for form in _forms():
        for match in form.finditer(text):
            first = int(match["first"])
            last = int(match.groupdict().get("last") or first)
            if first:
                spot = Spot(_HOSTED.sub("", unquote(match["path"])), first, max(first, last))
                found.setdefault(spot, match.start())
    return tuple(sorted(found, key=lambda spot: found[spot]))[:_MOST]
