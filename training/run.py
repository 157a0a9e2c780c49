"""One stage of training: batches -> losses -> checkpoints. A run that was cut goes on from its last one.

Everything that step n sees is drawn from (seed, n), so that a checkpoint needs the weights, the optimiser's
moments and n. On CUDA where there is some, else on the CPU; bfloat16 in the layers, float32 in the rest.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from training.batches import Batches, also_right
from training.encoded import Pairs, Ragged
from training.losses import contrastive, matryoshka, relational
from training.settings import LOOSE_KINDS, Settings
from training.student import JinaBertStudent

__all__ = ["Data", "Run"]

_PAD = 1
_PARTS = 4


@dataclass(frozen=True, slots=True)
class Data:
    """What a run learns from."""

    pairs: Pairs
    kinds: tuple[str, ...]
    """Names of the pairs' kinds, by code."""
    teacher: np.ndarray
    """(pairs, dim) float16: what the teacher makes of each query; a row of zeros where it was not asked."""


class Run:
    """``Run(folder, data, student, settings).go()`` trains, or finishes what is begun in ``folder``."""

    def __init__(self, folder: Path, data: Data, student: JinaBertStudent, settings: Settings) -> None:
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._student = student.to(self._device)
        self._folder, self._data, self._settings = folder, data, settings
        shares = {n: settings.shares.get(kind, 0.0) for n, kind in enumerate(data.kinds)}
        self._loose = frozenset(n for n, kind in enumerate(data.kinds) if kind in LOOSE_KINDS)
        self._batches = Batches(data.pairs, settings.batch, settings.block, shares, settings.seed)
        self._optimizer = torch.optim.Adam(self._groups(), betas=(0.9, 0.98), eps=1e-8)
        self._step = 0
        folder.mkdir(parents=True, exist_ok=True)
        settings.write(folder / "settings.json")
        self._resume()

    def _groups(self) -> list[dict[str, object]]:
        table = list(self._student.embeddings.parameters())
        rest = [*self._student.encoder.parameters(), self._student.output_scale]
        rate = self._settings.rate
        return [
            {
                "params": table,
                "lr": rate * self._settings.table_rate,
                "peak": rate * self._settings.table_rate,
            },
            {"params": rest, "lr": rate, "peak": rate},
        ]

    def go(self, every: int = 500, until: int | None = None) -> None:
        """Train to the last step or ``until``; a checkpoint and a line of the curve every ``every`` steps."""
        last = self._settings.steps if until is None else until
        losses: list[list[float]] = []
        start = time.monotonic()
        while self._step < last:
            losses.append(self._one())
            self._step += 1
            if self._step % every == 0 or self._step == last:
                seconds = time.monotonic() - start
                self._log(np.mean(losses, axis=0), len(losses) * self._settings.batch / seconds)
                self._save()
                losses, start = [], time.monotonic()

    def _one(self) -> list[float]:
        rows = self._batches.at(self._step)
        height = self._schedule()
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * height
        queries = self._embed(self._data.pairs.queries, rows)
        texts = self._embed(self._data.pairs.texts, rows)
        other = self._tensor(also_right(self._data.pairs, rows, self._loose))
        s = self._settings
        found = matryoshka(lambda q, t: contrastive(q, t, other, s.temperature), queries, texts)
        as_teacher = self._distil(rows, queries)
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(found + s.distil * as_teacher)
        if self._student.shape.layers:
            torch.nn.utils.clip_grad_norm_(self._student.encoder.parameters(), 1.0)
        self._optimizer.step()
        return [float(found.detach()), float(as_teacher.detach())]

    def _distil(self, rows: np.ndarray, queries: Tensor) -> Tensor:
        said = self._data.teacher[rows].astype(np.float32)
        asked = np.flatnonzero(np.abs(said[:, 0]) + np.abs(said[:, 1]) > 0)
        if not self._settings.distil or len(asked) < 2:
            return torch.zeros((), device=self._device)
        wanted = self._tensor(said[asked])
        t = self._settings.distil_temperature
        return matryoshka(lambda q: relational(q, wanted, t), queries[self._tensor(asked)])

    def _embed(self, side: Ragged, rows: np.ndarray) -> Tensor:
        """(rows, width); padded in a few parts of like length, so that little is spent on padding."""
        if not len(self._student.encoder.layer):
            flat, starts = side.flat(rows)
            return self._student.bag(self._tensor(flat), self._tensor(starts))
        order = np.argsort(side.lengths()[rows], kind="stable")
        table = self._student.embeddings.table()
        halves = {n: p.to(torch.bfloat16) for n, p in self._student.encoder.named_parameters()}
        parts = []
        for part in np.array_split(order, _PARTS):
            ids, mask = side.padded(rows[part], _PAD, self._settings.longest_text)
            real = self._tensor(mask)
            x = functional.embedding(self._tensor(ids), table).to(torch.bfloat16)
            bias = self._student.bias(real).to(torch.bfloat16)
            x = functional_call(self._student.encoder, halves, (x, bias))
            parts.append(self._student.pooled(x, real))
        return torch.cat(parts)[self._tensor(np.argsort(order))]

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._device)

    def _schedule(self) -> float:
        s = self._settings
        if self._step < s.warm_up:
            return (self._step + 1) / s.warm_up
        done = (self._step - s.warm_up) / max(1, s.steps - s.warm_up)
        return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done))

    def _log(self, losses: np.ndarray, pairs_a_second: float) -> None:
        line = {
            "step": self._step,
            "contrastive": round(float(losses[0]), 4),
            "relational": round(float(losses[1]), 4),
            "pairs_per_second": round(pairs_a_second),
        }
        with (self._folder / "curve.jsonl").open("a", encoding="utf-8") as curve:
            curve.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)

    def _save(self) -> None:
        state = {
            "student": self._student.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
        }
        part = self._folder / "checkpoint.part"
        torch.save(state, part)
        part.replace(self._folder / "checkpoint.pt")

    def _resume(self) -> None:
        path = self._folder / "checkpoint.pt"
        if path.exists():
            state = torch.load(path, weights_only=True, map_location=self._device)
            self._student.load_state_dict(state["student"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._step = state["step"]
