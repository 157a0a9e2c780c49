"""What may be learned from and what is made of it, on small real repositories."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from training.corpus.build import build
from training.corpus.duplicates import Duplicates, fingerprint
from training.corpus.linking import same_name_pairs
from training.corpus.manifest import Entry, load, never_train_on, repository_name, save
from training.corpus.projects.checkout import fetch, git, head_commit, mirror_of
from training.corpus.projects.choosing import Wanted, choose
from training.corpus.projects.licences import Refused, spdx_expression
from training.corpus.prose.foreign import foreign_sentence, script_of
from training.corpus.prose.messages import messages
from training.corpus.prose.plain import prose
from training.corpus.prose.screening import kept_by_content, kept_by_path
from training.corpus.questions import action_of_sentence, question
from training.corpus.records import Text
from training.corpus.shards import read_rows

MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy of this software.
The above copyright notice and this permission notice shall be included in all copies or substantial portions.
"""
PARSER = '''"""Reading of settings files that users write by hand."""


class SettingsParser:
    """Turns lines of a settings file into a mapping of names to values."""

    def parse_settings(self, lines):
        """Parses the settings that stand in these lines, one a line.

        :param lines: text
        """
        found = {}
        for line in lines:
            # everything behind a hash sign is ignored here
            line = line.partition("#")[0]
            name, _, value = line.partition("=")
            if name.strip():
                found[name.strip()] = value.strip()
        return found
'''
FUNCTION = """def read_settings(lines):
    found = {}
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() and not name.startswith("#"):
            found[name.strip()] = value.strip()
    return found
"""
COPIED = "".join(f"def helper_{i}(value):\n    return value * {i} + offset_{i}\n\n\n" for i in range(40))


def _repository(
    mirrors: Path, name: str, files: dict[str, str], then: tuple[str, str, str] | None = None
) -> None:
    tree = mirrors / "trees" / name.replace("/", "+")
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    _git(tree, "init", "-q")
    _commit(tree, "Begin")
    if then is not None:
        (tree / then[0]).write_text(then[1])
        _commit(tree, then[2])
    (tree / ".git").rename(mirrors / name.replace("/", "+"))


def _commit(tree: Path, subject: str) -> None:
    _git(tree, "add", "-A")
    _git(
        tree,
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.org",
        "-c",
        "commit.gpgsign=false",
        "commit",
        "-qm",
        subject,
    )


def _git(tree: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=tree, check=True)


def _built(
    mirrors: Path, out: Path, *wanted: Wanted, exclude: tuple[Path, ...] = ()
) -> dict[str, list[dict]]:
    chosen = choose(wanted, mirrors, never_train_on())
    assert not chosen.refused
    build(chosen.entries, mirrors, out, exclude, workers=1)
    return {name: list(read_rows(out, name)) for name in ("texts", "pairs", "heldout_texts", "heldout_pairs")}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("GNU GENERAL PUBLIC LICENSE\nVersion 3", "gnu general public"),
        (MIT + "\nParts are under the Mozilla Public License 2.0", "mozilla public licen"),
        (MIT + '\n"Commons Clause" License Condition', "commons clause"),
        ("All rights reserved.", "none of the accepted"),
    ],
)
def test_any_other_licence_is_refused(text: str, reason: str) -> None:
    assert spdx_expression({"LICENSE": MIT}) == "MIT"
    with pytest.raises(Refused, match=reason):
        spdx_expression({"LICENSE": MIT, "COPYING": text})


def test_a_repository_without_a_licence_is_refused(tmp_path: Path) -> None:
    _repository(tmp_path, "some/thing", {"a.py": PARSER})
    (name, reason), *_ = choose([Wanted("some/thing", ("python",), "train")], tmp_path, frozenset()).refused
    assert (name, reason) == ("some/thing", "no licence file in the top folder")


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/Pallets/Click",
        "git@github.com:pallets/click.git",
        "http://www.github.com/PALLETS/click.git/",
    ],
)
def test_what_is_never_trained_on_is_refused_in_any_spelling(address: str, tmp_path: Path) -> None:
    entry = Entry(address, "0" * 40, "MIT", ("python",), "train")
    with pytest.raises(Refused, match="never trained on"):
        save([entry], tmp_path / "manifest.json")
    ((_, reason),) = choose([Wanted(address, ("python",), "train")], tmp_path, never_train_on()).refused
    assert reason.startswith("never trained on")
    (tmp_path / "by_hand.json").write_text(json.dumps({"repositories": [{**_row(entry)}]}))
    with pytest.raises(Refused, match="never trained on"):
        load(tmp_path / "by_hand.json")


def _row(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in Entry.__slots__}


def test_the_commit_of_the_manifest_is_fetched_with_its_history(tmp_path: Path) -> None:
    _repository(tmp_path, "a/one", {"LICENSE": MIT, "a.py": "x = 1\n"}, ("a.py", "x = 2\n", "Count from two"))
    source = tmp_path / "a+one"
    entry = Entry(f"file://{source}", head_commit(source), "MIT", ("python",), "train")
    _git(tmp_path, "init", "-q", "--bare", str(tmp_path / "mirrors" / entry.folder))  # cut short
    mirror = fetch(entry, tmp_path / "mirrors")
    assert fetch(entry, tmp_path / "mirrors") == mirror == mirror_of(entry.name, tmp_path / "mirrors")
    assert head_commit(mirror) == entry.commit
    assert git(mirror, "log", "--format=%s").decode().split("\n")[:2] == ["Count from two", "Begin"]


def test_near_copies_are_found_and_others_are_not() -> None:
    seen = Duplicates()
    assert not seen.seen(fingerprint(COPIED.encode()))
    assert seen.seen(fingerprint(("# another header\n" + COPIED.replace("    ", "\t")).encode()))
    assert seen.seen(fingerprint(COPIED.replace("helper_7(", "renamed(").encode()))
    assert not seen.seen(fingerprint(COPIED.replace("offset", "shift").encode()))
    most = len(COPIED) * 4 // 5
    assert not seen.seen(fingerprint((COPIED[:most] + COPIED[most:].upper()).encode()))
    assert not seen.seen(fingerprint(PARSER.encode()))


def test_copies_across_projects_and_of_excluded_folders_are_left_out(tmp_path: Path) -> None:
    excluded = tmp_path / "measured"
    excluded.mkdir()
    measured = COPIED.replace("offset", "shift")
    (excluded / "shifts.py").write_text(measured)
    _repository(
        tmp_path, "a/one", {"LICENSE": MIT, "lib/copied.py": COPIED, "moved.py": "# moved\n" + measured}
    )
    _repository(tmp_path, "b/two", {"LICENSE": MIT, "copied.py": COPIED + "\nX = 1\n"})
    wanted = [Wanted(name, ("python",), "train") for name in ("a/one", "b/two")]
    rows = _built(tmp_path, tmp_path / "out", *wanted, exclude=(excluded,))
    assert {(row["repo"], row["path"]) for row in rows["texts"]} == {("a/one", "lib/copied.py")}


def test_vendored_generated_and_foreign_files_are_left_out() -> None:
    assert kept_by_path("src/config/reader.py")
    for path in ("vendor/v.go", "a/third_party/x.c", "src/bundled_fmtlib_format.cpp", "api/v1_pb2.py"):
        assert not kept_by_path(path)
    assert kept_by_content(b"// Copyright 2020 The Authors. Licensed under the MIT license.")
    for head in (b"// Code generated by x. DO NOT EDIT.", b"# GNU Lesser General Public License"):
        assert not kept_by_content(head)


def test_no_answer_holds_the_comment_that_asks_for_it(tmp_path: Path) -> None:
    twice = FUNCTION.replace("    found", "    # Collects what the\n    # lines say.\n    found", 1)
    twice = "# collects what the lines say\n" + twice
    _repository(tmp_path, "a/one", {"LICENSE": MIT, "settings.py": PARSER, "twice.py": twice})
    pairs = _built(tmp_path, tmp_path / "out", Wanted("a/one", ("python",), "train"))["pairs"]
    asked = {row["kind"]: row["query"] for row in pairs if row["path"] == "settings.py"}
    assert asked["doc"] == "Parses the settings that stand in these lines, one a line"
    assert asked["comment"] == "everything behind a hash sign is ignored here"
    for row in pairs:
        assert row["query"].lower() not in " ".join(row["text"].split()).lower()


def test_held_out_projects_are_in_no_training_file(tmp_path: Path) -> None:
    other = PARSER.replace("settings", "headers").replace("Settings", "Headers")
    _repository(tmp_path, "a/one", {"LICENSE": MIT, "settings.py": PARSER, "both.py": COPIED})
    _repository(tmp_path, "b/two", {"LICENSE": MIT, "headers.py": other, "same.py": COPIED})
    wanted = (Wanted("a/one", ("python",), "train"), Wanted("b/two", ("python",), "heldout"))
    rows = _built(tmp_path, tmp_path / "out", *wanted)
    assert {row["repo"] for row in rows["texts"] + rows["pairs"]} == {"a/one"}
    assert {row["repo"] for row in rows["heldout_texts"] + rows["heldout_pairs"]} == {"b/two"}
    assert not any("helper_1" in row["text"] for row in rows["texts"])
    (row,) = rows["heldout_pairs"]
    assert row["kind"] == "doc"
    assert "return found" in row["text"]
    assert row["query"] not in row["text"]


def test_a_question_is_made_of_what_is_done() -> None:
    action = action_of_sentence("Parses the request lines, one at a time")
    assert action is not None
    asked = {question(action, "the router", random.Random(seed)).lower().rstrip("?") for seed in range(200)}
    assert {"how are the request lines parsed", "how does the router parse the request lines"} <= asked
    assert len(asked) > 30


def test_one_name_for_one_repository() -> None:
    spellings = ("https://github.com/A/B.git", "git@github.com:a/b", "ssh://git@github.com/a/B/", "a/b")
    assert {repository_name(each) for each in spellings} == {"a/b"}


def test_tests_prose_and_commits_lead_to_what_they_are_about(tmp_path: Path) -> None:
    check = "def test_read_settings_of_nothing():\n    found = read_settings([])\n    assert found == {}\n"
    prose = "# Use\n\nUnknown lines are handed to `read_settings` unless somebody says otherwise.\n"
    files = {"LICENSE": MIT, "settings.py": FUNCTION.replace("strip", "trim"), "tests/test_it.py": check}
    later = ("settings.py", FUNCTION, "fix: keep empty values (#7)")
    _repository(tmp_path, "a/one", {**files, "README.md": prose}, later)
    pairs = _built(tmp_path, tmp_path / "out", Wanted("a/one", ("python",), "train"))["pairs"]
    found = {row["kind"]: row["query"] for row in pairs if row["path"] == "settings.py"}
    assert found["commit"] == "keep empty values"
    assert "test_read_settings_of_nothing" in found["code"]
    assert found["file"] == "Unknown lines are handed to read settings unless somebody says otherwise"


def test_one_name_in_two_projects_is_a_pair() -> None:
    def text(repo: str, body: str) -> Text:
        return Text(
            f"{repo}:a:0", repo, "python", "a.py", "function", "read_settings", f"# a.py\n# x\n{body}"
        )

    same = [text("a/one", FUNCTION), text("b/two", FUNCTION.replace("found", "result"))]
    (pair,) = same_name_pairs(same)
    assert (pair.query, pair.text) == (same[1].text, same[0].text)
    assert not list(same_name_pairs([same[0], text("a/one", FUNCTION.replace("found", "result"))]))
    assert not list(
        same_name_pairs([same[0], text("b/two", "def read_settings(): " + "nothing = alike\n" * 20)])
    )


@pytest.mark.parametrize(
    ("lines", "said", "script"),
    [
        (
            ["/**", " * 根据用户编号，获得用户信息", " *", " * @param id 编号", " */"],
            "根据用户编号，获得用户信息",
            "chinese",
        ),
        (
            ["/// <summary>", "/// ファイルを開きます。失敗も", "/// </summary>"],
            "ファイルを開きます",
            "japanese",
        ),
        (
            ["# Возвращает список друзей пользователя. И ещё."],
            "Возвращает список друзей пользователя",
            "russian",
        ),
    ],
)
def test_comments_in_other_scripts_ask_too(lines: list[str], said: str, script: str) -> None:
    assert foreign_sentence(lines) == said
    assert script_of(said) == script


@pytest.mark.parametrize(
    "line",
    [
        "# Returns the list of friends",
        "// 编号",
        "// TODO 根据用户编号获得用户信息",
        "// x = 编号; y = 用户编号",
    ],
)
def test_what_is_no_sentence_in_another_script_is_refused(line: str) -> None:
    assert foreign_sentence([line]) is None


def test_a_comment_is_read_up_to_its_tags() -> None:
    lines = [
        "/**",
        " * Closes the {@link Reader reader}. Twice does no harm.",
        " *",
        " * Never throws.",
        " * @see Other",
        " */",
    ]
    assert prose(lines) == ["Closes the reader. Twice does no harm.", "Never throws."]


def test_messages_are_what_errors_say() -> None:
    code = """if bad:
    raise ValueError("cannot parse the %s header of this request")
    throw new IllegalStateException(
        'Already closed by someone else')
    print("this is said on a quiet line here")
    panic("short one")
"""
    assert [message.text for message in messages(code)] == [
        "cannot parse the header of this request",
        "Already closed by someone else",
    ]
    assert all(message.literal in code for message in messages(code))


def test_entries_of_the_manifest_stay_at_their_commit(tmp_path: Path) -> None:
    _repository(tmp_path, "some/thing", {"LICENSE": MIT, "a.py": "a = 1\n"})
    pinned = Entry("https://github.com/Some/Thing", "0" * 40, "MIT", ("python",), "heldout")
    wanted = [Wanted("some/thing", ("python",), "train")]
    assert choose(wanted, tmp_path, frozenset(), [pinned]).entries == (pinned,)
    assert choose(wanted, tmp_path, frozenset()).entries[0].commit != "0" * 40
    assert choose(wanted, tmp_path, frozenset({"some/thing"}), [pinned]).entries == ()
