"""A buffer of tasks that were played, with what they scored: arrays, however many there are.

A task is known by its canonical form, and stands here once. What lies outside of the current
distribution, or is quarantined, stays out of every draw. No batch loops over what is buffered.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curricula.prioritization import Priorities, Probs, Slots
from taskgen.distribution import TaskDistribution
from taskgen.task import Task, canonical_json

_MAX_CHANGED = 2048
"""So many changed scores are sorted in; more are sorted anew."""


@dataclass(frozen=True)
class Entry:
    """A task that may enter a buffer.

    Args:
        task: the task.
        form: a digest of its canonical form.
        score: finite.
        best: the best return that was ever seen on it; −inf where nobody counts that.
    """

    task: Task
    form: str
    score: float
    best: float = -np.inf


class TaskBuffer:
    """At most `capacity` tasks with scores; slots are their places, from 0 to len − 1.

    Args:
        capacity: how many tasks it holds, at least 1.
        priorities: what is played again, and so what is given up when it is full.
    """

    def __init__(self, capacity: int, priorities: Priorities) -> None:
        self.capacity = capacity
        self.priorities = priorities
        self._clear()

    def _clear(self) -> None:
        capacity = self.capacity
        self.clock = 0
        self._texts: list[str] = []
        self._ids: list[str] = []
        self._forms: list[str] = []
        self._slot_of_id: dict[str, int] = {}
        self._slot_of_form: dict[str, int] = {}
        self._scores = np.zeros(capacity)
        self._best = np.full(capacity, -np.inf)
        self._played_at = np.zeros(capacity, dtype=np.int64)
        self._points: NDArray[np.float64] = np.zeros((capacity, 0))
        self._here = np.zeros(capacity, dtype=bool)
        self._distribution: TaskDistribution | None = None
        self._num_quarantined = 0
        self._order: Slots | None = None
        self._changed: set[int] = set()

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, form: str) -> bool:
        return form in self._slot_of_form

    @property
    def scores(self) -> NDArray[np.float64]:
        """What each task scored last, [N]."""
        return self._scores[: len(self)]

    @property
    def best(self) -> NDArray[np.float64]:
        """The best return ever seen on each task, [N]."""
        return self._best[: len(self)]

    @property
    def staleness(self) -> NDArray[np.int64]:
        """Batches since each task was played, [N]."""
        return self.clock - self._played_at[: len(self)]

    @property
    def playable(self) -> NDArray[np.int64]:
        """The slots whose tasks may be played now, ascending."""
        return np.flatnonzero(self._here[: len(self)])

    def task(self, slot: int) -> Task:
        """Returns the task of a slot."""
        return Task.from_json(json.loads(self._texts[slot]))

    def slot_of(self, form: str) -> int | None:
        """Returns where the task of a form is, None where it is not."""
        return self._slot_of_form.get(form)

    def place(self, distribution: TaskDistribution, quarantine: Collection[str]) -> None:
        """Says where tasks are played from now on: inside the distribution, not in quarantine."""
        if distribution is self._distribution and len(quarantine) == self._num_quarantined:
            return
        self._distribution, self._num_quarantined = distribution, len(quarantine)
        if len(self):
            self._here[: len(self)] = distribution.contains_points(self._points[: len(self)])
        banned = [self._slot_of_id[i] for i in quarantine if i in self._slot_of_id]
        self._here[banned] = False
        self._order = None

    def probs(self) -> tuple[Slots, Probs]:
        """Returns the playable slots and with what probability each is drawn, [N] both."""
        slots = self.playable
        if not len(slots):
            return slots, np.zeros(0)
        is_all = len(slots) == len(self)
        scores = self.scores if is_all else self._scores[slots]
        staleness = self.staleness if is_all else self.staleness[slots]

        def order() -> Slots:
            ranked = self._ranked()
            return ranked if is_all else np.searchsorted(slots, ranked)

        return slots, self.priorities.probs(scores, staleness, order)

    def tick(self, played: Slots) -> None:
        """Lets a batch pass in which these slots were played."""
        self.clock += 1
        self._played_at[played] = self.clock

    def rescore(self, slots: Slots, scores: NDArray[np.float64]) -> None:
        """Takes new scores of slots, [n] both, each slot once; they must be finite."""
        self._scores[slots] = scores
        self._changed.update(slots.tolist())

    def raise_best(self, slots: Slots, returns: NDArray[np.float64]) -> None:
        """Keeps the best returns; NaN counts for nothing."""
        np.fmax.at(self._best, slots, returns)

    def insert(self, entries: Sequence[Entry]) -> int:
        """Takes tasks in whose form is not here yet; returns how many came in.

        While there is room, all of them. Then the highest score goes to the slot that is the least
        likely to be drawn, the second highest to the next, and so on, each only where it is at
        least as high as the one it ends; what cannot be played now gives way first, at any score.
        """
        first = {entry.form: entry for entry in reversed(entries) if entry.form not in self}
        fresh = [entry for entry in entries if first.get(entry.form) is entry]
        room = self.capacity - len(self)
        for entry in fresh[:room]:
            self._append(entry)
        waiting = sorted(fresh[room:], key=lambda entry: -entry.score)
        num = min(room, len(fresh))
        for slot, entry in zip(self._weakest(len(waiting)), waiting, strict=False):
            if not self._here[slot] or entry.score >= self._scores[slot]:
                self._put(slot, entry)
                num += 1
        return num

    def metrics(self) -> dict[str, float]:
        """Returns its size and means over what may be played now, NaN where that is nothing."""
        slots = self.playable
        scores, staleness = self._scores[slots], self.staleness[slots]
        return {
            "size": float(len(self)),
            "playable": float(len(slots)),
            "mean_score": float(scores.mean()) if len(slots) else np.nan,
            "max_score": float(scores.max()) if len(slots) else np.nan,
            "mean_staleness": float(staleness.mean()) if len(slots) else np.nan,
        }

    def state_dict(self) -> dict[str, Any]:
        """Returns everything that later draws depend on, as plain values."""
        return {
            "clock": self.clock,
            "tasks": list(self._texts),
            "ids": list(self._ids),
            "forms": list(self._forms),
            "scores": self.scores.tolist(),
            "best": self.best.tolist(),
            "played_at": self._played_at[: len(self)].tolist(),
            "points": self._points[: len(self)].tolist(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the state back; where there is less room than before, the highest scores stay."""
        scores = np.array(state["scores"], dtype=np.float64)
        kept = np.sort(np.argsort(-scores, kind="stable")[: self.capacity]).tolist()
        self._clear()
        self.clock = state["clock"]
        self._texts = [state["tasks"][i] for i in kept]
        self._ids = [state["ids"][i] for i in kept]
        self._forms = [state["forms"][i] for i in kept]
        self._slot_of_id = {task_id: slot for slot, task_id in enumerate(self._ids)}
        self._slot_of_form = {form: slot for slot, form in enumerate(self._forms)}
        self._scores[: len(kept)] = scores[kept]
        self._best[: len(kept)] = np.array(state["best"])[kept]
        self._played_at[: len(kept)] = np.array(state["played_at"])[kept]
        if kept:
            points = np.array(state["points"])[kept]
            self._points = np.zeros((self.capacity, points.shape[1]))
            self._points[: len(kept)] = points

    def _weakest(self, n: int) -> list[int]:
        """Returns n slots, the first to be given up first: the least likely to be drawn."""
        if not n:
            return []
        chances = np.full(len(self), -1.0)
        slots, probs = self.probs()
        chances[slots] = probs
        n = min(n, len(self))
        weakest = np.argpartition(chances, n - 1)[:n] if n < len(self) else np.arange(n)
        order = np.lexsort((weakest, self._scores[weakest], chances[weakest]))
        found: list[int] = weakest[order].tolist()
        return found

    def _append(self, entry: Entry) -> None:
        self._texts.append("")
        self._ids.append("")
        self._forms.append("")
        self._put(len(self) - 1, entry)

    def _put(self, slot: int, entry: Entry) -> None:
        assert self._distribution is not None, "place comes before insert"
        if self._forms[slot]:
            del self._slot_of_form[self._forms[slot]], self._slot_of_id[self._ids[slot]]
        point = self._distribution.space.to_point(entry.task.params)
        if self._points.shape[1] != len(point):
            self._points = np.zeros((self.capacity, len(point)))
        self._texts[slot] = canonical_json(entry.task.to_json()).decode()
        self._ids[slot], self._forms[slot] = entry.task.id, entry.form
        self._slot_of_id[entry.task.id] = self._slot_of_form[entry.form] = slot
        self._scores[slot], self._best[slot] = entry.score, entry.best
        self._played_at[slot] = self.clock
        self._points[slot] = point
        self._here[slot] = True
        self._changed.add(slot)

    def _ranked(self) -> Slots:
        """Returns the playable slots, the highest score first; changed ones are sorted in."""
        if self._order is None or len(self._changed) > _MAX_CHANGED:
            slots = self.playable
            self._order = slots[np.argsort(-self._scores[slots], kind="stable")]
        elif self._changed:
            sorted_in = np.array(sorted(self._changed), dtype=np.int64)
            changed = sorted_in[self._here[sorted_in]]
            moved = np.zeros(len(self), dtype=bool)
            moved[changed] = True
            rest = self._order[~moved[self._order]]
            changed = changed[np.argsort(-self._scores[changed], kind="stable")]
            places = np.searchsorted(-self._scores[rest], -self._scores[changed])
            self._order = np.insert(rest, places, changed)
        self._changed.clear()
        return self._order
