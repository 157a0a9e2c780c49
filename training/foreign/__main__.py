"""``python -m training.foreign --begin FOLDER --corpus DATA --out FOLDER``: teach a model other scripts.

Read is what ``python -m training.corpus`` wrote: ``translations``, and pairs of kind ``foreign``. Latin text
keeps its tokens and its vectors: only rows that are appended to the table of words are learnt.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from training.foreign.examples import Examples, read_texts
from training.foreign.learning import Teaching
from training.foreign.tokenizer import count_runs, extended, pieces, reader, used
from training.foreign.words import Words
from training.foreign.writing import write_folder

_LEAST = 15
"""Times that a piece stands in the texts; a rarer one would learn nothing."""
_TEXTS_READ = 4
"""One in so many chunks is counted for the vocabulary."""


def main() -> int:
    """Choose the vocabulary, find where its vectors begin, teach them, write the folder."""
    options = _parser().parse_args()
    torch.manual_seed(1)
    texts = read_texts(options.corpus, options.most)
    tokenizer = reader(options.begin / "tokenizer.json")
    counted = [*texts.chunks[::_TEXTS_READ], *(each.text for each in texts.asked)]
    counted += [each.text for each in texts.asked if each.is_translation]
    tokens = pieces(count_runs(tokenizer, counted))
    tokens = used(extended(tokenizer, tokens), counted, tokens, _LEAST)
    tokenizer = extended(tokenizer, tokens)
    print(f"{len(tokens):,} tokens", file=sys.stderr)
    examples = Examples.make(texts.asked, tokenizer, options.begin)
    words = Words(options.begin, tokens)
    words.begin(examples)
    Teaching(words, examples, options.batch).go(options.steps, options.rate)
    write_folder(options.begin, tokenizer, words.rows(), options.out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.foreign",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--begin", type=Path, required=True, help="the model folder to extend")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--most", type=int, default=5_500, help="pairs with code a script")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rate", type=float, default=0.3)
    return parser


if __name__ == "__main__":
    sys.exit(main())
