"""Which tasks may be trained on, which may decide, and which stay sealed.

The split of a task is a hash of its canonical form and a salt: it does not depend on when, where
or from what distribution the task was drawn, and twins (a maze and its mirror image) fall on one
side. A `TaskSource` draws tasks of one split; it is all that a curriculum sees of a generator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskBatch, TaskGenerator
from taskgen.parameters import Columns, Row
from taskgen.task import Task
from taskgen.watchdog import time_limit

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
SHARES: Mapping[str, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}

_MAX_ROUNDS = 200
_MAX_DRAW = 4096
_MAX_REASONS = 20


class TooFewTasks(RuntimeError):
    """A distribution holds too few valid tasks of a split to draw as many as were asked for."""


def split_of(canonical: bytes, salt: str) -> Split:
    """Returns the split of a canonical form.

    Example:
        >>> split_of(b"a maze", salt="2026"), split_of(b"another", salt="2026")
        ('test', 'train')
    """
    digest = hashlib.sha256(salt.encode() + b"\0" + canonical).digest()
    position = int.from_bytes(digest[:8], "little") / 2.0**64
    if position < SHARES["train"]:
        return "train"
    return "validation" if position < SHARES["train"] + SHARES["validation"] else "test"


@dataclass
class Draws:
    """What became of the tasks that a source made, counted."""

    accepted: int = 0
    other_split: int = 0
    invalid: int = 0
    quarantined: int = 0
    failed: int = 0
    reasons: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Returns the counts and the reasons of failures as plain values."""
        return dict(vars(self))


class TaskSource:
    """Makes tasks of one split from a distribution.

    A parameter row that makes the generator raise or hang, or a task that is not valid, costs
    that task: it is counted in `draws` and another is made.

    Args:
        generator: makes the tasks.
        split: which split to keep; None keeps all (a family too small to split).
        salt: of the split; whatever is compared shares it.
        quarantine: ids of tasks that must not be played.
        forbidden: canonical forms that must not come again (say, of an earlier draw).
        timeout_s: the longest one call of the generator may take, in seconds.
    """

    def __init__(
        self,
        generator: TaskGenerator,
        split: Split | None,
        salt: str,
        quarantine: Iterable[str] = (),
        forbidden: Iterable[bytes] = (),
        timeout_s: float = 20.0,
    ) -> None:
        self.generator = generator
        self.split = split
        self.salt = salt
        self.quarantine = set(quarantine)
        self.forbidden = set(forbidden)
        self.timeout_s = timeout_s
        self.draws = Draws()

    def make(self, distribution: TaskDistribution, n: int, rng: np.random.Generator) -> TaskBatch:
        """Returns n valid tasks of the split, drawn from the distribution.

        Raises:
            TooFewTasks: if many draws in a row hold hardly any; the message has the counts.
        """
        share = SHARES[self.split] if self.split else 1.0
        found: list[TaskBatch] = []
        missing = n
        for _ in range(_MAX_ROUNDS):
            num_drawn = min(int(missing / share * 1.1) + 8, _MAX_DRAW)
            batch = self._draw(distribution, num_drawn, rng)
            if not len(batch):
                break  # every single one raised or hung: the generator is broken
            kept = batch.select(self._acceptable(batch)[:missing])
            missing -= len(kept)
            found.append(kept)
            if missing == 0:
                self.draws.accepted += n
                return _joined(found)
        raise TooFewTasks(
            f"{self.generator.name}: only {n - missing} of {n} {self.split} tasks could be "
            f"made ({self.draws.to_json()}); mend the generator, widen the distribution, choose "
            f"another split_salt, or switch the split off for a family of few tasks."
        )

    def mutate(self, task: Task, rng: np.random.Generator, tries: int = 10) -> Task | None:
        """Returns a valid edit of the task within the split, None if no try gave one."""
        for _ in range(tries):
            edited = self.generator.mutate(task, rng)
            if edited is not None and len(self._acceptable(TaskBatch(self.generator, [edited]))):
                return edited
        return None

    def _draw(self, distribution: TaskDistribution, n: int, rng: np.random.Generator) -> TaskBatch:
        params = distribution.sample(n, rng)
        seeds = rng.integers(0, 2**62, size=n)
        made = self._make_tasks(params, seeds)
        return _joined(made) if made else TaskBatch(self.generator, [])

    def _make_tasks(self, params: Columns, seeds: NDArray[np.int64]) -> list[TaskBatch]:
        """Makes what can be made: a batch that raises or hangs is halved until it is found out."""
        try:
            with time_limit(self.timeout_s):
                return [self.generator.make_tasks(params, seeds)]
        except Exception as error:
            if len(seeds) == 1:
                self._note_failure(self.generator.space.rows(params)[0], int(seeds[0]), error)
                return []
        half = len(seeds) // 2
        parts = (slice(None, half), slice(half, None))
        return [
            batch
            for part in parts
            for batch in self._make_tasks({k: v[part] for k, v in params.items()}, seeds[part])
        ]

    def _note_failure(self, row: Row, seed: int, error: Exception) -> None:
        self.draws.failed += 1
        if len(self.draws.reasons) < _MAX_REASONS:
            self.draws.reasons[f"{row}, seed {seed}"] = repr(error)

    def _validity(self, batch: TaskBatch) -> NDArray[np.bool_]:
        """Returns which tasks are valid; one whose check raises or hangs is not."""
        try:
            with time_limit(self.timeout_s):
                return batch.validity
        except Exception as error:
            if len(batch) == 1:
                self._note_failure(batch[0].params, batch[0].seed, error)
                return np.zeros(1, dtype=bool)
        half = len(batch) // 2
        return np.concatenate([self._validity(batch[:half]), self._validity(batch[half:])])

    def _acceptable(self, batch: TaskBatch) -> NDArray[np.int64]:
        """Returns the indices of the tasks of this split that can be played."""
        keep = np.ones(len(batch), dtype=bool)
        if self.split is not None or self.forbidden:
            forms = batch.canonicals
            if self.split is not None:
                keep &= np.array([split_of(form, self.salt) == self.split for form in forms], bool)
            if self.forbidden:
                keep &= np.array([form not in self.forbidden for form in forms], bool)
            self.draws.other_split += int((~keep).sum())
        valid = self._validity(batch)
        self.draws.invalid += int((keep & ~valid).sum())
        keep &= valid
        if self.quarantine:
            known = np.array([task_id in self.quarantine for task_id in batch.ids], dtype=bool)
            self.draws.quarantined += int((keep & known).sum())
            keep &= ~known
        return np.flatnonzero(keep)


def leak_report(
    generator: TaskGenerator, sets: Mapping[str, Sequence[Task]]
) -> dict[str, dict[str, int]]:
    """Counts ids and canonical forms that two named sets of tasks share; all must be 0.

    Returns:
        "a & b" → {"ids": …, "canonical": …} for every pair of sets.
    """
    ids = {name: {task.id for task in tasks} for name, tasks in sets.items()}
    forms = {name: {generator.canonical(task) for task in tasks} for name, tasks in sets.items()}
    names = sorted(sets)
    return {
        f"{a} & {b}": {"ids": len(ids[a] & ids[b]), "canonical": len(forms[a] & forms[b])}
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    }


def _joined(batches: list[TaskBatch]) -> TaskBatch:
    first, *others = [batch for batch in batches if len(batch)] or batches[:1]
    return first.extended(others) if others else first
