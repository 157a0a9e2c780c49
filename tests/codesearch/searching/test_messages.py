"""Pasted messages, traces, logs and imports: what says them, or what they ask for, is first."""

# ruff: noqa: E501
from __future__ import annotations

from pathlib import Path

import pytest

from codesearch.searching.question.query import Query
from codesearch.searching.signals.messages import said_in
from tests.codesearch.searching.test_named_first import first_hits

LIMIT = "pallet exceeds load limit of rack B7"
SAYS = {
    "racks.py": 'def reserve(rack, weight):\n    if weight > rack.capacity:\n        log.error("pallet exceeds load limit of rack %s (weight %d kg)", rack.name, weight)\n',
    "Racks.java": 'class Racks {\n    Slot reserve(int weight) {\n        throw new IllegalStateException("pallet exceeds load limit of rack " + name);\n    }\n}\n',
    "racks.go": 'package racks\n\nfunc reserve(weight int) Slot {\n\tpanic(fmt.Sprintf("pallet exceeds load limit of rack %s", r.name))\n}\n',
    "racks.js": "export function reserve(rack) {\n  throw new Error(`pallet exceeds load limit of rack ${rack.name}`)\n}\n",
    "racks.rs": 'fn reserve(weight: u32) -> Slot {\n    panic!("pallet exceeds load limit of rack {}", self.name);\n}\n',
    "Racks.cs": 'class Racks\n{\n    Slot Reserve(int weight)\n    {\n        throw new InvalidOperationException($"pallet exceeds load limit of rack {Name}");\n    }\n}\n',
    "racks.rb": 'def reserve(weight)\n  raise ArgumentError, "pallet exceeds load limit of rack #{name}"\nend\n',
    "racks.php": '<?php\nfunction reserve($weight) {\n    throw new RuntimeException(sprintf("pallet exceeds load limit of rack %s", $name));\n}\n',
}
LONGER = {
    "racks.rb": "def reserve(weight)\n  raise ArgumentError, <<~TEXT\n    Every rack of this hall has its own limit.\n    pallet exceeds load limit of rack #{name}\n  TEXT\nend\n",
    "racks.py": 'def reserve(rack):\n    raise ValueError(\n        f"""\n        Every rack of this hall has its own limit.\n        pallet exceeds load limit of rack {rack}\n        """\n    )\n',
    "racks.sh": "reserve() {\n  cat >&2 <<EOF\npallet exceeds load limit of rack $1\nEOF\n}\n",
    "Racks.java": 'class Racks {\n  String said = """\n      Every rack of this hall has its own limit.\n      pallet exceeds load limit of rack %s""";\n}\n',
    "racks.c": '#define SAID "pallet exceeds load \\\nlimit of rack %s"\n',
}
"""Literals of several lines."""
QUOTES = {
    "hall.py": 'def hall(rack):\n    """Load pallets.\n\n    May say: pallet exceeds load limit of rack B7.\n    """\n    return load(rack, limit, pallet)\n'
}
"""A docstring that speaks of the message."""
LIBRARY = {
    "racks.py": "2024-03-01T12:00:{n:02d}Z INFO [worker-{n}] app.http: GET /api/items/{n} status=200 request finished\n",
    "Racks.java": "\tat org.apache.catalina.core.Filter{n}.doFilter(Filter{n}.java:{n})\n",
    "racks.go": "net/http.HandlerFunc.ServeHTTP(0xc000{n}, {{0x7f1e28, 0xc0001}})\n\t/usr/local/go/src/net/http/server.go:{n} +0x2f\n",
    "racks.js": "    at Layer.handle [as handle_request] (/app/node_modules/express/lib/layer{n}.js:{n}:5)\n",
    "racks.rs": "  {n}: core::panicking::panic_fmt\n             at /rustc/abc/library/core/src/panicking.rs:{n}:14\n",
    "Racks.cs": "   at Microsoft.AspNetCore.Middleware{n}.Invoke(HttpContext context)\n",
    "racks.rb": "\tfrom /usr/lib/ruby/gems/rack-2.2.7/lib/rack/override{n}.rb:{n}:in `call'\n",
    "racks.php": "#{n} /var/www/vendor/laravel/Pipeline{n}.php({n}): Pipeline->carry()\n",
}
SAID = {
    "racks.py": f"2024-03-01T12:01:00Z ERROR [worker-2] app.racks: {LIMIT} (weight 812 kg)\n",
    "Racks.java": f"Caused by: java.lang.IllegalStateException: {LIMIT}\n",
    "racks.go": f"panic: {LIMIT}\n\ngoroutine 34 [running]:\n",
    "racks.js": f"Error: {LIMIT}\n",
    "racks.rs": f"thread 'main' panicked at /build/x.rs:1:1:\n{LIMIT}\nstack backtrace:\n",
    "Racks.cs": f"Unhandled exception. System.InvalidOperationException: {LIMIT}\n",
    "racks.rb": f"ArgumentError: {LIMIT}\n",
    "racks.php": f"PHP Fatal error:  Uncaught RuntimeException: {LIMIT} in /x/y.php:3\n",
}
OTHERS = {
    f"mw_{name}.py": f'def {name}_filter(request, handler):\n    """Call, handle and invoke: core panic, worker items, pipeline, layer."""\n    log.info("request finished with status 200 by {name}")\n    return carry(request, doFilter, ServeHTTP)\n'
    for name in ("cors", "gzip", "session", "timing")
}


@pytest.mark.parametrize("file", SAYS)
def test_a_message_amid_its_trace(tmp_path: Path, file: str) -> None:
    around = "".join(LIBRARY[file].format(n=n) for n in range(40))
    hits = first_hits(tmp_path, {**OTHERS, file: SAYS[file]}, f"{SAID[file]}{around}")
    assert hits[0].path == file


@pytest.mark.parametrize("file", SAYS)
def test_a_message_behind_its_trace(tmp_path: Path, file: str) -> None:
    around = "".join(LIBRARY[file].format(n=n) for n in range(40))
    hits = first_hits(tmp_path, {**OTHERS, file: SAYS[file]}, f"{around}{SAID[file]}{around}")
    assert hits[0].path == file


@pytest.mark.parametrize("file", LONGER)
def test_a_message_in_a_literal_of_several_lines(tmp_path: Path, file: str) -> None:
    files = {**OTHERS, **QUOTES, file: LONGER[file]}
    hit = first_hits(tmp_path, files, f"ERROR: {LIMIT}")[0]
    assert hit.path == file


def test_a_docstring_says_no_message() -> None:
    (message,) = said_in(Query(f"ERROR: {LIMIT}"))
    assert message.stands_in(f'raise ValueError(\n    """\n    {LIMIT.casefold()}\n    """\n)\n')
    assert not message.stands_in(f'def f():\n    """\n    {LIMIT.casefold()}\n    """\n    return 1\n')


LOADER = {
    "loader.py": 'def load_config(path):\n    """Load the configuration."""\n    return parse(path)\n',
    "server.py": 'from loader import load_config\n\n\ndef main():\n    load_config("a")\n    load_config("b")\n',
    "checks.py": 'def check(conf):\n    if not conf.ready:\n        raise RuntimeError("call load_config() before the server starts")\n',
}


@pytest.mark.parametrize(
    "query",
    [
        "call load_config() before the server starts",
        "RuntimeError: call load_config() before the server starts",
        '[12:01:07] ERROR web[3]: call load_config() before the server starts (attempt 3)',
    ],
)  # fmt: skip
def test_a_message_comes_before_the_function_that_it_names(tmp_path: Path, query: str) -> None:
    assert first_hits(tmp_path, LOADER, query)[0].path == "checks.py"


def test_a_sentence_that_a_comment_holds_in_part_is_no_message(tmp_path: Path) -> None:
    files = {
        "index_parameters.py": "def optimal_parameters(rows):\n    return rows\n",
        "z.py": "# calculate optimal vector index parameters\nX = 1\n",
    }
    hits = first_hits(tmp_path, files, "calculate optimal vector index parameters for the size of a table")
    assert hits[0].path == "index_parameters.py"


def test_a_message_of_many_files_is_no_ones(tmp_path: Path) -> None:
    many = {f"f{n}.py": 'raise ValueError("load_config was not called before")\n' for n in range(4)}
    hits = first_hits(
        tmp_path, {**many, "loader.py": LOADER["loader.py"]}, "load_config was not called before"
    )
    assert hits[0].path == "loader.py"


def test_a_message_in_resources(tmp_path: Path) -> None:
    files = {
        "i18n/de.json": '{"cart.empty": "Dein Warenkorb ist noch leer"}\n',
        "w.ts": "export function Warenkorb() { return 'leer' }\n",
    }
    assert first_hits(tmp_path, files, "Dein Warenkorb ist noch leer")[0].path == "i18n/de.json"


POLICY = "class RetryPolicy:\n    def next_delay(self, n):\n        return 2**n\n"


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("pkg/http/retry_policy.py", POLICY, "from pkg.http import retry_policy"),
        ("pkg/http/retry_policy.py", POLICY, "import pkg.http.retry_policy"),
        (
            "src/lib/retry/policy.ts",
            "export const limits = { most: 3 }\n",
            "import limits from '@/lib/retry/policy';",
        ),
        (
            "internal/retry/policy.go",
            "package retry\n\ntype Policy struct{}\n",
            'import "acme.dev/shop/internal/retry"',
        ),
        ("include/retry/policy.hpp", "#pragma once\nstruct Q {};\n", "#include <retry/policy.hpp>"),
        ("src/retry/policy.rs", "pub struct Q;\n", "use crate::retry::policy::Q;"),
    ],
)
def test_an_import_asks_for_the_module(tmp_path: Path, path: str, text: str, line: str) -> None:
    end = path.rpartition(".")[2]
    importers = {f"user{n}.{end}": f"{line}\n\n// {n}\nrun({n})\n" for n in range(3)}
    assert first_hits(tmp_path, {path: text, **importers}, line)[0].path == path


def test_the_innermost_frame_of_a_trace_is_first(tmp_path: Path) -> None:
    solver = "".join(
        f"int step_{n}(struct s *p)\n{{\n    p->count += {n};\n    return p->count;\n}}\n\n"
        for n in range(60)
    )
    trace = "==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x602\n    #0 0x4f in step_20 /build/src/engine/solver.c:123:5\n"
    trace += "".join(
        f"    #{n} 0x4f{n} in start_{n} /build/glibc/csu/libc-start{n}.c:{n}\n" for n in range(1, 40)
    )
    hit = first_hits(tmp_path, {"src/engine/solver.c": solver, "src/engine/other.c": "int x;\n"}, trace)[0]
    assert hit.path == "src/engine/solver.c"
    assert hit.start_line <= 123 <= hit.end_line
