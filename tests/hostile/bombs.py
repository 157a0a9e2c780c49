"""Small files that cost a grammar gigabytes or minutes."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["BOMBS", "SMALL_BOMB", "java_bomb"]

_KILOBYTE = 1000


def _filled(text: str, size: int = 32 * _KILOBYTE) -> bytes:
    """``text`` again and again, in lines: a file of one long line is passed over as minified."""
    line = text if "\n" in text else text * (60 // len(text)) + "\n"
    return (line * (size // len(line) + 1))[:size].encode()


def java_bomb(size: int = 32 * _KILOBYTE) -> bytes:
    """Lambdas that may each be a cast, a comparison or a parameter list: 16 GB in a parser of its own."""
    return _filled("a=>\n", size)


SMALL_BOMB = java_bomb(6 * _KILOBYTE)

BOMBS: Mapping[str, tuple[str, bytes]] = {
    "java-arrows": ("java", java_bomb()),
    "javascript-arrows": ("javascript", _filled("a=>(\n")),
    "javascript-generics": ("typescript", _filled("a<b,")),
    "typescript-casts": ("typescript", _filled("<a>(")),
    "cpp-templates": ("cpp", _filled("a<b<")),
    "cpp-casts": ("cpp", _filled("(a)(")),
    "csharp-tuples": ("csharp", _filled("(a,b<")),
    "go-generics": ("go", _filled("a[b](")),
    "kotlin-lambdas": ("kotlin", _filled("{a->")),
    "scala-arrows": ("scala", _filled("a=>\n")),
    "swift-closures": ("swift", _filled("{a in ")),
    "ruby-heredocs": ("ruby", _filled("<<A ")),
    "bash-heredocs": ("bash", _filled("<<A ")),
    "python-lambdas": ("python", _filled("lambda a:(")),
    "haskell-layout": ("haskell", _filled("do\n ")),
    "markdown-links": ("markdown", _filled("[a](")),
    "json-deep": ("json", _filled("[", 200 * _KILOBYTE)),
    "sql-parens": ("sql", _filled("SELECT (")),
    "yaml-aliases": ("yaml", _filled("- &a [*a,")),
    "html-nesting": ("html", _filled("<a><b>")),
    "rust-generics": ("rust", _filled("a::<b<")),
    "php-nesting": ("php", b"<?php " + _filled("fn($a)=>")),
    "lua-nesting": ("lua", _filled("f{a=function()")),
    "css-nesting": ("css", _filled("a{b:")),
    "zig-nesting": ("zig", _filled(".{.a=")),
    "elixir-nesting": ("elixir", _filled("fn a->")),
}
