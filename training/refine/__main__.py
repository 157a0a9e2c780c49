"""``python -m training.refine --begin FOLDER --corpus DATA --work WORK --out FOLDER``: teach a model further.

Questions get a prompt, the layers are taught on both sides; words keep their vectors. A run that was cut goes
on. ``--seconds`` are those of the lessons; vectors of all texts are computed before, once for a ``--work``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import torch

from training.data.kinds import KINDS
from training.data.prepare import ordered, prepare_pairs
from training.data.wanted import wanted_rows
from training.refine.bank import Bank
from training.refine.drawing import NearBlocks, left_out
from training.refine.lessons import Lessons, Pace
from training.refine.prompted import Prompted
from training.refine.writing import write_folder
from training.settings import LOOSE_KINDS, SHARES

_BLOCK = 64
_SEED = 1


def main() -> int:
    """Read the pairs, compute the bank, teach, write the folder."""
    options = _parser().parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(_SEED)
    rows = ordered(wanted_rows(options.corpus))
    shutil.copyfile(options.begin / "tokenizer.json", options.work / "tokenizer.json")
    pairs = prepare_pairs(rows, options.work, options.longest)
    texts = list(dict.fromkeys(row.text for row in rows))
    bank = Bank(options.work / "bank", options.begin, texts, pairs, _SEED)
    shares = {code: SHARES.get(kind, 0.0) for code, kind in enumerate(KINDS)}
    without = left_out(pairs, options.leave_out).tolist()
    blocks = NearBlocks(
        pairs, shares, count=options.batch // _BLOCK, block=_BLOCK, without=without, seed=_SEED
    )
    model = Prompted(options.begin, options.tokens)
    loose = [code for code, kind in enumerate(KINDS) if kind in LOOSE_KINDS]
    pace = Pace(options.seconds)
    Lessons(options.work, model, pairs, loose=loose, blocks=blocks, bank=bank, pace=pace).go(options.every)
    write_folder(options.begin, model, options.out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.refine",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--begin", type=Path, required=True, help="the model folder to go on from")
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokens", type=int, choices=range(1, 9), default=4, help="of a new prompt")
    parser.add_argument("--seconds", type=float, default=2340)
    parser.add_argument("--batch", type=int, default=384, help=f"pairs a step, a multiple of {_BLOCK}")
    parser.add_argument("--longest", type=int, default=128, help="tokens of a text that are read")
    parser.add_argument("--leave-out", type=int, default=12, help="repositories that are not trained on")
    parser.add_argument("--every", type=int, default=25, help="steps between checkpoints")
    return parser


if __name__ == "__main__":
    sys.exit(main())
