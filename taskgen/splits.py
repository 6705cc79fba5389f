"""Which tasks may be trained on, which may decide, and which stay sealed.

The split of a task is a hash of its canonical form and a salt: it does not depend on when, where
or from what distribution the task was drawn, and twins (a maze and its mirror image) fall on one
side. A `TaskSource` draws tasks of one split; it is all that a curriculum sees of a generator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from taskgen.batch import ArrayBatch
from taskgen.distribution import TaskDistribution
from taskgen.generator import TaskBatch, TaskGenerator
from taskgen.parameters import Columns, Row
from taskgen.task import MAX_CONTENT_BYTES, Task, canonical_json
from taskgen.watchdog import TookTooLong, time_limit

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
SHARES: Mapping[str, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}

_MAX_ROUNDS = 200
_MAX_DRAW = 4096
_MAX_REASONS = 20
_MAX_DISTINCT_ROUNDS = 8

_FIRST_LIMIT_S = 300.0
_FIRST_TRIES = 8
_warm: set[type[TaskGenerator]] = set()
"""Classes that have made a task in this process: what they compile on first use is compiled."""

_T = TypeVar("_T")


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
    """What became of the tasks that a source made, counted, and the newest failures' reasons."""

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

    A parameter row that makes the generator raise or hang, or a task that is not valid, not
    JSON-able or too large, costs that task: it is counted in `draws` and another is made. The
    first task of a generator's class in a process has five minutes, since it may compile.

    Args:
        generator: makes the tasks.
        split: which split to keep; None keeps all (a family too small to split).
        salt: of the split; whatever is compared shares it.
        quarantine: ids of tasks that must not be played.
        timeout_s: the longest one call of the generator may take, in seconds.
    """

    def __init__(
        self,
        generator: TaskGenerator,
        split: Split | None,
        salt: str,
        quarantine: Iterable[str] = (),
        timeout_s: float = 20.0,
    ) -> None:
        self.generator = generator
        self.split = split
        self.salt = salt
        self.quarantine = set(quarantine)
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
            kept = self._acceptable(batch)[:missing]
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

    def make_distinct(
        self,
        distribution: TaskDistribution,
        n: int,
        rng: np.random.Generator,
        apart_from: Iterable[bytes] = (),
    ) -> TaskBatch:
        """Returns n tasks as `make` does, no two of one canonical form.

        A family of few tasks may not have as many: what is missing after a few rounds is filled
        up with repeats.

        Args:
            distribution: where to draw.
            n: how many.
            rng: decides the tasks.
            apart_from: canonical forms to stay away from in the same way.

        Raises:
            TooFewTasks: as `make`.
        """
        seen, found, missing = set(apart_from), [], n
        for _ in range(_MAX_DISTINCT_ROUNDS):
            batch = self.make(distribution, min(n, 4 * missing), rng)
            forms = self._looked_at(batch, lambda part: part.canonicals)
            first = {form: i for i, form in reversed(list(enumerate(forms))) if form is not None}
            fresh = sorted(i for form, i in first.items() if form not in seen)
            seen |= first.keys()
            found.append(batch.select(fresh[:missing]))
            missing -= len(found[-1])
            if not missing:
                return _joined(found)
        return _joined([*found, self.make(distribution, missing, rng)])

    def mutate(self, task: Task, rng: np.random.Generator, tries: int = 10) -> Task | None:
        """Returns a valid edit of the task within the split, None if no try gave one."""
        for _ in range(tries):
            try:
                with time_limit(self.timeout_s):
                    edited = self.generator.mutate(task, rng)
            except Exception as error:
                self._note_failure(task.params, task.seed, error)
                continue
            if edited is not None and len(self._acceptable(TaskBatch(self.generator, [edited]))):
                return edited
        return None

    def _draw(self, distribution: TaskDistribution, n: int, rng: np.random.Generator) -> TaskBatch:
        params = distribution.sample(n, rng)
        seeds = rng.integers(0, 2**62, size=n)
        self._warm_up(params, seeds)
        made = self._make_tasks(params, seeds)
        return _joined(made) if made else TaskBatch(self.generator, [])

    def _warm_up(self, params: Columns, seeds: NDArray[np.int64]) -> None:
        """Has the class make and examine one task, so that the time limits measure no compiler."""
        if type(self.generator) in _warm:
            return
        _warm.add(type(self.generator))
        for i in range(min(_FIRST_TRIES, len(seeds))):
            try:
                with time_limit(_FIRST_LIMIT_S):
                    row = {name: column[i : i + 1] for name, column in params.items()}
                    batch = self.generator.make_tasks(row, seeds[i : i + 1])
                    _ = batch.validity, batch.canonicals, batch.ids
                return
            except TookTooLong:
                return
            except Exception:  # found again, and noted, when it is made in earnest
                continue

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
        reasons = self.draws.reasons
        self.draws.failed += 1
        reasons[f"{row}, seed {seed}"] = repr(error)
        if len(reasons) > _MAX_REASONS:
            del reasons[next(iter(reasons))]

    def _looked_at(
        self, batch: TaskBatch, look: Callable[[TaskBatch], Iterable[_T]]
    ) -> list[_T | None]:
        """Returns what `look` finds of each task, None where it raises or hangs for it."""
        try:
            with time_limit(self.timeout_s):
                return list(look(batch))
        except Exception as error:
            if len(batch) == 1:
                self._note_failure(batch[0].params, batch[0].seed, error)
                return [None]
        half = len(batch) // 2
        return self._looked_at(batch[:half], look) + self._looked_at(batch[half:], look)

    def _acceptable(self, batch: TaskBatch) -> TaskBatch:
        """Returns the tasks of this split that can be played."""
        for sieve in (self._in_split, self._valid, self._identified):
            if len(batch):
                passed = np.array(sieve(batch), dtype=bool)
                batch = batch if passed.all() else batch.select(np.flatnonzero(passed))
        return batch

    def _in_split(self, batch: TaskBatch) -> list[bool]:
        """Returns which tasks lie in the split."""
        if self.split is None:
            return [True] * len(batch)
        forms = self._looked_at(batch, lambda part: part.canonicals)
        inside = [form is not None and split_of(form, self.salt) == self.split for form in forms]
        self.draws.other_split += len(forms) - sum(inside) - forms.count(None)
        return inside

    def _valid(self, batch: TaskBatch) -> list[bool]:
        """Returns which tasks are valid; one whose check raises or hangs is not."""
        found = self._looked_at(batch, lambda part: part.validity.tolist())
        self.draws.invalid += sum(valid is False for valid in found)
        return [bool(valid) for valid in found]

    def _identified(self, batch: TaskBatch) -> list[bool]:
        """Returns which tasks can be written down and are not in quarantine."""
        ids = self._looked_at(batch, _checked_ids)
        known = [task_id in self.quarantine for task_id in ids]
        self.draws.quarantined += sum(known)
        return [id_ is not None and not is_in for id_, is_in in zip(ids, known, strict=True)]


def _checked_ids(batch: TaskBatch) -> list[str]:
    """Returns the ids of tasks whose contents are small enough to be handed around."""
    texts: list[bytes] = []
    if isinstance(batch, ArrayBatch):
        texts = batch.texts
    elif type(batch) is TaskBatch:  # others keep their contents in a form of their own
        texts = [canonical_json(task.content) for task in batch]
    longest = max(map(len, texts), default=0)
    if longest > MAX_CONTENT_BYTES:
        raise ValueError(
            f"a task's content must have at most {MAX_CONTENT_BYTES} bytes as JSON, got {longest}; "
            f"make it smaller, or keep a seed in place of what can be made of it again."
        )
    return batch.ids


def _joined(batches: list[TaskBatch]) -> TaskBatch:
    first, *others = [batch for batch in batches if len(batch)] or batches[:1]
    return first.extended(others) if others else first
