"""``python -m training STAGE``: prepare, bag, layers, export; each goes on where it was cut.

python -m training prepare --corpus DATA --work WORK
python -m training bag     --work WORK --steps 8000
python -m training layers  --work WORK --steps 6000
python -m training export  --work WORK --out FOLDER
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from training import export, prepare, teacher
from training.encoded import Pairs
from training.run import Data, Run
from training.settings import Settings
from training.student import JinaBertStudent, Shape

_VOCABULARY = 30_000


def main() -> None:
    """One stage."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=("prepare", "bag", "layers", "export"))
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--until", type=int, help="stop there; the rate still falls towards --steps")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=JSON", help="other settings of a stage")
    parser.add_argument("--name", default="", help="of this run's folder; the stage's name otherwise")
    parser.add_argument("--start", default="bag", help="which run the layers begin with, or export writes")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    {"prepare": _prepare, "bag": _bag, "layers": _layers, "export": _export}[args.stage](args)


def _prepare(args: argparse.Namespace) -> None:
    prepare.prepare_vocabulary(args.corpus, args.work, _VOCABULARY)
    pairs = prepare.prepare_pairs(args.corpus, args.work)
    said = prepare.prepare_teacher(args.corpus, args.work, most=200_000)
    print(f"{len(pairs):,} pairs, {int((said[:, 0] != 0).sum()):,} with the teacher's vector of the query")


def _bag(args: argparse.Namespace) -> None:
    vocabulary = json.loads((args.work / "vocabulary.json").read_text(encoding="utf-8"))
    student = JinaBertStudent(Shape(len(vocabulary), layers=0))
    counts = np.load(args.work / "counts.npy")
    table = teacher.first_table(vocabulary, counts, student.shape.width, args.work / "teacher_tokens.npy")
    student.embeddings.word_embeddings.weight.data = torch.from_numpy(table)
    student.output_scale.data[-1] = 0.0
    settings = Settings(steps=args.steps, batch=1024, rate=0.01, layers=0, longest_text=192)
    _train(args, student, settings, args.name or "bag")


def _layers(args: argparse.Namespace) -> None:
    settings = Settings(steps=args.steps, batch=384, rate=1e-3, table_rate=1.0)
    start = torch.load(args.work / args.start / "checkpoint.pt", weights_only=True, map_location="cpu")[
        "student"
    ]
    vocabulary = len(start["embeddings.word_embeddings.weight"])
    student = JinaBertStudent(Shape(vocabulary, layers=settings.layers, feed_forward=settings.feed_forward))
    student.load_state_dict(start, strict=False)
    _train(args, student, settings, args.name or "layers")


def _train(args: argparse.Namespace, student: JinaBertStudent, settings: Settings, name: str) -> None:
    changes = dict(item.split("=", 1) for item in args.set)
    values = {key: json.loads(value) for key, value in changes.items()}
    settings = Settings(**({k: getattr(settings, k) for k in settings.__slots__} | values))
    pairs = Pairs.load(args.work / "pairs.npz")
    said = np.load(args.work / "teacher_of_pairs.npy", mmap_mode="r")
    Run(args.work / name, Data(pairs, prepare.KINDS, said), student, settings).go(until=args.until)


def _export(args: argparse.Namespace) -> None:
    folder = args.work / args.start
    state = torch.load(folder / "checkpoint.pt", weights_only=True, map_location="cpu")["student"]
    settings = Settings.read(folder / "settings.json")
    shape = Shape(
        len(state["embeddings.word_embeddings.weight"]),
        layers=settings.layers,
        feed_forward=settings.feed_forward,
    )
    student = JinaBertStudent(shape)
    student.load_state_dict(state)
    export.write_folder(student, args.work / "tokenizer.json", args.out)


if __name__ == "__main__":
    main()
