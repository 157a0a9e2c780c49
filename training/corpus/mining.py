"""The chunks of one file -> (query, chunk) pairs that the file itself vouches for.

A query that comes from a comment is paired with the chunk without that comment; otherwise the model
would learn to compare strings. Names and paths stay: the index embeds them too.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Sequence

from codesearch.records import Chunk
from training.corpus.prose.comments import Comment, comments, without
from training.corpus.prose.foreign import foreign_sentence
from training.corpus.prose.messages import messages
from training.corpus.prose.phrases import content_phrase, name_phrase, path_phrase, path_words, split_name
from training.corpus.prose.plain import prose
from training.corpus.prose.sentences import sentence_of
from training.corpus.questions import about, action_of_name, action_of_sentence, question
from training.corpus.reading import is_test, share_of
from training.corpus.records import Kind, Pair

__all__ = ["chunk_id", "pairs_of_file"]

_MIN_TEXT = 40
"""Characters but blanks that an answer holds at least."""
_TELLING = frozenset(
    {"function", "method", "class", "interface", "struct", "trait", "enum", "macro", "module", "type"}
)
_MAX_COMMENTS, _MAX_DOCS, _MAX_OF_HEADER, _MAX_OF_CLASS = 2, 3, 3, 2
_MAX_FOREIGN, _MAX_MESSAGES = 3, 2
_LONG_WORDS = (14, 90)
"""A comment of so many words, in several sentences, is a question of several sentences."""


def chunk_id(repo: str, chunk: Chunk) -> str:
    """``owner/name:path:start_byte``."""
    return f"{repo}:{chunk.path}:{chunk.start_byte}"


def pairs_of_file(repo: str, chunks: Sequence[Chunk]) -> list[Pair]:
    """Everything that this file says about itself; the same every time."""
    dice = random.Random(f"{repo}/{chunks[0].path}" if chunks else "")
    miner = _Miner(repo, dice)
    for chunk in chunks:
        if (chunk.language or "") == "markdown":
            miner.section(chunk)
        elif share_of(chunk.path, chunk.language) in {"code", "test"}:
            miner.code(chunk, chunks)
    return miner.pairs


class _Miner:
    def __init__(self, repo: str, dice: random.Random) -> None:
        self.pairs: list[Pair] = []
        self._repo = repo
        self._dice = dice

    def code(self, chunk: Chunk, file: Sequence[Chunk]) -> None:
        found = comments(chunk.text, chunk.language, chunk.definitions, chunk.start_byte == 0)
        docs = inside = 0
        for comment in found:
            if comment.role == "doc" and docs < _MAX_DOCS:
                docs += self._documented(chunk, comment, file)
            elif comment.role == "inside" and inside < _MAX_COMMENTS:
                inside += self._inside(chunk, comment)
            elif comment.role == "file":
                said = sentence_of(comment.lines, minimum=4)
                others = [each for each in file if each is not chunk]
                self._spread(said, others, _MAX_OF_HEADER)
        self._foreign(chunk, found)
        if not is_test(chunk.path):
            self._complaining(chunk)
        self._named(chunk)

    def section(self, chunk: Chunk) -> None:
        """A Markdown section, asked for by its heading."""
        heading = re.sub(r"[^\w\s'/.+-]", "", re.sub(r"\(.*?\)|`", "", chunk.symbol)).strip()
        words = heading.split()
        if (
            chunk.kind != "section"
            or not heading.isascii()
            or not 2 <= len(words) <= 9
            or any(c.isdigit() for c in heading)
        ):
            return
        text = chunk.text
        if self._dice.random() < 0.5:
            text = re.sub(r"\A\s*#+ [^\n]*\n", "", text)
        if self._dice.random() < 0.3 and chunk.scope and len(words) < 5:
            heading = f"{plain_heading(chunk.scope[-1])} {heading}".strip()
        self._add("topic", heading.lower() if self._dice.random() < 0.6 else heading, chunk, text)
        action = action_of_sentence(heading)
        asked = question(action, "", self._dice) if action else about(heading.lower(), self._dice)
        self._add("question", asked, chunk, text)

    def _documented(self, chunk: Chunk, comment: Comment, file: Sequence[Chunk]) -> bool:
        said = sentence_of(comment.lines, comment.name)
        if said is None:
            return False
        text = without(chunk.text, [comment])
        if not self._add("doc", said, chunk, text):
            return False
        self._add("long", _several_sentences(comment), chunk, text)
        if self._dice.random() < 0.7:
            self._add("topic", content_phrase(said, self._dice), chunk, text)
        action = action_of_sentence(said)
        if action is not None:
            self._add("question", question(action, _subject(chunk), self._dice), chunk, text)
            if self._dice.random() < 0.4:
                self._add("question", question(action, _subject(chunk), self._dice), chunk, text)
        elif re.match(r"(?i)(a|an|the) \w", said) and len(said.split()) <= 12:
            self._add("question", about(said[0].lower() + said[1:], self._dice), chunk, text)
        if (
            chunk.kind in {"class", "interface", "struct", "trait", "module", "impl"}
            and comment.name == chunk.symbol
        ):
            members = [each for each in file if each is not chunk and chunk.symbol in each.scope]
            self._spread(said, members, _MAX_OF_CLASS)
        return True

    def _inside(self, chunk: Chunk, comment: Comment) -> bool:
        said = sentence_of(comment.lines, minimum=4)
        return self._add("comment", said, chunk, without(chunk.text, [comment]))

    def _foreign(self, chunk: Chunk, found: Sequence[Comment]) -> None:
        """Comments in other scripts, wherever they stand; half the time the others go with them."""
        said = [(each, sentence) for each in found if (sentence := foreign_sentence(each.lines))]
        for comment, sentence in said[:_MAX_FOREIGN]:
            gone = [each for each, _ in said] if self._dice.random() < 0.5 else [comment]
            self._add("foreign", sentence, chunk, without(chunk.text, gone))

    def _complaining(self, chunk: Chunk) -> None:
        for message in messages(chunk.text)[:_MAX_MESSAGES]:
            kept = self._dice.random() < 0.4
            text = chunk.text if kept else chunk.text.replace(message.literal, '""')
            self._add("message", message.text, chunk, text)

    def _spread(self, said: str | None, chunks: Sequence[Chunk], count: int) -> None:
        """What is said of a whole -> some of its parts."""
        telling = [each for each in chunks if each.kind in _TELLING]
        for chunk in self._dice.sample(telling, min(count, len(telling))) if said else ():
            self._add("file", said, chunk, chunk.text)

    def _named(self, chunk: Chunk) -> None:
        """What the name and the place of a definition say, the comment left where it is."""
        rare = 0.3 if share_of(chunk.path, chunk.language) == "test" else 1.0
        dice = self._dice
        if chunk.kind == "test":
            if dice.random() < 0.3:
                self._add("topic", content_phrase(chunk.symbol, dice), chunk, chunk.text)
            return
        if chunk.kind in _TELLING and dice.random() < 0.6 * rare:
            self._add("topic", name_phrase(chunk.symbol, chunk.scope, chunk.path, dice), chunk, chunk.text)
        if chunk.kind in _TELLING and dice.random() < 0.45 * rare:
            self._add("question", self._asked_by_name(chunk), chunk, chunk.text)
        if dice.random() < 0.06 * rare:
            words = path_phrase(chunk.path, dice)
            asked = about(words, dice) if words and dice.random() < 0.4 else words
            self._add("topic", asked, chunk, chunk.text)

    def _asked_by_name(self, chunk: Chunk) -> str | None:
        words = split_name(chunk.symbol)
        action = action_of_name(words, self._dice)
        if action is not None:
            return question(action, _subject(chunk), self._dice)
        phrase = name_phrase(chunk.symbol, chunk.scope, chunk.path, self._dice)
        return about(phrase, self._dice) if phrase else None

    def _add(self, kind: Kind, query: str | None, chunk: Chunk, text: str) -> bool:
        if query is None or len(query) < 5 or len("".join(text.split())) < _MIN_TEXT:
            return False
        shown = chunk if text is chunk.text else dataclasses.replace(chunk, text=text)
        if shown is not chunk and query in shown.text:  # said twice: in another comment too
            return False
        self.pairs.append(
            Pair(
                id=chunk_id(self._repo, chunk),
                query=query,
                text=shown.embedded_text,
                kind=kind,
                language=chunk.language or "",
                repo=self._repo,
                path=chunk.path,
                symbol=chunk.symbol,
            )
        )
        return True


def _several_sentences(comment: Comment) -> str | None:
    """The whole of a comment that says more than one sentence; None for the others."""
    said = " ".join(prose(comment.lines))
    words = said.split()[: _LONG_WORDS[1]]
    if len(words) < _LONG_WORDS[0] or not said.isascii() or not re.search(r"[.!?] [A-Z]", said):
        return None
    return " ".join(words)


def plain_heading(heading: str) -> str:
    """A heading's words."""
    return " ".join(re.findall(r"[A-Za-z][\w'-]*", heading)[:4])


def _subject(chunk: Chunk) -> str:
    """ "the router": what the definition belongs to; "" where that says nothing."""
    words = split_name(chunk.scope[-1]) if chunk.scope else tuple(path_words(chunk.path)[-2:])
    kept = [word for word in words if len(word) > 2 and not word.isdigit()]
    return f"the {' '.join(kept[:3])}" if kept else ""
