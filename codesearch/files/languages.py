"""Data: the languages that files are written in, how each is recognised, and which grammar reads it.

What counts as a definition in each language is in definitions.py. Nothing here imports a grammar.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from codesearch.errors import BadQuery
from codesearch.quick_dataclass import dataclass

__all__ = [
    "EXTENSIONS",
    "FILENAMES",
    "INTERPRETERS",
    "LANGUAGES",
    "PROSE_EXTENSIONS",
    "Language",
    "canonical_language",
    "is_code",
    "is_prose_language",
    "place_in_line",
]


@dataclass(frozen=True, slots=True)
class Language:
    """One language. ``grammar`` is ``module.function`` of a grammar wheel; "" means: cut at lines."""

    name: str
    extensions: tuple[str, ...] = ()
    """Lower case, without the dot."""
    filenames: tuple[str, ...] = ()
    """Whole file names, lower case."""
    interpreters: tuple[str, ...] = ()
    """Programs of a ``#!`` line, without version digits."""
    aliases: tuple[str, ...] = ()
    """Other names that people type."""
    grammar: str = ""
    prose: bool = False
    """Long lines are paragraphs here, not a sign of minified code."""


def _language(
    name: str,
    extensions: str = "",
    filenames: str = "",
    *,
    interpreters: str = "",
    aliases: str = "",
    grammar: str = "",
    prose: bool = False,
) -> Language:
    return Language(
        name,
        tuple(extensions.split()),
        tuple(filenames.split()),
        tuple(interpreters.split()),
        tuple(aliases.split()),
        grammar,
        prose,
    )


_ALL = (
    _language(
        "python",
        "py pyi pyw",
        "sconstruct sconscript wscript",
        interpreters="python pypy",
        grammar="tree_sitter_python.language",
    ),
    _language(
        "javascript",
        "js mjs cjs jsx",
        "jakefile",
        interpreters="node nodejs bun",
        grammar="tree_sitter_javascript.language",
        aliases="ecmascript",
    ),
    _language(
        "typescript",
        "ts mts cts",
        interpreters="deno ts-node tsx",
        grammar="tree_sitter_typescript.language_typescript",
    ),
    _language("tsx", "tsx", grammar="tree_sitter_typescript.language_tsx"),
    _language("go", "go", aliases="golang", grammar="tree_sitter_go.language"),
    _language("java", "java", grammar="tree_sitter_java.language"),
    _language("rust", "rs", interpreters="rust-script", grammar="tree_sitter_rust.language"),
    _language("c", "c h", grammar="tree_sitter_c.language"),
    _language(
        "cpp",
        "cpp cc cxx c++ hpp hh hxx h++ ipp inl tpp txx cppm ixx cu cuh ino",
        aliases="c++ cplusplus",
        grammar="tree_sitter_cpp.language",
    ),
    _language("csharp", "cs csx", aliases="c# c_sharp", grammar="tree_sitter_c_sharp.language"),
    _language("php", "php phtml php5 phpt", interpreters="php", grammar="tree_sitter_php.language_php"),
    _language(
        "ruby",
        "rb rake gemspec ru podspec jbuilder rbi",
        "rakefile gemfile guardfile capfile vagrantfile podfile fastfile brewfile",
        interpreters="ruby jruby",
        grammar="tree_sitter_ruby.language",
    ),
    _language("kotlin", "kt kts", aliases="ktl", grammar="tree_sitter_kotlin.language"),
    _language("scala", "scala sc sbt mill", interpreters="scala", grammar="tree_sitter_scala.language"),
    _language("swift", "swift", interpreters="swift", grammar="tree_sitter_swift.language"),
    _language("elixir", "ex exs", interpreters="elixir", grammar="tree_sitter_elixir.language"),
    _language("lua", "lua rockspec", interpreters="lua luajit", grammar="tree_sitter_lua.language"),
    _language("haskell", "hs hsc", interpreters="runhaskell", grammar="tree_sitter_haskell.language"),
    _language(
        "bash",
        "sh bash zsh ksh bats ebuild",
        ".bashrc .bash_profile .bash_aliases .zshrc .zshenv .zprofile .profile pkgbuild",
        interpreters="sh bash zsh dash ksh ash bats",
        aliases="shell",
        grammar="tree_sitter_bash.language",
    ),
    _language("zig", "zig zon", grammar="tree_sitter_zig.language"),
    _language("html", "html htm xhtml", grammar="tree_sitter_html.language"),
    _language("css", "css", grammar="tree_sitter_css.language"),
    _language("sql", "sql ddl dml pgsql psql", grammar="tree_sitter_sql.language"),
    _language(
        "markdown", "md markdown mdx mdown qmd rmd", grammar="tree_sitter_markdown.language", prose=True
    ),
    _language("yaml", "yaml yml", ".clang-format .clang-tidy", grammar="tree_sitter_yaml.language"),
    _language("toml", "toml", "pipfile cargo.lock poetry.lock", grammar="tree_sitter_toml.language"),
    _language(
        "json",
        "json jsonc json5 geojson webmanifest ipynb jsonl ndjson",
        ".eslintrc .babelrc .prettierrc composer.lock",
        grammar="tree_sitter_json.language",
    ),
    # Known by name, cut at lines.
    _language(
        "text",
        "txt text log rd texi textile wiki",
        "license licence copying notice authors changelog readme",
        prose=True,
    ),
    _language("rst", "rst rest", prose=True, aliases="restructuredtext"),
    _language("asciidoc", "adoc asciidoc", prose=True),
    _language("org", "org", prose=True),
    _language("tex", "tex sty bib ltx", prose=True, aliases="latex"),
    _language("typst", "typ", prose=True),
    _language("ada", "adb ads"),
    _language("assembly", "s asm nasm", aliases="asm"),
    _language("astro", "astro"),
    _language("awk", "awk", interpreters="awk gawk"),
    _language("batch", "bat cmd"),
    _language("bazel", "bzl bazel star", "build workspace tiltfile", aliases="starlark"),
    _language("clojure", "clj cljs cljc edn bb"),
    _language("cmake", "cmake", "cmakelists.txt"),
    _language("coffeescript", "coffee"),
    _language("crystal", "cr", interpreters="crystal"),
    _language("csv", "csv tsv"),
    _language("d", "d di"),
    _language("dart", "dart", interpreters="dart"),
    _language("dockerfile", "dockerfile", "dockerfile containerfile", aliases="docker"),
    _language("elm", "elm"),
    _language("emacs-lisp", "el", aliases="elisp"),
    _language("erb", "erb eex heex leex ejs"),
    _language("erlang", "erl hrl", "rebar.config", interpreters="escript"),
    _language("fish", "fish", interpreters="fish"),
    _language("fortran", "f for f77 f90 f95 f03 f08 fypp"),
    _language("fsharp", "fs fsi fsx", aliases="f#"),
    _language("gdscript", "gd"),
    _language(
        "gitconfig", "", ".gitignore .gitattributes .gitmodules .gitconfig .dockerignore .codesearchignore"
    ),
    _language("gleam", "gleam"),
    _language("glsl", "glsl vert frag comp geom tesc tese gdshader gdshaderinc"),
    _language("gomod", "", "go.mod go.work go.sum"),
    _language("gradle", "gradle"),
    _language("graphql", "graphql gql graphqls"),
    _language("groovy", "groovy gvy", "jenkinsfile", interpreters="groovy"),
    _language("haml", "haml slim pug jade"),
    _language("handlebars", "hbs handlebars mustache"),
    _language("haxe", "hx"),
    _language("hcl", "hcl tf tfvars nomad", aliases="terraform"),
    _language("hlsl", "hlsl fx"),
    _language("ini", "ini cfg conf properties env desktop service", ".editorconfig .npmrc .env"),
    _language("jinja", "j2 jinja jinja2 liquid njk twig"),
    _language("julia", "jl", interpreters="julia"),
    _language("just", "just", "justfile"),
    _language("less", "less"),
    _language("lisp", "lisp cl lsp asd"),
    _language("make", "mk mak make", "makefile gnumakefile", interpreters="make", aliases="makefile"),
    _language("matlab", "matlab"),
    _language("meson", "", "meson.build meson_options.txt"),
    _language("metal", "metal"),
    _language("mojo", "mojo"),
    _language("nim", "nim nims nimble"),
    _language("nix", "nix"),
    _language("objective-c", "m mm", aliases="objc objectivec objective-c++"),
    _language("ocaml", "ml mli mll mly"),
    _language("odin", "odin"),
    _language("pascal", "pas pp dpr lpr"),
    _language("perl", "pl pm t", interpreters="perl"),
    _language("pod", "pod", prose=True),
    _language("powershell", "ps1 psm1 psd1", interpreters="pwsh", aliases="posh"),
    _language("prisma", "prisma"),
    _language("prolog", "pro prolog"),
    _language("protobuf", "proto", aliases="proto"),
    _language("purescript", "purs"),
    _language("r", "r", interpreters="Rscript rscript"),
    _language("racket", "rkt"),
    _language("raku", "raku rakumod"),
    _language("razor", "razor cshtml"),
    _language("requirements", "", "requirements.txt constraints.txt"),
    _language("scheme", "scm ss"),
    _language("scss", "scss sass"),
    _language("solidity", "sol"),
    _language("svelte", "svelte"),
    _language("systemverilog", "sv svh"),
    _language("tcl", "tcl", interpreters="tclsh wish"),
    _language("thrift", "thrift"),
    _language("vala", "vala vapi"),
    _language("verilog", "v vh"),
    _language("vhdl", "vhd vhdl"),
    _language("vim", "vim", ".vimrc", aliases="viml vimscript"),
    _language("visual-basic", "vb vbs bas", aliases="vb"),
    _language("vue", "vue"),
    _language("wgsl", "wgsl"),
    _language(
        "xml", "xml xsd xsl xslt xaml csproj fsproj vbproj props targets plist storyboard xib resx wsdl"
    ),
)

LANGUAGES: Mapping[str, Language] = MappingProxyType({language.name: language for language in _ALL})
"""Every language by name."""

PROSE_EXTENSIONS = tuple(
    extension for language in _ALL if language.prose for extension in language.extensions
)
"""Of documentation: lower case, without the dot."""

EXTENSIONS = {extension: language.name for language in _ALL for extension in language.extensions}
FILENAMES = {name: language.name for language in _ALL for name in language.filenames}
INTERPRETERS = {program: language.name for language in _ALL for program in language.interpreters}
_NAMES = {alias: language.name for language in _ALL for alias in (language.name, *language.aliases)}


_DATA = frozenset(
    {"json", "yaml", "toml", "csv", "xml", "html", "css", "less", "scss", "ini"}
    | {"gitconfig", "gomod", "requirements", "sql", "text", "markdown"}
)


def is_code(language: str | None) -> bool:
    """Whether people write programs in this language, rather than data, markup, settings or prose."""
    return language is not None and language not in _DATA and not LANGUAGES[language].prose


def place_in_line(language: str | None) -> int:
    """Return when files of a language are worth looking at: 0 for code, 1 for prose, 2 for data.

    Reading and embedding begin with what answers most questions, for they may be cut short.
    """
    if is_code(language):
        return 0
    return 1 if language is None or LANGUAGES[language].prose else 2


def canonical_language(name: str) -> str:
    """Return the key of ``LANGUAGES`` for a name or extension (``py``, ``.py``, ``Python``, ``c++``).

    Raises BadQuery, naming what is near, for anything else.
    """
    typed = name.strip().lower()
    found = _NAMES.get(typed) or EXTENSIONS.get(typed.lstrip("."))
    if found is None:
        from difflib import get_close_matches  # a search that goes well has no use for it

        near = get_close_matches(typed.lstrip("."), [*_NAMES, *EXTENSIONS], n=3)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise BadQuery(
            f"unknown language {name!r}; {meant}Give a name (python, rust) or an extension (py, rs); "
            "for anything else filter by path, as in -g '*.ext'"
        )
    return found


def is_prose_language(name: str | None) -> bool:
    """Whether files of a language are documentation; None is text of an unknown language, which is not."""
    return name is not None and LANGUAGES[name].prose
