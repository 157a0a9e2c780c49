"""The command line as it is used, on tiny trees; in processes of their own where only those show it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from codesearch.storage.folders.locations import LOCK_NAME
from codesearch.storage.folders.lock import WriterLock
from tests.support.command import Done, command, run, run_process
from tests.support.waiting import PATIENCE

CLIENT = '''"""HTTP client."""


class Client:
    """Sends requests."""

    def send(self, request):
        return self.transport(request)

    def should_retry(self, attempt):
        # decides whether a request is retried: é
        return attempt < 3
'''


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for path, text in {
        "src/client.py": CLIENT,
        "src/users.js": 'export function getUserById(id) {\n  return "\x1b[31mred\x07";\n}\n',
        "tests/test_client.py": "def test_send():\n    assert Client().send(1)\n",
        "notes.md": "# Index\n\nhow the index is stored\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def words(*args: str, cwd: Path, env: Mapping[str, str] = {}) -> Done:
    return run("--mode", "lexical", *args, cwd=cwd, env=env)


def complaints(got: Done) -> str:
    """stderr without the line that says that work takes a moment (on a slow machine)."""
    lines = got.stderr.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("codesearch: indexing /"))


def test_the_first_question_indexes_and_answers(tree: Path) -> None:
    got = words("where is it decided that a request is retried", cwd=tree)
    assert got.returncode == 0, got.stderr
    place, first = got.stdout.splitlines()[:2]
    assert place.startswith("src/client.py:")
    assert got.stdout.count("decides whether a request is retried: é") == 1
    assert first.lstrip()[0].isdigit()
    assert complaints(got) == ""


def test_json(tree: Path) -> None:
    got = words("getUserById", str(tree), "--json", "-k1", cwd=tree.parent)
    answer = json.loads(got.stdout)
    assert answer["root"] == str(tree.resolve())
    assert (answer["query"], answer["model"]) == ("getUserById", "embedded")
    assert answer["embedded"] == 0
    assert answer["total"] == 4
    assert [(r["path"], r["symbol"]) for r in answer["results"]] == [("src/users.js", "getUserById")]
    assert "\x1b" in answer["results"][0]["content"]


def test_exit_codes(tree: Path) -> None:
    assert words("zebra", cwd=tree).returncode == 1
    assert words("zebra", cwd=tree).stdout == ""
    assert words("client", cwd=tree).returncode == 0
    assert run("--nonsense", cwd=tree).returncode == 2


@pytest.mark.parametrize(
    ("args", "kind", "says"),
    [
        (["two", "words"], "UsageError", "quote the query"),
        (["x", "--bogus"], "UsageError", "--bogus"),
        (["x", "-k", "0"], "UsageError", "-k"),
        (["  "], "BadQuery", "empty"),
        (["x", "-t", "klingon"], "BadQuery", "klingon"),
        (["x", "--no-refresh"], "IndexNotFound", "codesearch index"),
        (["similar", "here"], "BadQuery", "FILE:LINE"),
        (["similar", "src/client.py#nothing"], "BadQuery", "nothing"),
        (["status"], "IndexNotFound", "codesearch index"),
        (["clear"], "UsageError", "--orphans"),
    ],
)
def test_errors_are_one_line_or_one_object(tree: Path, args: list[str], kind: str, says: str) -> None:
    mode = [] if args[0] in ("similar", "status", "clear") else ["--mode", "lexical"]
    as_text = run(*args, *mode, cwd=tree)
    assert as_text.returncode == 2
    assert as_text.stdout == ""
    assert says in complaints(as_text)
    assert complaints(as_text).count("\n") == 1
    as_json = run(*args, *mode, "--json", cwd=tree)
    assert as_json.returncode == 2
    error = json.loads(as_json.stdout)
    assert (sorted(error), error["kind"]) == (["error", "kind"], kind)
    assert says in error["error"]


def test_an_empty_query_indexes_nothing(tree: Path) -> None:
    assert run("", "--mode", "lexical", cwd=tree).returncode == 2
    assert json.loads(run("list", "--json", cwd=tree).stdout) == []


def test_a_query_that_is_a_subcommands_name(tree: Path) -> None:
    assert words("search", "index", "-l", cwd=tree).stdout == "notes.md\n"
    assert words("-l", "--", "index", cwd=tree).stdout == "notes.md\n"
    assert "files" in run("index", "--max-wait", "0", cwd=tree).stdout


def test_options_may_stand_anywhere(tree: Path) -> None:
    want = words("Client", "-l", "-k", "2", cwd=tree).stdout
    assert want == run("-k", "2", "Client", "-l", "--mode", "lexical", ".", cwd=tree).stdout
    assert json.loads(run("--json", "status", ".", cwd=tree).stdout)["files"] == 4


def test_filters(tree: Path) -> None:
    assert words("client send", "-t", "py", "-g", "!tests/**", "-l", cwd=tree).stdout == "src/client.py\n"
    assert words("client send", "tests", "-l", cwd=tree).stdout == "tests/test_client.py\n"
    assert words("client send", "-l", cwd=tree / "tests").stdout.splitlines()[0] == "test_client.py"
    assert words("client send", "-l", "-t", "md,js", cwd=tree).returncode == 1


def test_context_lines_come_from_the_file(tree: Path) -> None:
    words("client", cwd=tree)
    (tree / "src/client.py").write_text("# a line more\n" + CLIENT)
    fresh = words("should_retry", "-k1", "-C", "99", cwd=tree).stdout
    assert "# a line more" in fresh
    (tree / "src/client.py").write_text("changed\n")
    stale = words("should_retry", "-k1", "-C", "99", "--no-refresh", cwd=tree).stdout
    assert "changed" not in stale
    assert "def should_retry" in stale


def test_a_refresh_precedes_each_search(tree: Path) -> None:
    assert words("zebra", cwd=tree).returncode == 1
    (tree / "src/zebra.py").write_text("def zebra():\n    pass\n")
    assert words("zebra", "--no-refresh", cwd=tree).returncode == 1
    assert words("zebra", "-l", cwd=tree).stdout == "src/zebra.py\n"


def test_control_characters_of_files_are_shown(tree: Path) -> None:
    (tree / "src/\x1b[2Jevil.py").write_text("def innocent():\n    pass\n")
    got = words("getUserById innocent", cwd=tree)
    assert "\x1b" not in got.stdout
    assert r"\x1b[31mred\x07" in got.stdout
    assert r"src/\x1b[2Jevil.py" in got.stdout


def test_a_terminal_that_knows_only_ascii(tree: Path) -> None:
    ascii = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    got = run_process("--mode", "lexical", "retried", cwd=tree, env=ascii)
    assert got.returncode == 0, got.stderr
    assert r"retried: \xe9" in got.stdout


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_reader_that_leaves_early(tree: Path) -> None:
    words("client", cwd=tree)
    line = f"{sys.executable} -m codesearch --mode lexical client -C 3; echo status=$? >&2"
    got = subprocess.run(
        ["sh", "-c", f"({line}) | true"],
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert got.stderr == "status=0\n"


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_on_a_terminal(tree: Path, env: dict[str, str], coloured: bool) -> None:
    words("client", cwd=tree)
    output = in_terminal(command("--mode", "lexical", "getUserById", "-k1"), tree, env)
    assert ("\x1b[" in output) is coloured
    assert "\x1b[31mred" not in output
    assert "getUserById" in output


def in_terminal(args: list[str], cwd: Path, env: Mapping[str, str]) -> str:
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(
        args, cwd=cwd, env={**os.environ, "TERM": "xterm-256color", **env}, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        seen = b""
        try:
            while block := os.read(ours, 65536):
                seen += block
        except OSError:  # Linux says EIO where the other end is closed
            pass
    os.close(ours)
    return seen.decode()


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another thing there")
def test_interrupted(tree: Path) -> None:
    for i in range(3000):
        (tree / f"src/f{i}.py").write_text(f"def f{i}():\n    return {i}\n" * 20)
    process = subprocess.Popen(
        command("index", "--max-wait", "60", interruptible=True),
        cwd=tree,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("codesearch: indexing")  # the long work has begun
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert said.strip() == "codesearch: interrupted; what was done is kept"
    assert words("Client", "-l", "--no-refresh", cwd=tree).returncode in (0, 1)


def test_max_wait_says_how_much_is_embedded(tree: Path) -> None:
    got = run("client", "--max-wait", "0", cwd=tree)
    again = run("client", "--max-wait", "0", "--json", cwd=tree)
    answer = json.loads(again.stdout)
    assert f"{answer['embedded']} of {answer['total']} chunks embedded" in again.stderr
    assert got.returncode in (0, 1)


def test_list_and_clear(tree: Path, tmp_path: Path) -> None:
    words("client", cwd=tree)
    entry = json.loads(run("list", "--json", cwd=tmp_path).stdout)[0]
    assert (entry["root"], entry["orphan"]) == (str(tree.resolve()), False)
    tree.rename(tmp_path / "moved")
    assert "gone" in run("list", cwd=tmp_path).stdout
    assert str(tree.resolve()) in run("clear", "--orphans", cwd=tmp_path).stdout
    assert json.loads(run("list", "--json", cwd=tmp_path).stdout) == []
    assert run("clear", "--all", cwd=tmp_path).stdout == "nothing to clear\n"


def test_outside_of_a_repository_similar_asks_the_folder_where_one_is(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for name in ("a.py", "src/b.py"):
        (tmp_path / name).write_text("def retry():\n    pass\n")
    run("index", cwd=tmp_path)
    assert run("similar", "src/b.py:1", "-l", cwd=tmp_path).stdout == "a.py\n"


def test_models_and_version(tmp_path: Path) -> None:
    assert "embedded" in run("models", cwd=tmp_path).stdout
    assert run("--version", cwd=tmp_path).stdout.startswith("codesearch ")
    assert "Exit codes" in run("--help", cwd=tmp_path).stdout


def test_doctor_tries_everything(tmp_path: Path) -> None:
    got = run("doctor", "--json", cwd=tmp_path)
    found = {finding["what"]: finding for finding in json.loads(got.stdout)}
    assert {"index folder", "model cache", "full text", "vector graph", "grammars"} <= set(found)
    assert found["full text"]["found"].startswith("SQLite")
    assert found["model embedded"]["found"].endswith("| pass")
    assert got.returncode == 0
    broken = run("doctor", "--model", "no-such-model", cwd=tmp_path)
    assert broken.returncode == 2
    assert "FAIL  model no-such-model" in broken.stdout


def test_a_search_answers_while_another_process_writes(tree: Path) -> None:
    words("client", cwd=tree)
    entry = json.loads(run("list", "--json", cwd=tree).stdout)[0]
    with WriterLock(Path(entry["directory"]) / LOCK_NAME):
        got = words("client", "-l", cwd=tree)
    assert got.stdout.splitlines()[0] == "src/client.py"
    assert f"process {os.getpid()} is refreshing this index" in got.stderr


@pytest.mark.parametrize("args", [["--version"], ["list"]])
def test_quick_commands_import_nothing_heavy(args: list[str], tmp_path: Path) -> None:
    code = (
        "import sys\nfrom codesearch.cli import main\n"
        f"try:\n    main({args!r})\nexcept SystemExit:\n    pass\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'numpy', 'rich', 'mlx', 'onnxruntime', 'tokenizers', 'tree_sitter', 'safetensors'}))"
    )
    got = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert got.stdout.splitlines()[-1] == "[]"


def test_the_shipped_model_answers_and_status_tells_the_truth(tree: Path) -> None:
    assert run("index", cwd=tree).returncode == 0
    answer = json.loads(run("who decides about another attempt", "--json", cwd=tree).stdout)
    assert answer["embedded"] == answer["total"] == 4
    status = json.loads(run("status", "--json", cwd=tree).stdout)
    assert (status["embedded"], status["total"], status["files"]) == (4, 4, 4)
    assert status["backend"] in ("mlx", "onnx")
    assert "embedded" in run("status", cwd=tree).stdout
    similar = run("similar", "src/client.py#Client.send", "-k", "2", "--no-content", cwd=tree).stdout
    assert len(similar.splitlines()) == 2
    assert run("similar", "src/client.py:5", "-l", cwd=tree).returncode == 0


@pytest.mark.parametrize("args", [["help"], ["help", "search"], ["help", "similar"], ["help", "help"]])
def test_help_is_a_command_too(args: list[str], tmp_path: Path) -> None:
    got = run(*args, cwd=tmp_path)
    assert (got.returncode, got.stdout) == (0, run(*args[1:], "--help", cwd=tmp_path).stdout)


def test_help_of_no_command_names_those_there_are(tmp_path: Path) -> None:
    got = run("help", "serach", cwd=tmp_path)
    assert got.returncode == 2
    assert "'serach'; the commands are search, similar, callers, index" in got.stderr


def test_without_arguments_help_is_shown_and_nothing_was_done(tmp_path: Path) -> None:
    got = run(cwd=tmp_path)
    assert (got.returncode, got.stdout) == (2, run("--help", cwd=tmp_path).stdout)


def test_both_programs_speak_alike_of_versions_and_bad_options(tmp_path: Path) -> None:
    """Version lines, error lines and exit codes differ in the name of the program alone."""
    said = []
    for module in ("codesearch.cli", "conversion.cli"):
        start = f"import sys; from {module} import main; main(sys.argv[1:])"
        for args in (["--version"], ["--no-such-option"], []):
            got = subprocess.run(
                [sys.executable, "-c", start, *args],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            said.append((got.returncode, got.stdout, got.stderr))
    (search, convert) = said[:3], said[3:]
    assert [code for code, _, _ in search] == [code for code, _, _ in convert] == [0, 2, 2]
    assert convert[0][1] == search[0][1].replace("codesearch", "convert-weights")
    for program, (_, out, err) in (("codesearch", search[1]), ("convert-weights", convert[1])):
        assert out == ""
        assert err.startswith(f"{program}: error: No such option")
        assert err.rstrip().endswith("--help")
    assert all(out.startswith("Usage: ") for _, out, _ in (search[2], convert[2]))
