"""A verb and what it is done to -> the question that a developer would have typed.

The verb comes from the first word of a documentation comment ("Parses the request line ...") or of a name
(``parse_request_line``). Grammar is kept where that is cheap: number of the object, forms of the verb.
Templates are many and of very different shapes on purpose: a model that sees one learns the template.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from training.corpus.prose.verbs import VERBS, Verb

__all__ = ["Action", "about", "action_of_name", "action_of_sentence", "question"]

_ARTICLE = re.compile(r"^(the|a|an|this|its|their|all|any|each|every|some|one|two|our|your)\b", re.IGNORECASE)
_PHRASE_END = re.compile(
    r"\s(?:that|which|who|when|where|while|if|unless|until|so|because|since|after|before|based|such|using"
    r"|and then|or)\s"
    r"|[,;:(]|\s[-–—]+\s|\.\s",
    re.IGNORECASE,
)
_HEAD_END = re.compile(
    r"\s(?:of|for|from|in|into|to|with|by|on|at|as|over|under|between|within|via|against|and)\s"
)
_ACTIVE = (
    "how does {subject} {base} {object}",
    "how do we {base} {object}",
    "how to {base} {object}",
    "where do we {base} {object}",
    "where does {subject} {base} {object}",
    "code that {third} {object}",
    "function that {third} {object}",
    "what {third} {object}",
    "{gerund} {object}",
    "{base} {object}",
    "which function {third} {object}",
    "logic for {gerund} {object}",
    "find the code {gerund} {object}",
    "show me where we {base} {object}",
    "implementation of {gerund} {object}",
    "who {third} {object}",
    "where is the logic to {base} {object}",
    "function to {base} {object}",
    "how can I {base} {object}",
    "what is responsible for {gerund} {object}",
    "which part of the code {third} {object}",
    "where in the code do we {base} {object}",
    "helper that {third} {object}",
    "method to {base} {object}",
)
_PASSIVE = (
    "how {is} {object} {participle}",
    "where {is} {object} {participle}",
    "when {is} {object} {participle}",
    "where {is} {object} getting {participle}",
    "what happens when {object} {is} {participle}",
    "how {is} {object} {participle} in {subject}",
    "place where {object} {is} {participle}",
    "code path where {object} {is} {participle}",
    "where exactly {is} {object} {participle}",
    "why {is} {object} {participle}",
    "{object} {is} {participle} here",
    "what decides how {object} {is} {participle}",
)
_NOUN = (
    "what is {object}",
    "how does {object} work",
    "where is {object} defined",
    "where is {object} implemented",
    "implementation of {object}",
    "{object} implementation",
    "explain {object}",
    "what does {object} do",
    "where is the code for {object}",
    "show {object}",
    "how is {object} implemented",
    "definition of {object}",
    "which class handles {object}",
    "find {object}",
    "code for {object}",
    "how do I use {object}",
    "where does {object} live",
)
_ONLY_ACTIVE = frozenset(
    {"get", "make", "use", "say", "see", "know", "test", "let", "try", "return", "represent", "contain"}
)
"""Verbs whose passive nobody asks with."""
_NO_OBJECT = re.compile(
    r"^(of|to|from|in|on|at|by|for|with|into|as|and|or|up|out|off|over|through|is|are|be|only|not)\b"
)
_CLAUSE = re.compile(r"^(whether|if|that|how|what|when|where|which)\b")
_HOLLOW_OBJECTS = frozenset(
    {"it", "this", "that", "the value", "value", "them", "true", "false", "null", "nil", "none"}
)


@dataclass(frozen=True, slots=True)
class Action:
    """What is done to what; ``object`` is lower-case English with its article where it has one."""

    verb: Verb
    object: str

    @property
    def passive(self) -> bool:
        """Whether one can ask what is done to the object."""
        return self.verb.base not in _ONLY_ACTIVE and not _CLAUSE.match(self.object)

    @property
    def plural(self) -> bool:
        """Whether the object takes a plural verb."""
        head = _HEAD_END.split(self.object)[0].split()
        last = head[-1] if head else ""
        first = head[0] if head else ""
        one = first in {"a", "an", "this", "each", "every", "one"}
        return not one and last.endswith("s") and not last.endswith(("ss", "us", "is", "ics"))


def action_of_sentence(sentence: str) -> Action | None:
    """ "Parses the request line, ..." -> parse, "the request line"."""
    words = sentence.split()
    lead = words[0].lower().rstrip(",") if words else ""
    if lead in {"helper", "function", "method", "utility", "used", "tries", "attempts"} and "to" in words[:5]:
        words = words[words.index("to") + 1 :]
    verb = VERBS.get(words[0].lower()) if words else None
    if verb is None:
        return None
    rest = " ".join(words[1:])
    rest = _PHRASE_END.split(f" {rest} ", maxsplit=1)[0].strip(" .,'\"")
    kept = rest.split()[:9]
    while kept and kept[-1].lower() in {
        "the",
        "a",
        "an",
        "of",
        "for",
        "to",
        "in",
        "and",
        "with",
        "from",
        "by",
        "on",
        "is",
    }:
        kept.pop()
    what = " ".join(kept)
    if _NO_OBJECT.match(what) or what.lower() in _HOLLOW_OBJECTS or not re.search(r"[a-z]{3}", what):
        return None
    if not kept[0].isupper():
        what = what[0].lower() + what[1:]
    return Action(verb, re.sub(r"^(the given|the specified|a given|given|specified) ", "the ", what))


def action_of_name(words: tuple[str, ...], dice: random.Random) -> Action | None:
    """("parse", "config", "file") -> parse, "the config file"."""
    verb = VERBS.get(words[0]) if len(words) >= 2 else None
    if verb is None or words[0] not in {verb.base, verb.third}:
        return None
    rest = [word for word in words[1:6] if len(word) > 1]
    if not rest or rest[0] in {"to", "from", "by", "with", "for", "if", "on", "in", "and", "or"}:
        return None
    what = " ".join(rest)
    action = Action(verb, what)
    return action if action.plural or dice.random() < 0.3 else Action(verb, f"the {what}")


def question(action: Action, subject: str, dice: random.Random) -> str:
    """One of the templates; ``subject`` ("the router") is "" where there is none to name."""
    forms = {
        "base": action.verb.base,
        "third": action.verb.third,
        "participle": action.verb.participle,
        "gerund": action.verb.gerund,
        "is": "are" if action.plural else "is",
        "object": action.object,
        "subject": subject or dice.choice(("it", "the code", "the library")),
    }
    passive = action.passive and dice.random() < 0.45
    said = _pick(_PASSIVE if passive else _ACTIVE, subject, dice).format(**forms)
    return _typed(said, dice)


def about(thing: str, dice: random.Random) -> str:
    """A question about a thing that no verb is known of."""
    named = thing if _ARTICLE.match(thing) or dice.random() < 0.4 else f"the {thing}"
    return _typed(dice.choice(_NOUN).format(object=named), dice)


def _pick(templates: tuple[str, ...], subject: str, dice: random.Random) -> str:
    template = dice.choice(templates)
    while not subject and "{subject}" in template and dice.random() < 0.8:
        template = dice.choice(templates)
    return template


def _typed(text: str, dice: random.Random) -> str:
    """As people type: mostly lower case, seldom a question mark, articles dropped now and then."""
    if dice.random() < 0.2:
        text = re.sub(r"\b(the|a|an) ", "", text)
    if dice.random() < 0.15:
        text = text[0].upper() + text[1:]
    return f"{text}?" if dice.random() < 0.15 else text
