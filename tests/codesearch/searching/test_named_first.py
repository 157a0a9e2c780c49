"""A name that is asked for: its definition comes first, wherever it stands and whoever uses it."""

# ruff: noqa: E501
from __future__ import annotations

from pathlib import Path

import pytest

from codesearch import Hit, open_index


def first_hits(root: Path, files: dict[str, str], query: str, limit: int = 3) -> list[Hit]:
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    with open_index(root, here=True) as index:
        index.refresh(vectors=False)
        return index.search(query, limit=limit, mode="lexical")


USES = {
    f"route_table_{n}.py": f"def use_{n}(x):\n    return route_table(x) + route_table(x)\n" for n in range(4)
}
ROUTES = 'def route_table(x):\n    """All routes"""\n    return x\n'


@pytest.mark.parametrize(
    "folder", ["vendor", "third_party", "legacy", "compat", "examples", "tests", "benchmarks", "gen", "docs"]
)
def test_a_folder_does_not_put_the_definition_behind_its_uses(tmp_path: Path, folder: str) -> None:
    hits = first_hits(tmp_path, {**USES, f"{folder}/routes.py": ROUTES}, "route_table")
    assert hits[0].path == f"{folder}/routes.py"


def test_of_two_definitions_that_of_the_product_is_first(tmp_path: Path) -> None:
    files = {**USES, "tests/routes.py": ROUTES, "src/routes.py": ROUTES + "\n# the product's\n"}
    assert [hit.path for hit in first_hits(tmp_path, files, "route_table", 2)] == [
        "src/routes.py",
        "tests/routes.py",
    ]


def test_a_trait_comes_before_what_implements_it(tmp_path: Path) -> None:
    files = {
        "lib.rs": "/// Keeps things.\npub trait Store {\n    fn put(&self, key: u32);\n}\n",
        **{
            f"store_{n}.rs": f"pub struct S{n};\n\nimpl Store for S{n} {{\n    fn put(&self, key: u32) {{\n"
            f"        Store::log(key); keep(key, {n});\n    }}\n}}\n"
            for n in range(3)
        },
        "store.rs": "use crate::Store;\n\nimpl Store for Disk {\n    fn put(&self, key: u32) {}\n}\n",
    }
    assert first_hits(tmp_path, files, "Store")[0].path == "lib.rs"


@pytest.mark.parametrize("query", ["Router", "Phoenix.Router"])
def test_a_dotted_module_is_found_by_its_last_part_and_in_full(tmp_path: Path, query: str) -> None:
    files = {
        "lib/a.ex": "defmodule Phoenix.Router do\n  def call(conn), do: conn\nend\n",
        "lib/b.ex": "defmodule Other.Thing do\n  alias Phoenix.Router\n  def go, do: Router.call(Router)\nend\n",
        "lib/router.ex": "defmodule Web do\n  use Phoenix.Router\n  def router, do: Phoenix.Router\nend\n",
    }
    assert first_hits(tmp_path, files, query)[0].path == "lib/a.ex"


def test_the_owner_that_is_asked_for_decides_among_definitions(tmp_path: Path) -> None:
    files = {
        f"{name.lower()}.py": f"class {name}:\n    def close(self):\n        return 1\n"
        for name in ("Door", "File", "Socket")
    }
    assert first_hits(tmp_path, files, "Socket.close")[0].path == "socket.py"


def test_a_class_comes_before_its_constructor(tmp_path: Path) -> None:
    body = "".join(f"    void step{n}() {{ run({n}); log({n}); keep({n}); }}\n" for n in range(60))
    java = (
        f"/** A queue. */\npublic class Queue {{\n{body}    public Queue(int size) {{\n        this.size = size;\n"
        f"        {'run(1); ' * 60}\n    }}\n}}\n"
    )
    hit = first_hits(tmp_path, {"Queue.java": java}, "Queue")[0]
    assert (hit.kind, hit.start_line) == ("class", 1)


@pytest.mark.parametrize(
    ("path", "text", "query"),
    [
        ("a.ps1", "function Get-QuarterlyReport {\n    1\n}\n", "Get-QuarterlyReport"),
        ("a.clj", "(ns shop)\n(defn place-order! [x] x)\n", "place-order!"),
        ("a.el", "(defun ring-push (x) x)\n", "ring-push"),
        ("Makefile", "build-all: a\n\tcc a\n", "build-all"),
    ],
)
def test_names_with_hyphens_are_names(tmp_path: Path, path: str, text: str, query: str) -> None:
    use = f"{query} {query}\n# {query}\n"
    files = {path: text, "zz/use.txt": use, f"zz/{query.strip('!')}.md": f"# {query}\n\n{use}"}
    assert first_hits(tmp_path, files, query)[0].path == path


@pytest.mark.parametrize("query", ["where is route_table defined?", "definition of route_table"])
def test_a_question_where_a_name_is_defined_is_that_name(tmp_path: Path, query: str) -> None:
    files = {
        **USES,
        "where_defined.py": "# where it is defined: the definition\n" * 3,
        "legacy/routes.py": ROUTES,
    }
    assert first_hits(tmp_path, files, query)[0].path == "legacy/routes.py"


def test_a_type_comes_before_the_module_that_ends_in_its_name(tmp_path: Path) -> None:
    text = (
        "-- | Component names, component by component.\nmodule Stack.Component (Component(..)) where\n\nimport A\n"
        + "import B\n" * 60
    )
    text += "\ndata Component = Library | Executable\n\nname :: Component -> Int\nname c = 1\n"
    first = first_hits(tmp_path, {"src/Stack/Component.hs": text}, "Component")[0]
    assert "data Component" in first.text


SETTINGS = {
    "src/main/resources/application.properties": "# the executor\njobs.executor.retention=30\njobs.retention=7\n",
    "src/Config.java": 'class Config {\n    @Value("${jobs.retention}")\n    private int retention;\n}\n',
    "src/Reader.java": 'class Reader {\n    int days = read("jobs.executor.retention");\n}\n',
    "docs/retention.md": "# Retention\n\nRetention of the executor: how long jobs retain.\n",
}


def test_a_key_of_settings_is_found_where_it_is_written_whole(tmp_path: Path) -> None:
    hits = first_hits(tmp_path, SETTINGS, "jobs.executor.retention")
    assert {hit.path for hit in hits[:2]} == {"src/main/resources/application.properties", "src/Reader.java"}


def test_a_qualified_name_is_still_its_definition(tmp_path: Path) -> None:
    files = {
        "shop/cart.py": "class Cart:\n    def total(self):\n        return 1\n",
        **{f"use_{n}.py": "import shop\nprint(shop.Cart.total, shop.Cart.total)\n" for n in range(3)},
    }
    assert first_hits(tmp_path, files, "shop.Cart.total")[0].path == "shop/cart.py"


def test_the_owner_finds_one_of_very_many_definitions(tmp_path: Path) -> None:
    padding = "".join(f"    def other_{n}(self): return self.draw({n})\n" for n in range(60))
    files = {
        f"a{n:03}.py": f"class A{n}:\n    def render(self): return {n}\n    # zeta render zeta\n"
        for n in range(230)
    }
    files["widgets/zeta.py"] = f"class Zeta:\n{padding}    def render(self):\n        return self.other_1()\n"
    hit = first_hits(tmp_path, files, "Zeta.render")[0]
    assert hit.path == "widgets/zeta.py"
    assert "def render" in hit.text


@pytest.mark.parametrize(
    ("query", "path", "text"),
    [
        ("create table job_info", "db/tables.sql", "CREATE TABLE `job_info` (\n  id int,\n  name text\n);\n"),
        ("CREATE OR REPLACE VIEW job_info", "db/v.sql", "create view job_info as select 1;\n"),
        ("def job_info(self, x):", "a.py", "def job_info(self, x):\n    return x\n"),
        ("pub fn job_info<T>(x: T)", "a.rs", "pub fn job_info<T>(x: T) {\n    drop(x);\n}\n"),
        ("struct JobInfo {", "a.c", "struct JobInfo {\n    int x;\n};\n"),
        ("export class JobInfo", "a.ts", "export class JobInfo {\n    x = 1;\n}\n"),
    ],
)
def test_the_beginning_of_a_definition_asks_for_it(tmp_path: Path, query: str, path: str, text: str) -> None:
    uses = {
        f"create_table_job_info_{n}.py": "def use(x):\n    # create the table, class struct JobInfo\n"
        "    return job_info(JobInfo(job_info(x)), view, self, pub, fn)\n"
        for n in range(4)
    }
    assert first_hits(tmp_path, {**uses, path: text}, query)[0].path == path
