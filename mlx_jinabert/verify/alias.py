"""Check one model, of whatever kind, and sum the result up."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np

from mlx_jinabert.catalog import find
from mlx_jinabert.loading.embedding import load_local
from mlx_jinabert.loading.scoring import load_scorer
from mlx_jinabert.local.late_interaction import LateInteractionModel
from mlx_jinabert.local.model import LocalModel
from mlx_jinabert.local.reranker import Reranker
from mlx_jinabert.quick_dataclass import dataclass
from mlx_jinabert.verify import checks
from mlx_jinabert.verify.checked import CheckRecord
from mlx_jinabert.verify.checks import LIMITS, Check
from mlx_jinabert.verify.original import NotComparable, against_original
from mlx_jinabert.verify.published import check_logits

__all__ = ["Verdict", "check_model"]

_TEXTS = ("def add(a, b): return a + b", "where are retries decided", "x " * 90)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result: ``held`` are checks against what others published or compute, ``own`` against itself."""

    name: str
    model: LocalModel
    held: Sequence[Check]
    own: Sequence[Check]
    left_out: str
    """Why it could not be held against its original; empty where it was."""

    @property
    def passed(self) -> bool:
        """Whether every check held."""
        return all(check.passed for check in (*self.held, *self.own))

    @property
    def run(self) -> str:
        """Backend, type and device."""
        return f"{self.model.backend} {self.model.dtype} on {self.model.device}"

    def line(self) -> str:
        """Everything in one line."""
        failed = [check.name for check in (*self.held, *self.own) if not check.passed]
        said = "FAIL: " + ", ".join(failed) if failed else "verified" if self.held else "unverified"
        against = self._against() if self.held else "nothing is published for it; consistent with itself"
        against += f"; not by PyTorch: {self.left_out}" if self.left_out else ""
        parts = (self.name, self.model.fingerprint[:12], self.run, against, said)
        return " | ".join(parts)

    def record(self, by: str) -> CheckRecord | None:
        """The record of a verified alias; None for anything else."""
        entry = find(self.name)
        if entry is None or not self.held or not self.passed:
            return None
        return CheckRecord(
            alias=entry.alias,
            date=datetime.datetime.now(datetime.UTC).date(),
            by=by,
            run=self.run,
            against=self._against(),
            revision=self.model.folder.revision,
        )

    def _against(self) -> str:
        details = [check.detail or check.name for check in self.held]
        return "; ".join(dict.fromkeys(details))


def check_model(name: str, backend: str = "auto", dtype: str = "float32") -> Verdict:
    """Load a model and check it. Raises what ``load`` raises."""
    entry = find(name)
    if entry is not None and entry.task != "embedding":
        return _check_scorer(name, backend, dtype)
    model = load_local(name, backend=backend, dtype=dtype)
    original, left_out = _original(model)
    held = [*checks.golden(model), *checks.published(model), *original]
    together = model.encode(_TEXTS, truncation="silent")
    alone = np.stack([model.encode(text, truncation="silent") for text in _TEXTS])
    limit = LIMITS[model.dtype]
    cosine, difference = float((together * alone).sum(1).min()), float(np.abs(together - alone).max())
    own = Check("single = batch", cosine >= limit.cosine, difference, cosine)
    return Verdict(name, model, held, [own], left_out)


def _check_scorer(name: str, backend: str, dtype: str) -> Verdict:
    model = load_scorer(name, backend=backend, dtype=dtype)
    pairs = [(_TEXTS[1], text) for text in _TEXTS]
    together = model.predict(pairs, activation="identity")
    alone = np.stack([model.predict(pair, activation="identity") for pair in pairs])
    difference = float(np.abs(together - alone).max())
    own = Check("single = batch", difference <= LIMITS[model.dtype].difference * 10, difference, np.nan)
    original, left_out = _original(model)
    return Verdict(name, model, [*_published_logits(model), *original], [own], left_out)


def _original(model: LocalModel) -> tuple[list[Check], str]:
    """The check against the original, or why there is none."""
    try:
        return [against_original(model)], ""
    except NotComparable as reason:
        return [], str(reason)


def _published_logits(model: Reranker | LateInteractionModel) -> list[Check]:
    found = []
    if isinstance(model, Reranker):
        for logit in check_logits(model.folder.entry.hub_id if model.folder.entry else None):
            difference = logit.difference(float(model.logits_of_texts([logit.text])[0]))
            passed = difference <= LIMITS[model.dtype].difference * 10
            found.append(Check(f"published: {logit.text}", passed, difference, np.nan, logit.source))
    return found
