"""``python -m training STAGE``: prepare, train, export; each goes on where it was cut.

python -m training prepare --corpus DATA --work WORK
python -m training train   --work WORK --seconds 500
python -m training export  --work WORK --out FOLDER
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from training.settings import SHARES, Settings

_VOCABULARY, _FOREIGN = 40_000, 6_000
_MOST_ASKED = 500_000
_FOREIGN_WORDS = 6.0
"""Share of pairs in other scripts while a shipped model learns new words: about half of all."""


def main() -> None:
    """One stage."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=("prepare", "train", "export"))
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seconds", type=float, help="of the layers' training; by steps alone otherwise")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--bag-steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--bag-batch", type=int, help="of the bag of words; as --batch by default")
    parser.add_argument("--begin", type=Path, help="a model folder to go on from, instead of a bag of words")
    parser.add_argument("--every", type=int, default=250, help="steps between checkpoints")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=JSON", help="other settings of the layers"
    )
    parser.add_argument("--weights", choices=("average", "student"), default="average", help="to export")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = True
    {"prepare": _prepare, "train": _train, "export": _export}[args.stage](args)


def _prepare(args: argparse.Namespace) -> None:
    from training.data import prepare
    from training.data.wanted import wanted_rows
    from training.model import minilm, teacher

    rows = prepare.ordered(wanted_rows(args.corpus))
    reader = Tokenizer.from_file(str(teacher.folder() / "tokenizer.json"))
    weights = minilm.packed(load_file(teacher.folder() / "model.safetensors"))
    prepare.prepare_vocabulary(rows, reader.get_vocab(), args.work, (_VOCABULARY, _FOREIGN))
    pairs = prepare.prepare_pairs(rows, args.work)
    prepare.prepare_teacher(rows, reader, weights, args.work, _MOST_ASKED)
    print(f"{len(pairs):,} pairs, {len(pairs.texts):,} texts")


def _train(args: argparse.Namespace) -> None:
    from training import stages

    changes = dict(item.split("=", 1) for item in args.set)
    bag = Settings(steps=args.bag_steps, batch=args.bag_batch or args.batch, rate=0.01, layers=0, mine_at=())
    layers = Settings(steps=args.steps, batch=args.batch, rate=1.5e-3, seconds=args.seconds)
    layers = layers.changed({key: json.loads(value) for key, value in changes.items()})
    if args.begin is not None:
        words = bag.changed(
            {"rate": 0.02, "warm_up": 20, "shares": dict(SHARES) | {"foreign": _FOREIGN_WORDS}}
        )
        stages.go_on(args.work, args.begin, words, layers, args.every)
        return
    stages.train(args.work, bag, lambda: layers, every=args.every)


def _export(args: argparse.Namespace) -> None:
    from training import stages

    stages.export_folder(args.work, args.weights, args.out)


if __name__ == "__main__":
    main()
