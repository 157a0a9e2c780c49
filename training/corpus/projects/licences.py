"""Licence texts -> an SPDX expression, or the reason why nothing is learned from a repository.

What counts is the text of the licence files in a repository's top folder, not what a package index or a
badge says. Accepted are MIT, BSD-2-Clause, BSD-3-Clause, Apache-2.0, ISC, Zlib, Unlicense and CC0-1.0.
One file that is none of these, or that also speaks of another licence, refuses the repository: a wrong
"yes" cannot be taken back once a model is published, a wrong "no" costs one repository.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["LICENCE_FILE", "Refused", "spdx_expression"]

LICENCE_FILE = re.compile(
    r"(?i)^(mit-|un)?(licen[cs]e|copying)([-._](?!.*(depend|third|3rd|notice|header)).*)?$"
)
"""Names of files in the top folder that state the terms."""

_REFUSED = re.compile(
    r"gnu (lesser |library |affero )?general public|mozilla public licen|eclipse public licen|commons clause"
    r"|business source licen|elastic licen|server side public|microsoft public licen|common development and"
    r"|creative commons attribution|all advertising materials|not be used for commercial|non-?commercial use",
)
_SIGNS = (
    ("Apache-2.0", ("apache license", "version 2.0", "grant of patent license")),
    ("Apache-2.0", ("licensed under the apache license, version 2.0", "may obtain a copy of the license")),
    ("MIT", ("permission is hereby granted, free of charge", "permission notice shall be included")),
    ("ISC", ("permission to use, copy, modify, and", "for any purpose with or without fee", "appear in all")),
    ("BSD", ("redistribution and use in source and binary forms", "redistributions of source code")),
    ("Zlib", ("this software is provided 'as-is'", "must not be misrepresented")),
    ("Unlicense", ("free and unencumbered software released into the public domain",)),
    ("CC0-1.0", ("cc0 1.0 universal",)),
)


class Refused(Exception):
    """A repository that may not be learned from, and why."""


def spdx_expression(files: Mapping[str, str]) -> str:
    """The terms of a repository whose licence files have these texts; several are joined by OR.

    Raises Refused where there is no such file or one of them is not on the list above.
    """
    if not files:
        raise Refused("no licence file in the top folder")
    found = {_licence(name, " ".join(text.split()).lower()) for name, text in sorted(files.items())}
    return " OR ".join(sorted(found))


def _licence(name: str, text: str) -> str:
    text = text.replace("“", '"').replace("’", "'").replace("‘", "'").replace('"as-is"', "'as-is'")
    if (other := _REFUSED.search(text)) is not None:
        raise Refused(f"{name} speaks of {other[0]!r}")
    for licence, signs in _SIGNS:
        if all(sign in text for sign in signs):
            return _which_bsd(text) if licence == "BSD" else licence
    raise Refused(f"{name} is none of the accepted licences")


def _which_bsd(text: str) -> str:
    return (
        "BSD-3-Clause"
        if re.search(r"neither the names? |names? of .{0,80}may not be used", text)
        else "BSD-2-Clause"
    )
