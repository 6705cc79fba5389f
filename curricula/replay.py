"""What curricula that replay tasks share: settings, and a buffer in the loop of ask and tell.

`plr`, `robust_plr` and `accel` differ in what a batch is made of and in what is learned from. What
is played again, and what the buffer keeps, is the same in all of them and stands here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from curricula.buffer import Entry, TaskBuffer
from curricula.curriculum import Asked, Proposal
from curricula.prioritization import Priorities, Slots, draw_distinct, draw_repeated
from curricula.scores import SCORES, max_monte_carlo
from taskgen.batch import TaskBatch
from taskgen.distribution import TaskDistribution
from taskgen.hints import did_you_mean
from taskgen.source import TaskSource
from taskgen.task import Task

MAX_MONTE_CARLO = "max_monte_carlo"
"""The score that needs a memory: the best return of each task."""
_OF_MAX_MONTE_CARLO = ("expected_return", "discounted_return")
_SIGNED = (MAX_MONTE_CARLO, "adaptation_gain", "success_gain", "length_gain")
"""Scores that are below 0 for some tasks that have more to teach than others."""


@dataclass(frozen=True)
class ReplaySettings:
    """Settings of curricula that replay tasks.

    Args:
        score: what a task still has to teach, a name in `curricula.scores` or "max_monte_carlo".
        replay_prob: share of batches that are replayed, once the buffer is filled enough.
        parallel: have new, replayed and edited tasks in every batch, in the shares that whole
            batches have otherwise.
        capacity: tasks that the buffer holds.
        min_fill: share of the capacity that must be playable before anything is replayed.
        prioritization: how scores become probabilities, by rank, proportional to them, or the
            highest alone.
        temperature: of that; the lower, the more the highest scores have.
        top_k: how many are the highest.
        staleness_coef: share of the draws that go by how long a task was not played.
        staleness_temperature: of those; 1 is proportional.
        repeats: whether a task may stand several times in a batch, as published; otherwise what was
            drawn is left out of the draws that follow.
    """

    score: str = "positive_value_loss"
    replay_prob: float = 0.5
    parallel: bool = False
    capacity: int = 4000
    min_fill: float = 0.5
    prioritization: Literal["rank", "proportional", "top_k"] = "rank"
    temperature: float = 0.3
    top_k: int = 128
    staleness_coef: float = 0.3
    staleness_temperature: float = 1.0
    repeats: bool = False

    def __post_init__(self) -> None:
        known = (*SCORES, MAX_MONTE_CARLO)
        if self.score not in known:
            hint = did_you_mean(self.score, known)
            raise ValueError(f"score must be one of {', '.join(known)}, got {self.score!r}{hint}.")
        for name in ("replay_prob", "min_fill", "staleness_coef"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} must lie in [0, 1], got {value}.")
        for name in ("temperature", "staleness_temperature"):
            value = getattr(self, name)
            if not value > 0.0:
                raise ValueError(f"{name} must be above 0, got {value}.")
        for name in ("capacity", "top_k"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}.")
        if self.prioritization == "proportional" and self.score in _SIGNED:
            raise ValueError(
                f"prioritization must not be proportional to {self.score}, which can be negative; "
                f"take rank."
            )

    @property
    def scores(self) -> tuple[str, ...]:
        """The scores to be told, in the order of their columns."""
        return _OF_MAX_MONTE_CARLO if self.score == MAX_MONTE_CARLO else (self.score,)


class Replay:
    """A buffer between ask and tell: draws what is replayed, takes in what came of a batch.

    Args:
        settings: of the curriculum.
    """

    def __init__(self, settings: ReplaySettings) -> None:
        self.settings = settings
        priorities = Priorities(
            settings.prioritization,
            settings.temperature,
            settings.top_k,
            settings.staleness_coef,
            settings.staleness_temperature,
        )
        self.buffer = TaskBuffer(settings.capacity, priorities)
        self._asked = Asked()
        self._proposed: list[Proposal] = []
        self._slots: Slots = np.zeros(0, dtype=np.int64)
        self._forms: dict[int, str] = {}
        self._counts = {"inserted": 0, "refused": 0, "unscored": 0}

    def begin(self, source: TaskSource, distribution: TaskDistribution) -> None:
        """Starts an ask: says where tasks are played now."""
        self.buffer.place(distribution, source.quarantine)
        self._proposed, self._forms = [], {}
        self._slots = np.zeros(0, dtype=np.int64)

    @property
    def is_ready(self) -> bool:
        """Whether enough of the buffer is playable to replay some of it."""
        num = len(self.buffer.playable)
        return num > 0 and num >= self.settings.min_fill * self.settings.capacity

    def num_replays(self, n: int, share: float, rng: np.random.Generator) -> int:
        """Returns how many of n tasks are replayed: all or none by chance, or the share of them."""
        if not self.is_ready:
            return 0
        if self.settings.parallel:
            return round(share * n)
        return n if rng.random() < share else 0

    def replay(self, n: int, rng: np.random.Generator) -> None:
        """Proposes n tasks of the buffer, fewer where it has no more that may be played."""
        slots, probs = self.buffer.probs()
        draw = draw_repeated if self.settings.repeats else draw_distinct
        chosen = slots[draw(probs, n, rng)] if n and len(slots) else slots[:0]
        self._slots = np.append(self._slots, chosen)
        tasks = {slot: self.buffer.task(slot) for slot in dict.fromkeys(chosen.tolist())}
        self._proposed += [Proposal(tasks[slot], "replay") for slot in chosen.tolist()]

    def propose(self, tasks: TaskBatch, origin: Literal["new", "edit"], *, train: bool) -> None:
        """Proposes tasks that are not in the buffer yet."""
        for form in tasks.canonicals:
            self._forms[len(self._slots) + len(self._forms)] = _digest(form)
        self._proposed += [Proposal(task, origin, train) for task in tasks]

    @property
    def num_proposed(self) -> int:
        """How many tasks are proposed so far."""
        return len(self._proposed)

    def asked(self) -> list[Proposal]:
        """Ends an ask: returns all that was proposed, and waits for it to be told."""
        return self._asked.remember(self._proposed)

    def tell(self, proposals: Sequence[Proposal], columns: NDArray[np.float64]) -> Scores:
        """Takes what came of the batch: replays are scored anew, other tasks may come in.

        A score that is not finite changes nothing: such a new task stays out, a replayed one keeps
        the score that it had. Of a task that stood several times in the batch the mean counts.

        Args:
            proposals: those of the last ask.
            columns: the scores of `ReplaySettings.scores`, [B, K], or [B] of one.

        Returns:
            The scores, [B].

        Raises:
            RuntimeError: if the proposals are others.
        """
        self._asked.settle(proposals)
        columns = np.reshape(columns, (len(proposals), -1))
        num_replays = len(self._slots)
        scores, best = self._scored(columns)
        self.buffer.tick(self._slots)
        self._rescore(scores[:num_replays], best[:num_replays])
        self._insert(proposals, scores, best)
        return scores

    def metrics(self) -> dict[str, float]:
        """Returns the buffer's numbers, and what came into it since it was made or restored."""
        counts = {f"num_{name}": float(count) for name, count in self._counts.items()}
        found = {**self.buffer.metrics(), **counts}
        return {f"curriculum/buffer_{name}": value for name, value in found.items()}

    def state_dict(self) -> dict[str, Any]:
        """Returns the buffer's state."""
        return self.buffer.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back; what was asked for and not told is forgotten."""
        self.buffer.load_state_dict(state)
        self._proposed, self._forms = [], {}
        self._slots = np.zeros(0, dtype=np.int64)

    def _scored(self, columns: NDArray[np.float64]) -> tuple[Scores, Scores]:
        """Returns scores and best returns, [B] both; −inf where nobody counts the best."""
        if self.settings.score != MAX_MONTE_CARLO:
            return columns[:, 0], np.full(len(columns), -np.inf)
        expected, earned = columns[:, 0], columns[:, 1]
        best = earned.copy()
        num_replays = len(self._slots)
        best[:num_replays] = np.fmax(earned[:num_replays], self.buffer.best[self._slots])
        return max_monte_carlo(best, expected), best

    def _rescore(self, scores: Scores, best: Scores) -> None:
        finite = np.isfinite(scores)
        slots, which = np.unique(self._slots[finite], return_inverse=True)
        if len(slots):
            totals = np.bincount(which, weights=scores[finite])
            self.buffer.rescore(slots, totals / np.bincount(which))
            self.buffer.raise_best(self._slots[finite], best[finite])

    def _insert(self, proposals: Sequence[Proposal], scores: Scores, best: Scores) -> None:
        entries = [
            Entry(proposals[i].task, form, float(scores[i]), float(best[i]))
            for i, form in self._forms.items()
            if np.isfinite(scores[i])
        ]
        num_in = self.buffer.insert(entries)
        self._counts["inserted"] += num_in
        self._counts["refused"] += len(entries) - num_in
        self._counts["unscored"] += len(self._forms) - len(entries)


Scores = NDArray[np.float64]


def fresh(
    source: TaskSource, distribution: TaskDistribution, n: int, rng: np.random.Generator
) -> TaskBatch:
    """Returns n new tasks; none where n is 0."""
    return source.make(distribution, n, rng) if n else TaskBatch(source.generator, [])


def edited(
    source: TaskSource,
    distribution: TaskDistribution,
    bases: Sequence[Task],
    num_edits: int,
    rng: np.random.Generator,
) -> TaskBatch:
    """Returns edits of the bases that lie in the distribution, of as many as have one."""
    edits = source.mutate_tasks(bases, num_edits, rng, within=distribution)
    return TaskBatch(source.generator, [edit for edit in edits if edit is not None])


def _digest(form: bytes) -> str:
    return hashlib.sha256(form).hexdigest()[:32]
