"""The lessons: a question finds its text among all of its repository, and a text is told from near ones.

- A question is compared with every text of its repository, up to a limit. That costs nothing, since texts are
  taken from ``Bank``, as they were when they were last computed; so it teaches the question's side alone.
- Both sides are taught by the pairs of a step (``losses.contrastive``), half of which are near to each other.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.data.encoded import Pairs, Ragged
from training.data.examples import Examples
from training.model.losses import contrastive, matryoshka
from training.refine.bank import Bank
from training.refine.drawing import NearBlocks
from training.refine.prompted import Prompted

__all__ = ["Lessons", "Pace"]

_OF_BANK = 0.5
"""Weight of the first lesson beside the second."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Rates of Adam, which fall to nothing by ``seconds`` or by ``steps``, whichever pass sooner."""

    seconds: float = math.inf
    steps: int = 1_000_000
    layers: float = 4e-4
    prompt: float = 5e-3
    temperature: float = 0.04
    warm_up: int = 20


class Lessons:
    """``go`` trains ``model``, or goes on where a run in ``folder`` was cut."""

    def __init__(
        self,
        folder: Path,
        model: Prompted,
        pairs: Pairs,
        *,
        loose: Collection[int],
        blocks: NearBlocks,
        bank: Bank,
        pace: Pace,
    ) -> None:
        """``loose``: codes of kinds whose question is about a file, not about one place in it."""
        self._path, self._curve = folder / "checkpoint.pt", folder / "curve.jsonl"
        self._model, self._pairs, self._blocks, self._bank, self._pace = model, pairs, blocks, bank, pace
        self._examples = Examples(pairs, loose, torch.device("cpu"))
        groups = ((model.rows, pace.prompt), (list(model.layers.parameters()), pace.layers))
        self._optimizer = torch.optim.Adam(
            [{"params": part, "lr": rate, "peak": rate} for part, rate in groups], betas=(0.9, 0.98)
        )
        self._step, self._elapsed = 0, 0.0
        self._resume()

    def go(self, every: int) -> None:
        """Train to the end; each ``every`` steps save and extend the curve."""
        started, losses = time.monotonic() - self._elapsed, []
        while self._progress() < 1:
            losses.append(self._one())
            self._step += 1
            self._elapsed = time.monotonic() - started
            if self._step % every == 0 or self._progress() >= 1:
                self._save(np.mean(losses, axis=0).tolist())
                losses = []

    def _progress(self) -> float:
        """Part that is done, from 0 to 1."""
        return min(1.0, max(self._step / self._pace.steps, self._elapsed / self._pace.seconds))

    def _one(self) -> tuple[float, float]:
        height = 0.5 * (1 + math.cos(math.pi * self._progress()))
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * height * min(1.0, (self._step + 1) / self._pace.warm_up)
        blocks = self._blocks.at(self._step, self._bank.vectors)
        rows = np.concatenate(blocks)
        texts, place = np.unique(self._pairs.text[rows], return_inverse=True)
        questions = self._model.asked(_rows(self._pairs.queries, rows))
        found = self._model.read(_rows(self._pairs.texts, texts))
        among_all = self._among_all(blocks, questions)
        among_pairs = self._among_pairs(rows, questions, found[torch.from_numpy(place)])
        self._optimizer.zero_grad()
        torch.autograd.backward(_OF_BANK * among_all + among_pairs)
        self._optimizer.step()
        self._bank.put(texts, found.detach().numpy())
        return float(among_all.detach()), float(among_pairs.detach())

    def _among_all(self, blocks: list[NDArray[np.int64]], questions: Tensor) -> Tensor:
        losses = []
        for rows, asked in zip(blocks, questions.split([len(block) for block in blocks]), strict=True):
            texts = self._bank.pool(int(self._pairs.repository[rows[0]]), self._pairs.text[rows], self._step)
            answer = torch.from_numpy(np.searchsorted(texts, self._pairs.text[rows]))
            right = self._examples.right(torch.from_numpy(rows), torch.from_numpy(texts))
            right[torch.arange(len(rows)), answer] = False
            near = asked @ torch.from_numpy(self._bank.vectors[texts].astype(np.float32)).T
            near = (near / self._pace.temperature).masked_fill(right, -1e4)
            losses.append(functional.cross_entropy(near, answer))
        return torch.stack(losses).mean()

    def _among_pairs(self, rows: NDArray[np.int64], questions: Tensor, texts: Tensor) -> Tensor:
        where = torch.from_numpy(rows)
        right = self._examples.right(where, self._examples.text[where]).fill_diagonal_(False)
        return matryoshka(lambda q, t: contrastive(q, t, right, self._pace.temperature), questions, texts)

    def _save(self, losses: list[float]) -> None:
        line = {
            "step": self._step,
            "seconds": round(self._elapsed),
            "among_all": losses[0],
            "among_pairs": losses[1],
        }
        with self._curve.open("a", encoding="utf-8") as curve:
            curve.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
        state = {
            "layers": self._model.layers.state_dict(),
            "rows": self._model.rows.detach(),
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "elapsed": self._elapsed,
        }
        part = self._path.with_suffix(".part")
        torch.save(state, part)
        part.replace(self._path)

    def _resume(self) -> None:
        if self._path.exists():
            state = torch.load(self._path, weights_only=True)
            self._model.layers.load_state_dict(state["layers"])
            self._model.rows.data = state["rows"]
            self._optimizer.load_state_dict(state["optimizer"])
            self._step, self._elapsed = state["step"], state["elapsed"]


def _rows(ragged: Ragged, which: NDArray[np.int64]) -> list[np.ndarray]:
    return [ragged.ids[ragged.starts[at] : ragged.starts[at + 1]] for at in which]
