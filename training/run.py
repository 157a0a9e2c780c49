"""One stage of training: batches -> losses -> checkpoints. A run that was cut goes on from its last one.

Everything that step n sees is drawn from (seed, n), so that a checkpoint needs the weights, their average,
the optimiser's moments, the hard negatives and n. On CUDA where there is some, else on the CPU; bfloat16 in
the layers, float32 in the rest.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from training.data import mining
from training.data.augment import joined, without_shared
from training.data.batches import Batches
from training.data.encoded import Pairs
from training.data.examples import Examples, Rows
from training.model.losses import contrastive, matryoshka, relational
from training.model.student import JinaBertStudent
from training.settings import LOOSE_KINDS, Settings

__all__ = ["Data", "Run", "device_here"]

_PARTS = 6
_HARD = 8
"""Hard negatives kept for each query; one of them is drawn each time."""
_AHEAD = 8
_COMPARED = 1024


def device_here() -> torch.device:
    """CUDA where there is some, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True, slots=True)
class Data:
    """What a run learns from."""

    pairs: Pairs
    kinds: tuple[str, ...]
    """Names of the pairs' kinds, by code."""
    teacher: np.ndarray
    """(queries, dim) float16: what the teacher makes of queries; a row of zeros for those not asked."""
    of_pairs: np.ndarray
    """(pairs,) int64: which row of ``teacher`` a pair's query is."""


class Run:
    """``Run(folder, data, student, settings).go()`` trains, or finishes what is begun in ``folder``."""

    def __init__(
        self,
        folder: Path,
        data: Data,
        student: JinaBertStudent,
        settings: Settings,
        saved: Callable[[Path], None] = lambda path: None,
    ) -> None:
        """``saved`` is called with the file of each checkpoint."""
        self._device = device_here()
        self._student = student.to(self._device)
        self._folder, self._pairs, self._settings, self._saved = folder, data.pairs, settings, saved
        loose = [n for n, kind in enumerate(data.kinds) if kind in LOOSE_KINDS]
        shares = {n: settings.shares.get(kind, 0.0) for n, kind in enumerate(data.kinds)}
        self._examples = Examples(data.pairs, loose, self._device)
        self._batches = Batches(data.pairs, settings.batch, settings.block, shares, settings.seed)
        self._teacher = torch.from_numpy(data.teacher).to(self._device)
        self._of_pairs = torch.from_numpy(data.of_pairs).to(self._device)
        self._optimizer = torch.optim.Adam(
            self._groups(), betas=(0.9, 0.98), eps=1e-8, fused=self._device.type == "cuda"
        )
        self._average = {n: t.detach().clone() for n, t in student.named_parameters()}
        self._hard: Tensor | None = None
        self._mined = 0
        self._step, self._elapsed = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        settings.write(folder / "settings.json")
        self._resume()

    def _groups(self) -> list[dict[str, object]]:
        table = list(self._student.embeddings.parameters())
        rest = [*self._student.encoder.parameters(), self._student.output_scale]
        rate = self._settings.rate
        return [
            {"params": parameters, "lr": peak, "peak": peak}
            for parameters, peak in ((table, rate * self._settings.table_rate), (rest, rate))
        ]

    def go(self, every: int = 500, until: int | None = None) -> None:
        """Train to the end of the stage or ``until``; each ``every`` steps save and extend the curve."""
        last = self._settings.steps if until is None else until
        losses: list[Tensor] = []
        with ThreadPoolExecutor(2) as threads:
            ahead = [threads.submit(self._batches.at, self._step + n) for n in range(_AHEAD)]
            start, before = time.monotonic(), self._elapsed
            while self._step < last and self._progress() < 1:
                self._mine_if_due()
                ahead.append(threads.submit(self._batches.at, self._step + _AHEAD))
                losses.append(self._one(ahead.pop(0)))
                self._step += 1
                if self._step % 20 == 0 and self._device.type == "cuda":
                    torch.cuda.synchronize()
                self._elapsed = before + time.monotonic() - start
                if self._step % every == 0:
                    self._log(losses)
                    self._save()
                    losses = []
            if losses:
                self._log(losses)
                self._save()

    def _progress(self) -> float:
        """Part of the stage that is done, 0 to 1."""
        by_clock = self._elapsed / self._settings.seconds if self._settings.seconds else 0.0
        return max(self._step / self._settings.steps, by_clock)

    def _one(self, drawn: Future[np.ndarray]) -> Tensor:
        rows = torch.from_numpy(drawn.result()).to(self._device)
        height = self._height()
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * height
        dice = torch.Generator(self._device).manual_seed(self._settings.seed * 1_000_003 + self._step)
        queries, texts = self._augmented(rows, dice)
        answers = self._examples.text[rows]
        said = [self.embed(texts)]
        if self._hard is not None:
            lot = torch.randint(self._hard.shape[1], (len(rows),), generator=dice, device=self._device)
            wrong = self._hard[rows, lot].long()
            answers = torch.cat([answers, wrong])
            said.append(self.embed(self._examples.texts.rows(wrong, self._settings.longest_text)))
        right = self._examples.right(rows, answers).fill_diagonal_(False)
        asked, found = self.embed(queries), torch.cat(said)
        s = self._settings
        told_apart = matryoshka(lambda q, t: contrastive(q, t, right, s.temperature), asked, found)
        as_teacher = self._distil(rows, asked)
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(told_apart + s.distil * as_teacher)
        if self._student.shape.layers:
            torch.nn.utils.clip_grad_norm_(self._student.encoder.parameters(), 1.0)
        self._optimizer.step()
        self._take_average()
        return torch.stack([told_apart.detach(), as_teacher.detach()])

    def _augmented(self, rows: Tensor, dice: torch.Generator) -> tuple[Rows, Rows]:
        s = self._settings
        queries = self._examples.queries.rows(rows, s.longest_query)
        texts = self._examples.texts.rows(self._examples.text[rows], s.longest_text)
        lot = torch.rand(len(rows), generator=dice, device=self._device)
        others = self._examples.queries.rows(self._examples.sibling[rows], s.longest_query)
        queries = joined(queries, others, lot > 1 - s.join, s.longest_query)
        bare_texts = without_shared(texts, queries, lot < s.unshare)
        bare_queries = without_shared(queries, texts, (lot >= s.unshare) & (lot < 2 * s.unshare))
        return bare_queries, bare_texts

    def _distil(self, rows: Tensor, queries: Tensor) -> Tensor:
        """The relational loss of some of the queries: all of a large batch are too many to compare."""
        which = rows[:_COMPARED]
        said = self._teacher[self._of_pairs[which]].float()
        asked = (said.abs().sum(1) > 0).nonzero()[:, 0]
        if not self._settings.distil or len(asked) < 2:
            return torch.zeros((), device=self._device)
        t = self._settings.distil_temperature
        return matryoshka(lambda q: relational(q, said[asked], t), queries[asked])

    def embed(self, rows: Rows) -> Tensor:
        """(rows, width) float32; in a few parts of like length, so that little is spent on padding."""
        if not len(self._student.encoder.layer):
            lengths = rows.mask.sum(1)
            return self._student.bag(rows.ids[rows.mask], lengths.cumsum(0) - lengths)
        places = torch.arange(1, rows.mask.shape[1] + 1, device=self._device)
        extents = (rows.mask * places).amax(1)
        order = extents.argsort()
        table = self._student.embeddings.table().to(torch.bfloat16)
        halves = {n: p.to(torch.bfloat16) for n, p in self._student.encoder.named_parameters()}
        parts = []
        longest = [int(part[-1]) for part in extents[order].tensor_split(_PARTS)]
        for part, length in zip(order.tensor_split(_PARTS), longest, strict=True):
            ids, mask = rows.ids[part, :length], rows.mask[part, :length]
            bias = self._student.bias(mask).to(torch.bfloat16)
            x = functional_call(self._student.encoder, halves, (functional.embedding(ids, table), bias))
            parts.append(self._student.pooled(x, mask))
        return torch.cat(parts)[order.argsort()]

    def _mine_if_due(self) -> None:
        due = sum(self._progress() >= at for at in self._settings.mine_at)
        if due <= self._mined or not self._student.shape.layers:
            return
        s, pairs, examples = self._settings, self._pairs, self._examples
        lengths = (pairs.queries.lengths(), pairs.texts.lengths())
        queries, texts = (
            mining.vectors(side, each, self.embed, longest, self._device)
            for side, each, longest in zip(
                (examples.queries, examples.texts), lengths, (s.longest_query, s.longest_text), strict=True
            )
        )
        self._hard = mining.mine(pairs, examples, queries, texts, _HARD).int()
        self._mined = due

    def _take_average(self) -> None:
        keep = min(self._settings.average, (1 + self._step) / (10 + self._step))
        with torch.no_grad():
            ours = list(self._average.values())
            torch._foreach_lerp_(ours, [p.detach() for p in self._student.parameters()], 1 - keep)

    def _height(self) -> float:
        """Of the rate: up in a line, down in a cosine."""
        up = (self._step + 1) / self._settings.warm_up
        return min(up, 0.003 + 0.997 * 0.5 * (1 + math.cos(math.pi * min(1.0, self._progress()))))

    def _log(self, losses: list[Tensor]) -> None:
        means = torch.stack(losses).mean(0).tolist()
        line = {
            "step": self._step,
            "seconds": round(self._elapsed, 1),
            "contrastive": round(means[0], 4),
            "relational": round(means[1], 4),
            "pairs_per_second": round(self._step * self._settings.batch / max(self._elapsed, 1e-9)),
        }
        with (self._folder / "curve.jsonl").open("a", encoding="utf-8") as curve:
            curve.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)

    def _save(self) -> None:
        state = {
            "student": self._student.state_dict(),
            "average": self._average,
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "elapsed": self._elapsed,
            "hard": self._hard,
            "mined": self._mined,
        }
        part = self._folder / "checkpoint.part"
        torch.save(state, part)
        part.replace(self._folder / "checkpoint.pt")
        self._saved(self._folder / "checkpoint.pt")

    def _resume(self) -> None:
        path = self._folder / "checkpoint.pt"
        if path.exists():
            state = torch.load(path, weights_only=True, map_location=self._device)
            self._student.load_state_dict(state["student"])
            self._average = state["average"]
            self._optimizer.load_state_dict(state["optimizer"])
            self._step, self._elapsed = state["step"], state["elapsed"]
            self._hard, self._mined = state["hard"], state["mined"]
