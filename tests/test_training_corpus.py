"""What may be learned from and what is made of it, on small real repositories."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from training.corpus.build import build
from training.corpus.choosing import Wanted, choose
from training.corpus.duplicates import Duplicates, fingerprint
from training.corpus.licences import Refused, spdx_expression
from training.corpus.manifest import Entry, load, never_train_on, repository_name, save
from training.corpus.questions import action_of_sentence, question
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
COPIED = "".join(f"def helper_{i}(value):\n    return value * {i} + offset_{i}\n\n\n" for i in range(40))


def _repository(mirrors: Path, name: str, files: dict[str, str]) -> None:
    tree = mirrors / "trees" / name.replace("/", "+")
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    mirror = mirrors / name.replace("/", "+")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "Begin"]):
        subprocess.run(["git", *command], cwd=tree, check=True)
    (tree / ".git").rename(mirror)


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
    assert choose([Wanted(address, ("python",), "train")], tmp_path, never_train_on()).refused
    (tmp_path / "by_hand.json").write_text(json.dumps({"repositories": [{**_row(entry)}]}))
    with pytest.raises(Refused, match="never trained on"):
        load(tmp_path / "by_hand.json")


def _row(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in Entry.__slots__}


def test_near_copies_are_found_and_others_are_not() -> None:
    seen = Duplicates()
    assert not seen.seen(fingerprint(COPIED.encode()))
    assert seen.seen(fingerprint(("# another header\n" + COPIED.replace("    ", "\t")).encode()))
    assert seen.seen(fingerprint(COPIED.replace("helper_7(", "renamed(").encode()))
    assert not seen.seen(fingerprint(COPIED.replace("offset", "shift").encode()))
    assert not seen.seen(fingerprint(PARSER.encode()))


def test_copies_across_projects_and_of_excluded_folders_are_left_out(tmp_path: Path) -> None:
    excluded = tmp_path / "measured"
    excluded.mkdir()
    (excluded / "settings.py").write_text(PARSER)
    _repository(
        tmp_path, "a/one", {"LICENSE": MIT, "lib/copied.py": COPIED, "settings.py": "# moved\n" + PARSER}
    )
    _repository(tmp_path, "b/two", {"LICENSE": MIT, "copied.py": COPIED + "\nX = 1\n", "vendor/v.py": PARSER})
    wanted = [Wanted(name, ("python",), "train") for name in ("a/one", "b/two")]
    rows = _built(tmp_path, tmp_path / "out", *wanted, exclude=(excluded,))
    assert {(row["repo"], row["path"]) for row in rows["texts"]} >= {("a/one", "lib/copied.py")}
    assert not any(row["repo"] == "b/two" for row in rows["texts"] + rows["pairs"])


def test_no_answer_holds_the_comment_that_asks_for_it(tmp_path: Path) -> None:
    _repository(tmp_path, "a/one", {"LICENSE": MIT, "settings.py": PARSER})
    pairs = _built(tmp_path, tmp_path / "out", Wanted("a/one", ("python",), "train"))["pairs"]
    asked = {row["kind"]: row["query"] for row in pairs}
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
